"""Statements as LaTeX.

latex(times(T(p(i)), p(j)))         # \\vec{p}_{i}\\T \\vec{p}_{j}
"""

from proofs.notation import Letter, Node, T, index, node
from proofs.shapes import matrix_shape

SUM, PRODUCT, FACTOR, ATOM = range(4)  # the precedence of a printed expression
GREEK = set(
    "alpha beta gamma delta eps lambda mu nu omega pi rho sigma theta Lambda Pi Sigma".split()
)
SPACED = ("sqrt", "cos", "sin", "log", "normal", "div")  # a thin space before them
CIRCULAR = ("cos", "sin")
BIG = ("sum", "prod", "integral", "diff", "argmin")
PLAIN_FACTORS = ("letter", "num", "index", "T", "inv")  # after which a function's argument goes on
FUNCTION_LATEX = {"trace": r"\operatorname{tr}", "gamma": r"\Gamma"}  # log is \log


def latex(tree, least=SUM):
    """The tree as LaTeX, parenthesised if its precedence is below `least`."""
    text, strength = PRINTERS[tree.head](tree)
    return rf"\left({text}\right)" if strength < least else text


def latex_letter(name, indices=()):
    """The LaTeX of a letter: `W_q^x` has a subscript and a superscript, indices come after it."""
    base, _, rest = name.name.partition("_")
    sub, _, sup = rest.partition("^")
    if not rest:
        base, _, sup = base.partition("^")
    base, primes = base.rstrip("'"), base.count("'")
    accent, _, base = base.rpartition(" ")  # "hat w", "bar x"
    text = name.tex or {"eps": r"\varepsilon"}.get(base, "\\" + base if base in GREEK else base)
    if name.shape:
        kind = r"\vec" if name.shape[1] == node(1) else r"\mat"
        text = rf"\boldsymbol{{{text}}}" if base in GREEK else rf"{kind}{{{text}}}"
    if accent:
        text = rf"\{accent}{{{text}}}"
    below = _subscript(indices)
    if sub:
        below = ("," if name.shape and below else "").join((sub, below))
    above = r"\prime " * primes + sup
    return text + (f"^{{{above.strip()}}}" if above else "") + (f"_{{{below}}}" if below else "")


def latex_member(name):
    """A number of a family, or an entry of a vector or matrix, for what holds for all of them."""
    indices = list(map(index, "ijkl"))
    member = name(*indices[: len(name.over)])
    if not name.shape:
        return latex(member)
    places = indices[len(name.over) :][: 1 if name.shape[1] == node(1) else 2]
    return latex(Node("entry", (member, *places)))


def _subscript(indices):
    """Beside each other where each is one symbol, else with commas."""
    compound = any(
        part.head not in ("index", "num", "letter")
        or (part.head == "num" and not 0 <= part.leaf[0] <= 9)
        for part in indices
    )
    return ("," if compound else "").join(map(_inline, indices))


def show_sizes(tree):
    """The tree with the size at each identity matrix."""
    leaf = ("sized",) if tree.head == "eye" else tree.leaf
    return Node(tree.head, tuple(map(show_sizes, tree.args)), leaf)


def _inline(tree):
    """Without stacked fractions, for exponents."""
    if tree.head == "div":
        top, bottom = tree.args
        open_ended = any(_is_applied(part) or part.head in BIG for part in (top, *top.args))
        return f"{latex(top, ATOM if open_ended else PRODUCT)}/{latex(bottom, FACTOR)}"
    if tree.head == "neg":
        (inner,) = tree.args
        return "-" + (_inline(inner) if inner.head == "div" else latex(inner, PRODUCT))
    if tree.head == "add" and any(part.head == "div" for part in tree.args):
        first, *rest = map(_inline, tree.args)
        return first + "".join(text if text.startswith("-") else "+" + text for text in rest)
    return latex(tree)


def _print_number(tree):
    value = tree.leaf[0]
    text = str(abs(value.numerator))
    if value.denominator != 1:
        text = rf"\tfrac{{{text}}}{{{value.denominator}}}"
    if value < 0:
        return "-" + text, SUM
    return text, ATOM if value.denominator == 1 else FACTOR


def _print_sum(tree):
    text = ""
    for part in tree.args:
        negative = part.head == "neg"
        inner = part.args[0] if negative else part
        nested = inner.head in ("add", "neg") or (inner.head == "num" and inner.leaf[0] < 0)
        sign = "-" if negative else "+"
        text += f" {sign} " if text else sign.strip("+")
        text += latex(inner, FACTOR if nested else PRODUCT)
    return text, SUM


def _print_product(tree):
    text = ""
    for place, part in enumerate(tree.args):
        big = part.head in BIG
        following = tree.args[place + 1 :]
        applied = _is_applied(part) and not all(map(_is_applied, following))
        nested = part.head == "mul" or (big and following) or applied
        shown = latex(part, FACTOR if nested else PRODUCT)
        space = r" \, " if big or part.head in SPACED else " "
        text += (r" \cdot " if shown[0].isdigit() else space) if text else ""
        text += shown
    return text, PRODUCT


def _is_applied(tree):
    """Whether it is printed as a function before its argument, which a factor would lengthen."""
    is_function = PRINTERS[tree.head] is _print_function
    return is_function or (tree.head == "pow" and tree.args[0].head in CIRCULAR)


def _print_power(tree):
    base, exponent = tree.args
    if base.head in ("letter", "part", "entry"):
        body = f"{{{latex(base)}}}" if "^" in latex(base) else latex(base)
        return f"{body}^{{{_inline(exponent)}}}", FACTOR
    if base.head in CIRCULAR and exponent.head == "num" and exponent.leaf[0] > 0:
        return _applied(rf"\{base.head}^{{{latex(exponent)}}}", base.args[0])
    return f"{latex(base, ATOM)}^{{{_inline(exponent)}}}", FACTOR


def _print_exponential(tree):
    text = _inline(tree.args[0])
    if "frac" in text or len(text) > 40:
        return rf"\exp\left({latex(tree.args[0])}\right)", FACTOR
    return f"e^{{{text}}}", FACTOR


def _print_function(tree):
    name = FUNCTION_LATEX.get(tree.head, "\\" + tree.head)
    if tree.head == "gamma":
        return rf"{name}\left({latex(tree.args[0])}\right)", FACTOR
    return _applied(name, tree.args[0])


def _applied(name, inner):
    """A function before its argument, which has parentheses unless it is a product of letters."""
    factors = inner.args if inner.head == "mul" else (inner,)
    if all(part.head in PLAIN_FACTORS and not _is_negative(part) for part in factors):
        return f"{name} {latex(inner)}", PRODUCT
    return rf"{name}\left({latex(inner)}\right)", FACTOR


def _is_negative(tree):
    return tree.head == "num" and tree.leaf[0] < 0


def _print_derivative(tree):
    body, name = tree.args
    if len(latex(body)) > 12:
        return rf"\frac{{\partial}}{{\partial {latex(name)}}}\, {latex(body, PRODUCT)}", PRODUCT
    return rf"\frac{{\partial {latex(body, PRODUCT)}}}{{\partial {latex(name)}}}", FACTOR


def _print_minimiser(tree):
    body, *names = tree.args
    below = ", ".join(map(latex, names))
    return rf"\operatorname*{{arg\,min}}_{{{below}}}\; {latex(body, PRODUCT)}", PRODUCT


def _print_expectation(tree):
    body, *known = tree.args
    condition = r" \mid " + ", ".join(map(_members, known)) if known else ""
    return rf"\{tree.head}\left[{latex(body)}{condition}\right]", FACTOR


def _members(tree):
    """All members of a family with one index: x_1, ..., x_n."""
    if tree.head != "letter" or len(tree.args) != 1 or tree.args[0].head != "index":
        return latex(tree)
    first, last = (latex_letter(tree.leaf[0], [i]) for i in (node(1), tree.leaf[0].over[0]))
    return rf"{first}, \dots, {last}"


def _print_transpose(tree):
    return _bracketed(tree.args[0]) + r"\T", FACTOR


def _bracketed(tree):
    """As the base of an exponent: a letter that has one already stands in parentheses."""
    text = latex(tree, ATOM)
    return rf"\left({text}\right)" if tree.head == "letter" and "^" in text else text


def _print_part(tree):
    whole, *places = tree.args
    if whole.head == "letter" and not whole.args and "_" not in whole.leaf[0].name:
        text = latex_letter(Letter(whole.leaf[0].name, tex=whole.leaf[0].tex))  # not bold
    else:
        text = latex(whole, ATOM)
        text = rf"\left({text}\right)" if "_" in text and text[-1] == "}" else text
    return f"{text}_{{{_subscript(places)}}}", ATOM


def _print_norm(tree):
    (inner,) = tree.args
    frobenius = "" if matrix_shape(inner)[1] == node(1) else "_F"
    return rf"\norm{{{latex(inner)}}}{frobenius}^2", FACTOR


def _print_blocks(tree):
    cells, cols = list(map(latex, tree.args)), tree.leaf[1]
    lines = [" & ".join(cells[k : k + cols]) for k in range(0, len(cells), cols)]
    return r"\begin{bmatrix}" + r" \\ ".join(lines) + r"\end{bmatrix}", ATOM


def _print_copies(tree):
    body, i = tree.args
    separator, dots = (r" \\ ", r"\vdots") if tree.head == "stack" else (" & ", r"\cdots")
    is_column = body.head == "block" and body.leaf[1] == 1
    parts = body.args if is_column and tree.head == "stack" else (body,)
    first, last = (
        separator.join(latex(_replace(part, i, value)) for part in parts)
        for value in (node(1), i.args[0])
    )
    return rf"\begin{{bmatrix}}{separator.join([first, dots, last])}\end{{bmatrix}}", ATOM


def _replace(tree, i, value):
    """The tree with an index replaced, for printing only."""
    if tree.head == "index" and tree.leaf == i.leaf:
        return value
    return Node(tree.head, tuple(_replace(part, i, value) for part in tree.args), tree.leaf)


def _template(text, strength, *least):
    """A printer that puts the operands into a template.

    `least` has for each operand what `latex` wants, or _inline.
    """

    def printed(tree):
        wanted = (*least, *[SUM] * len(tree.args))
        shown = (
            _inline(part) if how is _inline else latex(part, how)
            for part, how in zip(tree.args, wanted)
        )
        return text.format(*shown), strength

    return printed


PRINTERS = {
    "letter": lambda t: (latex_letter(t.leaf[0], t.args), ATOM),
    "index": lambda t: (t.leaf[0], ATOM),
    "num": _print_number,
    "add": _print_sum,
    "mul": _print_product,
    "neg": _template("-{}", SUM, PRODUCT),
    "div": _template(r"\frac{{{}}}{{{}}}", FACTOR),
    "pow": _print_power,
    "sqrt": _template(r"\sqrt{{{}}}", ATOM),
    "T": _print_transpose,
    "inv": lambda t: (f"{_bracketed(t.args[0])}^{{-1}}", FACTOR),
    "eye": lambda t: (r"\mat{I}" + (f"_{{{latex(t.args[0])}}}" if t.leaf else ""), ATOM),
    "zeros": _template(r"\mat{{0}}", ATOM),
    "ones": _template(r"\vec{{1}}", ATOM),
    "unit": lambda t: (rf"\vec{{e}}_{{{_subscript(t.args[:1])}}}", ATOM),
    "trace": _print_function,
    "norm2": _print_norm,
    "entry": _print_part,
    "part": _print_part,
    "delta": lambda t: (rf"\delta_{{{_subscript(t.args)}}}", ATOM),
    "exp": _print_exponential,
    "log": _print_function,
    "gamma": _print_function,
    "cos": _print_function,
    "sin": _print_function,
    "max": _template(r"\max({}, {})", FACTOR),
    "E": _print_expectation,
    "Var": _print_expectation,
    "normal": _template(r"\mathcal{{N}}({};\, {},\, {})", FACTOR),
    "diff": _print_derivative,
    "integral": _template(r"\int_{{{2}}}^{{{3}}} {0}\,\mathrm{{d}}{1}", PRODUCT, PRODUCT),
    "infinity": _template(r"\infty", ATOM),
    "sum": _template(r"\sum_{{{1}={2}}}^{{{3}}} {0}", PRODUCT, PRODUCT, SUM, SUM, _inline),
    "prod": _template(r"\prod_{{{1}={2}}}^{{{3}}} {0}", PRODUCT, PRODUCT, SUM, SUM, _inline),
    "block": _print_blocks,
    "stack": _print_copies,
    "beside": _print_copies,
    "perm": lambda t: (rf"\{t.leaf[0]}({latex(t.args[0])})", ATOM),
    "tuple": lambda t: (r"\left(" + r",\; ".join(map(latex, t.args)) + r"\right)", ATOM),
    "argmin": _print_minimiser,
    "merge": _template(r"{} \oplus {}", PRODUCT, FACTOR, FACTOR),
}


KINDS = {  # as LaTeX text; the other kinds are in `latex_hypothesis`
    "where": "${} = {}$",
    "equal": "${} = {}$",
    "differ": r"${} \ne {}$",
    "positive": "${} > 0$",
    "gaussian": r"$({0}, {1})$ is Gaussian with means $0$, variances $1$ and covariance ${2}$, "
    r"$\abs{{{2}}} < 1$",
}


def latex_hypothesis(hypothesis):
    """A hypothesis as LaTeX text with its formulas between dollars."""
    kind, parts = hypothesis.kind, hypothesis.parts
    texts = list(map(latex, parts))
    if kind in KINDS:
        return KINDS[kind].format(*texts)
    if kind == "independent":
        return _print_independent(*parts)
    if kind == "moments":
        pairs = zip(texts[::2], texts[1::2], strict=True)
        return ", ".join(rf"$\E\left[{e}\right] = {value}$" for e, value in pairs)
    if kind == "orthogonal":
        i, j = (", ".join(map(latex, part.args)) for part in parts)
        return rf"${latex(T(parts[0]))}{texts[1]} = 0\ ({i} \ne {j})$"
    if kind == "symmetric":
        return f"${latex(T(parts[0]))} = {texts[0]}$"
    if kind == "covariances":
        triples = zip(texts[::3], parts[1::3], texts[2::3], strict=True)
        return ", ".join(rf"$\E\left[{x} {latex(T(y))}\right] = {v}$" for x, y, v in triples)
    if kind == "random":
        names = " and ".join(f"${text}$" for text in texts)
        return f"{names} {'are' if len(texts) > 1 else 'is'} random with finite second moments"
    raise ValueError(f"no words for a hypothesis of the kind {kind!r}")


def _print_independent(names, mean, variance, of):
    listed = " and ".join(f"${latex(name)}$" for name in names.args)
    have_entries = any(name.args or name.leaf[0].shape for name in names.args)
    are_several = have_entries or len(names.args) > 1
    if not are_several and not of.args:
        return f"{listed} is random, with mean ${latex(mean)}$ and variance ${latex(variance)}$"
    others = [" of each other"] if are_several else []
    if len(of.args) > 1:  # of all of them at once
        others.append(f" of $({', '.join(map(_members, of.args))})$")
    else:
        others += [f" of {'all ' if name.args else ''}${latex(name)}$" for name in of.args]
    return (
        f"{'all entries of ' if have_entries else ''}{listed} "
        f"{'are' if are_several else 'is'} independent{' and'.join(others)}, with mean "
        f"${latex(mean)}$ and variance ${latex(variance)}$"
    )
