"""Exercise 2: Particle Transformer's block beside the standard one."""

from matplotlib.patches import Circle, FancyBboxPatch

from plots.style import BLUE, GREY, INK, RUST, PAGE_WIDTH, figure

HEIGHT = 2.9
FIRST, STEP, BOX = 0.345, 0.241, 0.185   # inches: height of the first row, from row to row, of a box
STANDARD, PARTICLE, NOTES = 1.13, 3.5, 5.75  # where the two blocks and the notes stand
BOX_WIDTH, NOTE_WIDTH, LINE = 1.78, 1.86, 0.165
SIDE = 1.12                              # from a block's middle to the connection that passes by
TEXT = 8.5                               # points
TINT = "#F8EDE5"                        # RUST at a tenth; a light grey in greyscale


def blocks(width, heads, pair_widths, n_blocks, n_class_blocks):
    """The standard pre-norm block and Particle Transformer's, row by row; what differs is drawn heavier and tinted."""
    fig, ax = figure(PAGE_WIDTH, HEIGHT)
    ax.set(xlim=(0, PAGE_WIDTH), ylim=(0, HEIGHT), aspect="equal")
    ax.axis("off")
    rows = [("LayerNorm", "both"), ("attention", "both"), (r"head scales $\mathbf{c}$", "new"), ("LayerNorm", "new"),
            ("+", "both"), ("LayerNorm", "both"), (f"linear {width} → {4 * width}, GELU", "both"), ("LayerNorm", "new"),
            (f"linear {4 * width} → {width}", "both"), ("+", "both")]
    formula = r"softmax$(\mathbf{Q}\mathbf{K}^\mathsf{T}/$√$d_k%s)\,\mathbf{V}$"
    _column(ax, STANDARD, rows, "Standard block (pre-norm)", formula % "", new=False)
    _column(ax, PARTICLE, rows, "Particle Transformer’s block", formula % r" + \mathbf{U}", new=True)
    attention = _height(1)
    _note(ax, attention + 0.4, RUST, [
        r"pair bias $\mathbf{U}$", r"ln$\,k_T$, ln$\,z$, ln$\,\Delta$, ln$\,m^2$", "of each pair of particles,",
        " → ".join(map(str, pair_widths)), "one value for each head,", f"the same in all {n_blocks} blocks"])
    ax.annotate("", (PARTICLE + BOX_WIDTH / 2 + 0.02, attention), (NOTES - NOTE_WIDTH / 2, attention),
                arrowprops=dict(arrowstyle="-|>", color=RUST, lw=1.2, shrinkA=0, shrinkB=0))
    _note(ax, _height(8) - 0.06, GREY, [
        f"after {n_blocks} such blocks", f"{n_class_blocks} class-attention blocks:", "one query, the class token;",
        "no pair bias"])
    return fig


def _height(row):
    return FIRST + STEP * row


def _column(ax, x, rows, title, formula, new):
    """One block, from its input at the bottom to its output at the top."""
    top = _height(len(rows) - 1)
    ax.plot([x, x], [0.13, top], color=GREY, lw=0.8, zorder=0)
    ax.annotate("", (x, top + 0.22), (x, top), zorder=0,
                arrowprops=dict(arrowstyle="-|>", color=GREY, lw=0.8, shrinkA=0, shrinkB=0))
    ax.text(x, 0.06, r"tokens $\mathbf{X}$", ha="center", va="center", fontsize=TEXT)
    ax.text(x, HEIGHT - 0.07, title, ha="center", va="center", fontsize=9, fontweight="bold", color=RUST if new else INK)
    sums = [_height(row) for row, (label, _) in enumerate(rows) if label == "+"]
    for low, high in zip([0.195, sums[0] + STEP / 2], sums):
        ax.plot([x, x - SIDE, x - SIDE, x], [low, low, high, high], color=BLUE, lw=0.9, zorder=0)
    for row, (label, where) in enumerate(rows):
        if label == "+":
            _sum(ax, x, _height(row))
        elif where == "both" or new:
            _box(ax, x, _height(row), formula if label == "attention" else label, where == "new" or new and label == "attention")
    if new:
        _box(ax, x - SIDE, sum(sums) / 2 + 0.06, r"$\odot\,\mathbf{w}$", True, width=0.27)


def _note(ax, y, colour, lines):
    """Lines of text in a frame whose middle is at height y; the first line is its title."""
    height = LINE * len(lines) + 0.1
    _frame(ax, NOTES, y, NOTE_WIDTH, height, TINT if colour == RUST else "white", colour, 1.2 if colour == RUST else 0.7)
    for row, text in enumerate(lines):
        ax.text(NOTES, y + height / 2 - 0.05 - LINE * (row + 0.5), text, ha="center", va="center", fontsize=TEXT,
                fontweight="bold" if row == 0 else None, color=colour if row == 0 else INK)


def _box(ax, x, y, text, new, width=BOX_WIDTH):
    _frame(ax, x, y, width, BOX, TINT if new else "white", RUST if new else GREY, 1.2 if new else 0.7)
    ax.text(x, y - 0.004, text, ha="center", va="center", fontsize=TEXT, color=RUST if new else INK)


def _frame(ax, x, y, width, height, fill, edge, line):
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.03", fc=fill, ec=edge, lw=line))


def _sum(ax, x, y):
    ax.add_patch(Circle((x, y), 0.07, fc="white", ec=BLUE, lw=0.9))
    for across, up in ((0.04, 0), (0, 0.04)):
        ax.plot([x - across, x + across], [y - up, y + up], color=BLUE, lw=0.9)
