"""Arrays, tables, numbers and source code as LaTeX."""

import inspect
import math
from pathlib import Path


COLUMNS = 88      # a listing's widest line
LIMIT = 12        # a larger matrix is shown by its corner
PAGE = 482        # points: the width of text and margin, without the indentation of formulas but with a gap
DIGIT, SIGN, POINT, SEPARATION, NAMED = 4.3, 6.6, 2.2, 5.2, 79  # of a matrix in a footnote's size; NAMED: of its name and gap


class Tex(str):
    """Text that is LaTeX already."""

    def _repr_markdown_(self):  # what a notebook shows
        from weaving.markdown import markdown, without_pandoc
        try:
            import pypandoc  # noqa: F401
        except ImportError:
            return without_pandoc(self)
        return markdown(self)


def matrix(array, decimals=3):
    """A vector or matrix with aligned decimals, between parentheses; for use inside mathematics."""
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    signs = rows.min() < 0  # then each entry keeps room for one, so that all columns are alike
    shown = [[_fixed(value, decimals, signs) for value in row[:LIMIT]] + [r"\cdots"] * (rows.shape[1] > LIMIT) for row in rows[:LIMIT]]
    if len(rows) > LIMIT:
        shown.append([r"\vdots"] * len(shown[0]))
    body = " \\\\\n".join(" & ".join(row) for row in shown)
    return Tex(f"\\begin{{pmatrix*}}[r]\n{body}\n\\end{{pmatrix*}}")


def displayed(matrices, decimals=3):
    """(name, array) pairs as displayed equations `name = array`, as many side by side as fit, with their equals signs aligned."""
    widths = [_width(array, decimals) for _, array in matrices]
    columns = max([k for k in range(1, len(matrices) + 1) if sum(max(widths[c::k]) for c in range(k)) <= PAGE], default=1)
    fit = r"\fitted{%s}" if max(widths) > PAGE else "%s"
    cells = [f"{name} &= {fit % matrix(array, decimals)}" for name, array in matrices]
    body = " \\\\[3pt]\n".join(r" & \qquad ".join(cells[k:k + columns]) for k in range(0, len(cells), columns))
    style = (r"\footnotesize\setlength{\arraycolsep}{2.6pt}\renewcommand{\arraystretch}{0.94}"
             r"\abovedisplayskip 6pt\abovedisplayshortskip 6pt")
    return Tex(f"\\begin{{wide}}{style}\n\\begin{{alignat*}}{{{columns}}}\n{body}\n\\end{{alignat*}}\\end{{wide}}")


def _width(array, decimals):
    """Of the displayed equation, in points, about."""
    digits = max(len(f"{abs(value):.{decimals}f}") for value in array.flat) - (decimals > 0)
    number = DIGIT * digits + POINT * (decimals > 0) + SIGN * (array.min() < 0)
    return (min(array.shape[1], LIMIT) + (array.shape[1] > LIMIT)) * (number + SEPARATION) + NAMED


def exact_decimals(*arrays, most=4):
    """The fewest decimals that show the arrays exactly; `most` if more would be needed."""
    return next((n for n in range(most) if all((array.round(n) == array).all() for array in arrays)), most)


def bold(name):
    """W_q as a bold letter with its index, for use inside mathematics."""
    letter, _, index = name.partition("_")
    return Tex(f"\\mathbf{{{letter}}}" + f"_{{{index}}}" * bool(index))


def listed(words):
    """a; a and b; a, b and c."""
    return Tex(" and ".join(filter(None, [", ".join(words[:-1]), words[-1]])))


def table(header, rows, align):
    """A booktabs table of cells that are LaTeX already; align as in tabular. Raises ValueError if a row is too short."""
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a table row has {len(row)} cells, the header has {len(header)}: {row}")
    lines = [" & ".join(map(str, row)) + r" \\" for row in rows]
    return Tex("\n".join([f"\\begin{{tabular}}{{@{{}}{align}@{{}}}}", r"\toprule", " & ".join(header) + r" \\", r"\midrule",
                          *lines, r"\bottomrule", r"\end{tabular}"]))


def long_table(header, groups, align):
    """A table that may break between pages, but not within a group of rows; cells are LaTeX already."""
    head = " & ".join(header) + r" \\"
    lines = [" \\\\*\n".join(" & ".join(map(str, row)) for row in rows) + r" \\" for rows in groups]
    return Tex("\n".join([f"\\begin{{longtable}}{{@{{}}{align}@{{}}}}", r"\toprule", head, r"\midrule\endhead", *lines,
                          r"\bottomrule", r"\end{longtable}"]))


def escape(text):
    """Plain text for LaTeX."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return Tex("".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text))


def scientific(value, digits=1):
    """A small number as 3 x 10^-16, between dollars; an exact zero as 0."""
    if value == 0:
        return Tex("$0$")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return Tex(f"${mantissa}\\times10^{{{int(exponent)}}}$")


def thousands(number):
    """A number with thin spaces between the thousands."""
    return Tex(f"{number:,}".replace(",", r"\,"))


def source(*objects: object) -> Tex:
    """Functions, classes or modules as they stand in code/, with the line numbers of their files."""
    return Tex("\n".join(map(_source, objects)))


def code_listing(code: str, first_line: int, file: str = "") -> Tex:
    """Python code as a listing, numbered from first_line; file stands above it."""
    if "\\end{listing}" in code:
        raise ValueError(r"a listing must not contain \end{listing}")
    return Tex(f"\\begin{{listing}}{{{file}}}{{{first_line}}}\n{code}\n\\end{{listing}}")


def _source(thing: object) -> str:
    lines, first = inspect.getsourcelines(thing)
    first = max(first, 1)  # a module's lines start at 0
    path = Path(inspect.getsourcefile(thing))
    name = "code/" + "/".join(path.parts[-2:])
    too_long = [first + k for k, line in enumerate(lines) if len(line.rstrip("\n")) > COLUMNS]
    if too_long:
        raise ValueError(f"{name}:{too_long[0]} has more than the page's {COLUMNS} columns")
    return code_listing("".join(lines).rstrip("\n"), first, name)


def _fixed(value, decimals, signs):
    text = f"{value:.{decimals}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return r"\phantom{-}" + text if signs and not text.startswith("-") else text
