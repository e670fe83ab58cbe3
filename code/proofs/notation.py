"""The one vocabulary in which statements are written; everything else reads these trees.

A tree is made of Nodes. It is printed by `latex`, decided by `sums`, evaluated in numbers by
`mutants`, and nothing is known of a statement but its tree. Vectors are columns. Indices run from
1 to a symbolic size; a letter such as p_i declares the sizes over which its indices run.

    N, D = size("N"), size("D")
    i, j = index("i", N), index("j", N)
    p = letter("p", over=(N,), shape=(D, 1))
    times(T(p(i)), p(j))                            # p_i^T p_j
"""

import re
from dataclasses import dataclass
from fractions import Fraction


class IllFormed(ValueError):
    """A tree that means nothing: shapes that do not fit, an index out of its range, ..."""


@dataclass(frozen=True)
class Node:
    """One operation: its name, its operands, and what is not an operand (a name, a number)."""

    head: str
    args: tuple = ()
    leaf: tuple = ()

    def __add__(self, other):
        return plus(*(self.args if self.head == "add" else (self,)), other)

    def __sub__(self, other):
        return self + neg(other)

    def __mul__(self, other):
        return times(*(self.args if self.head == "mul" else (self,)), other)

    def __truediv__(self, other):
        return over(self, other)

    def __pow__(self, exponent):
        return Node("pow", (self, node(exponent)))

    def __neg__(self):
        return neg(self)

    def __radd__(self, other):
        return plus(other, self)

    def __rsub__(self, other):
        return plus(other, neg(self))

    def __rmul__(self, other):
        return times(other, self)

    def __rtruediv__(self, other):
        return over(other, self)


@dataclass(frozen=True)
class Letter:
    """A named number, vector or matrix, or a family of them. over: one size for each index."""

    name: str
    over: tuple = ()
    shape: tuple = ()  # () for a number, (rows, columns) for a matrix
    domain: str = "real"  # real, positive, natural (1, 2, 3, ...)
    tex: str = ""

    def __call__(self, *indices):
        return Node("letter", tuple(map(node, indices)), (self,))


def node(value):
    """The value as a Node: whole numbers and fractions become numbers."""
    if isinstance(value, Node):
        return value
    return Node("num", (), (Fraction(value),))


def size(name):
    return Letter(name, domain="natural")()


def number(name, domain="real", tex=""):
    return Letter(name, domain=domain, tex=tex)()


def letter(name, over=(), shape=(), domain="real", tex=""):
    """A Letter; call it with its indices to get a Node."""
    dimensions = tuple(part if isinstance(part, tuple) else node(part) for part in shape)
    return Letter(name, tuple(over), dimensions, domain, tex)


def index(name, last=None):
    """An index that runs from 1 to `last`, or over all integers."""
    return Node("index", () if last is None else (last,), (name,))


def plus(*terms):
    return Node("add", tuple(map(node, terms)))


def times(*factors):
    return Node("mul", tuple(map(node, factors)))


def neg(value):
    return Node("neg", (node(value),))


def over(numerator, denominator):
    return Node("div", (node(numerator), node(denominator)))


def simple(head, count):
    """A constructor of nodes with this head and so many operands."""

    def build(*args):
        if len(args) != count:
            raise TypeError(f"{head} needs {count} operands, got {len(args)}")
        return Node(head, tuple(map(node, args)))

    return build


T, inverse, trace, norm2 = simple("T", 1), simple("inv", 1), simple("trace", 1), simple("norm2", 1)
eye, ones, zeros, unit = simple("eye", 1), simple("ones", 1), simple("zeros", 2), simple("unit", 2)
entry, delta, diff = simple("entry", 3), simple("delta", 2), simple("diff", 2)
part = simple("part", 2)  # an entry of a vector
exp, log, sqrt = simple("exp", 1), simple("log", 1), simple("sqrt", 1)
cos, sin, E, Var, normal = (
    simple(head, n) for head, n in [("cos", 1), ("sin", 1), ("E", 1), ("Var", 1), ("normal", 3)]
)
integral = simple("integral", 4)  # body, letter, from, to
gamma, maximum = simple("gamma", 1), simple("max", 2)
CIRCLE = Letter("pi", domain="positive", tex=r"\pi")()
INFINITY = Node("infinity")


def given(head, body, *known):
    """E[body | known] or Var[body | known]."""
    return Node(head, (body, *known))


def summed(body, *indices, first=1, last=None):
    """The sum of body over each index, over its whole range unless limits are given."""
    for i in reversed(indices):
        body = Node("sum", (body, i, node(first), node(last if last is not None else i.args[0])))
    return body


def product(body, i):
    return Node("prod", (body, i, node(1), i.args[0]))


def column(*blocks):
    return Node("block", tuple(blocks), (len(blocks), 1))


def row(*blocks):
    return Node("block", tuple(blocks), (1, len(blocks)))


def table(*rows):
    return Node("block", tuple(block for r in rows for block in r), (len(rows), len(rows[0])))


def stacked(body, i):
    """body for i = 1, 2, ..., under each other."""
    return Node("stack", (body, i))


def beside(body, i):
    """body for i = 1, 2, ..., side by side."""
    return Node("beside", (body, i))


def permuted(i, name="pi"):
    """pi(i) for a permutation pi of the range of i."""
    return Node("perm", (i,), (name,))


def several(*parts):
    return Node("tuple", tuple(map(node, parts)))


def minimiser(body, *letters):
    """The one point (letters) at which body is smallest."""
    return Node("argmin", (body, *letters))


def merge(first, second):
    """Two states (m, l, o) of blocks of keys as one, printed as an operation."""
    return Node("merge", (first, second))


def joined(first, second, m=None):
    """What the operation of `merge` means, part by part; m is the largest of both unless given."""
    (m_1, l_1, o_1), (m_2, l_2, o_2) = (expanded(part).args for part in (first, second))
    m = m or maximum(m_1, m_2)
    old, new = exp(m_1 - m), exp(m_2 - m)
    return several(
        m,
        *(
            plus(times(old, first), times(new, second))
            for first, second in ((l_1, l_2), (o_1, o_2))
        ),
    )


def expanded(tree):
    """A tuple in the place of each operation `merge` at the top of a tree."""
    if tree.head != "merge":
        return tree
    if any(len(expanded(part).args) != 3 or expanded(part).head != "tuple" for part in tree.args):
        raise IllFormed(f"{latex(tree)} operands of merge must be states (m, l, o)")
    return joined(*tree.args)


def attend(X, heads):
    """The outputs of self-attention with fixed weights, by the functions of solutions.attention."""
    return Node("attend", (X,), (heads,))


def walk(tree):
    """The node and all below it."""
    yield tree
    for part in tree.args:
        yield from walk(part)


def letters(tree):
    """The Letters that stand in a tree."""
    return {part.leaf[0] for part in walk(tree) if part.head == "letter"}


def all_letters(trees):
    """The letters of trees, and those in the sizes over which they and the indices run."""
    found, waiting = set(), list(trees)
    while waiting:
        for name in letters(waiting.pop()) - found:
            found.add(name)
            waiting += [last for last in _flat((*name.over, *name.shape)) if isinstance(last, Node)]
    return found


def _flat(parts):
    """All that stands in nested tuples."""
    for part in parts:
        yield from _flat(part) if isinstance(part, tuple) else (part,)


NAMED = ("letter", "index", "part")
BINDERS = ("sum", "prod", "stack", "beside", "diff", "argmin", "integral")


def check_names(trees):
    """Raise IllFormed if what is printed of these trees can be read in two ways.

    That is so if two things look the same, if a name looks like a product, or if the name of a
    letter holds an index or letter over which something runs: x_i, f(x) would be constants there.
    """
    nodes = {part for tree in trees for part in walk(tree)}
    names = all_letters(trees)
    for things in (
        [(latex(n), n.leaf if n.head == "index" else n) for n in nodes if n.head in NAMED]
        + [("\\" + n.leaf[0], n.leaf) for n in nodes if n.head == "perm"],
        [(named(n, [index("i")] * len(n.over)), n) for n in names],
    ):
        shown = {}
        for text, thing in things:
            if shown.setdefault(text, thing) != thing:
                raise IllFormed(f"{text} stands for two things")
    runs = {
        name.leaf[0] if name.head == "index" else name.leaf[0].name
        for n in nodes
        if n.head in BINDERS
        for name in (n.args[1:] if n.head == "argmin" else n.args[1:2])
        if name.head in ("index", "letter")
    }
    for name in names:
        base, *inner = re.findall("[A-Za-z]+", re.sub("^(hat|bar) ", "", name.name))
        if len(base) > 1 and base not in GREEK and not name.tex:
            raise IllFormed(f"{named(name)} looks like a product")
        for hidden in {*inner} & runs if name.domain != "natural" else ():  # d_h is one size
            raise IllFormed(f"{named(name)} looks as if it changed with {hidden}")


# Hypotheses -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothesis:
    """What a statement supposes. kind: one of KINDS; parts: the trees that it speaks of."""

    kind: str
    parts: tuple


KINDS = {
    "where": "{0} = {1}",
    "equal": "{0} = {1}",
    "differ": r"{0} \ne {1}",
    "positive": "{0} > 0",
    "orthogonal": r"{0}\T{1} = 0\ (i \ne j)",
    "symmetric": r"{0}\T = {0}",
}


def where(name, meaning):
    """A letter with plain indices stands for an expression in these indices."""
    return Hypothesis("where", (name, meaning))


def equal(left, right):
    return Hypothesis("equal", (left, node(right)))


def differ(first, second):
    return Hypothesis("differ", (first, second))


def positive(value):
    return Hypothesis("positive", (value,))


def orthogonal(first, second):
    """first^T second = 0 for each pair of different indices of one family."""
    return Hypothesis("orthogonal", (first, second))


def symmetric(matrix):
    return Hypothesis("symmetric", (matrix,))


def independent(*names, mean=0, variance=1, of=()):
    """All entries of the names are independent of each other and of the letters `of`."""
    return Hypothesis("independent", (several(*names), node(mean), node(variance), several(*of)))


def moments(*pairs):
    """E of each first expression is the second; no other moment of these letters is known."""
    return Hypothesis("moments", tuple(part for pair in pairs for part in map(node, pair)))


def covariances(*triples):
    """E[first second^T] is the third of each triple; no other moment of these letters is known."""
    return Hypothesis("covariances", tuple(part for triple in triples for part in triple))


def gaussian_pair(x, y, c):
    """(x, y) has the Gaussian density with means 0, variances 1 and covariance c."""
    return Hypothesis("gaussian", (x, y, c))


def any_moments(*names):
    """Random, with finite second moments, and nothing more."""
    return Hypothesis("random", names)


SEVERAL = ("tuple", "merge", "argmin")  # what may stand on a side, but in no operation


# Shapes -----------------------------------------------------------------------------------------


def shape(tree):
    """() for a number, (rows, columns) for a matrix; raises IllFormed where shapes do not fit.

    A dimension is a size, ("blocks", dimensions) or ("copies", index, dimension).
    """
    rule = SHAPES.get(tree.head)
    if tree.head not in SEVERAL and any(part.head in SEVERAL for part in tree.args):
        raise IllFormed(f"{tree.head} of several things at once: {latex(tree)}")
    if tree.head == "integral" and (tree.args[1].head != "letter" or tree.args[1].args):
        raise IllFormed(f"an integral over {latex(tree.args[1])}, which is no letter")
    if rule is None:
        for part in tree.args:
            if tree.head != "attend" and shape(part) != ():
                raise IllFormed(f"{tree.head} of a matrix {latex(part)}")
        return ()
    found = rule(tree)
    return () if found == (node(1), node(1)) else found


def _shape_of_sum(tree):
    shapes = {shape(part) for part in tree.args}
    if len(shapes) != 1:
        raise IllFormed(f"terms of different shapes in {latex(tree)}")
    return shapes.pop()


def _shape_of_product(tree):
    found = ()
    for part in map(shape, tree.args):
        if part and found and found[1] != part[0]:
            raise IllFormed(f"factors that do not fit in {latex(tree)}")
        found = (found[0], part[1]) if part and found else part or found
    return found


def matrix_shape(tree):
    """The shape of a matrix, one by one for a number."""
    return shape(tree) or (node(1), node(1))


def _shape_of_blocks(tree):
    rows, cols = tree.leaf
    shapes = [matrix_shape(part) for part in tree.args]
    heights = [{shapes[r * cols + c][0] for c in range(cols)} for r in range(rows)]
    widths = [{shapes[r * cols + c][1] for r in range(rows)} for c in range(cols)]
    if any(len(group) != 1 for group in heights + widths):
        raise IllFormed(f"blocks that do not fit in {latex(tree)}")
    return _blocks([group.pop() for group in heights]), _blocks([group.pop() for group in widths])


def _blocks(dimensions):
    return dimensions[0] if len(dimensions) == 1 else ("blocks", tuple(dimensions))


def _shape_of_copies(tree):
    body, i = tree.args
    rows, cols = matrix_shape(body)
    if i.head != "index" or not i.args:
        raise IllFormed(f"no range for the copies in {latex(tree)}")
    if tree.head == "stack":
        return ("copies", i.args[0], rows), cols
    return rows, ("copies", i.args[0], cols)


def _square(tree):
    found = matrix_shape(tree.args[0])
    if found[0] != found[1]:
        raise IllFormed(f"{tree.head} of a matrix that is not square: {latex(tree)}")
    return found


def _number_of(rule):
    def found(tree):
        rule(tree)
        return ()

    return found


def _shape_of_letter(tree):
    name = tree.leaf[0]
    if len(tree.args) != len(name.over):
        raise IllFormed(f"{name.name} has {len(name.over)} indices, got {len(tree.args)}")
    return name.shape


def _shape_of_body(tree):
    if tree.args[1].head != "index":
        raise IllFormed(f"a sum or product over {latex(tree.args[1])}, which is not an index")
    for limit in tree.args[2:]:
        if shape(limit):
            raise IllFormed(f"a matrix as a limit in {latex(tree)}")
    return shape(tree.args[0])


def _shape_of_body_of_numbers(tree):
    if _shape_of_body(tree) != ():
        raise IllFormed(f"a product of matrices: {latex(tree)}")


def _shape_of_quotient(tree):
    if shape(tree.args[1]):
        raise IllFormed(f"divided by a matrix: {latex(tree)}")
    return shape(tree.args[0])


def _shape_of_vector(tree):
    found = matrix_shape(tree.args[0])
    if found[1] != node(1):
        raise IllFormed(f"an entry of {latex(tree.args[0])}, which is no vector")
    return found


SHAPES = {
    "letter": _shape_of_letter,
    "add": _shape_of_sum,
    "mul": _shape_of_product,
    "neg": lambda t: shape(t.args[0]),
    "T": lambda t: matrix_shape(t.args[0])[::-1],
    "div": _shape_of_quotient,
    "inv": _square,
    "trace": _number_of(_square),
    "norm2": _number_of(lambda t: matrix_shape(t.args[0])),
    "entry": _number_of(lambda t: matrix_shape(t.args[0])),
    "part": _number_of(_shape_of_vector),
    "eye": lambda t: (t.args[0], t.args[0]),
    "ones": lambda t: (t.args[0], node(1)),
    "zeros": lambda t: t.args,
    "unit": lambda t: (t.args[1], node(1)),
    "block": _shape_of_blocks,
    "stack": _shape_of_copies,
    "beside": _shape_of_copies,
    "sum": _shape_of_body,
    "prod": _number_of(_shape_of_body_of_numbers),
    "tuple": lambda t: ("tuple", tuple(map(shape, t.args))),
    "attend": lambda t: shape(t.args[0]),
    "merge": lambda t: shape(expanded(t)),
    "argmin": lambda t: ("tuple", ((),) * (len(t.args) - 1)) if len(t.args) > 2 else (),
}


# Printing ---------------------------------------------------------------------------------------

SUM, PRODUCT, FACTOR, ATOM = range(4)  # how tightly a printed expression holds together
GREEK = set("alpha beta gamma delta lambda mu nu sigma Sigma Lambda Pi pi omega eps rho".split())


def latex(tree, least=SUM):
    """The tree as LaTeX, in brackets if it holds together less than `least` demands."""
    text, strength = PRINTERS[tree.head](tree)
    return rf"\left({text}\right)" if strength < least else text


def named(name, indices=()):
    """The LaTeX of a letter: `W_q^x` has a subscript and a superscript, indices come after it."""
    base, _, rest = name.name.partition("_")
    sub, _, sup = rest.partition("^")
    if not rest:
        base, _, sup = base.partition("^")
    base, prime = base.rstrip("'"), "'" * base.count("'")
    mark = ""
    for accent in ("hat", "bar"):
        if base.startswith(accent + " "):
            mark, base = "\\" + accent, base[len(accent) + 1 :]
    text = name.tex or {"eps": r"\varepsilon"}.get(base, "\\" + base if base in GREEK else base)
    if name.shape:
        kind = r"\vec" if name.shape[1] == node(1) else r"\mat"
        text = rf"\boldsymbol{{{text}}}" if base in GREEK else rf"{kind}{{{text}}}"
    if mark:
        text = rf"{mark}{{{text}}}"
    comma = (sub and name.shape) or (len(indices) > 1 and any(p.head == "add" for p in indices))
    joined = ("," if comma else "").join(([sub] if sub else []) + list(map(_inline, indices)))
    if sup or prime:
        text += f"^{{{prime.replace(chr(39), chr(92) + 'prime ').strip()}{sup}}}"
    return text + (f"_{{{joined}}}" if joined else "")


def _print_letter(tree):
    return named(tree.leaf[0], tree.args), ATOM


def _print_number(tree):
    value = tree.leaf[0]
    text = str(abs(value.numerator))
    if value.denominator != 1:
        text = rf"\tfrac{{{text}}}{{{value.denominator}}}"
    return ("-" + text, SUM) if value < 0 else (text, ATOM)


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


SPACED = ("sqrt", "cos", "sin", "log", "normal", "div")  # a thin space before them


def _print_product(tree):
    text = ""
    for place, part in enumerate(tree.args):
        big = part.head in ("sum", "prod", "integral", "diff", "argmin")
        nested = part.head == "mul" or (big and place < len(tree.args) - 1)
        shown = latex(part, FACTOR if nested else PRODUCT)
        if text:
            text += (
                r" \cdot " if shown[0].isdigit() else r" \, " if big or part.head in SPACED else " "
            )
        text += shown
    return text, PRODUCT


def _print_quotient(tree):
    return rf"\frac{{{latex(tree.args[0])}}}{{{latex(tree.args[1])}}}", FACTOR


def _print_power(tree):
    base, exponent = tree.args
    if base.head == "letter" and base.args:
        body = f"{{{latex(base)}}}" if "^" in latex(base) else latex(base)
        return f"{body}^{{{_inline(exponent)}}}", FACTOR
    if base.head in ("cos", "sin"):
        return rf"\{base.head}^{{{latex(exponent)}}} {latex(base.args[0], PRODUCT)}", PRODUCT
    return f"{latex(base, ATOM)}^{{{_inline(exponent)}}}", FACTOR


def _inline(tree):
    """Without stacked fractions, for exponents."""
    if tree.head == "div":
        return f"{latex(tree.args[0], PRODUCT)}/{latex(tree.args[1], FACTOR)}"
    if tree.head == "neg":
        return "-" + _inline(tree.args[0])
    if tree.head == "add" and any(part.head == "div" for part in tree.args):
        first, *rest = map(_inline, tree.args)
        return first + "".join(text if text.startswith("-") else "+" + text for text in rest)
    return latex(tree)


def _print_exponential(tree):
    text = _inline(tree.args[0])
    if "frac" in text or len(text) > 40:
        return rf"\exp\left({latex(tree.args[0])}\right)", FACTOR
    return f"e^{{{text}}}", FACTOR


def _print_function(name):
    def printed(tree):
        inner = tree.args[0]
        clear = inner.head in ("letter", "num") or (
            inner.head == "mul" and not any(part.head in ("add", "normal") for part in inner.args)
        )
        if clear:
            return rf"{name} {latex(tree.args[0])}", PRODUCT
        return rf"{name}\left({latex(tree.args[0])}\right)", FACTOR

    return printed


def _print_big(symbol):
    def printed(tree):
        body, i, first, last = tree.args
        return (
            rf"{symbol}_{{{latex(i)}={latex(first)}}}^{{{_inline(last)}}} "
            rf"{latex(body, PRODUCT)}"
        ), PRODUCT

    return printed


def _print_blocks(tree):
    rows, cols = tree.leaf
    cells = [latex(part) for part in tree.args]
    lines = [" & ".join(cells[r * cols : (r + 1) * cols]) for r in range(rows)]
    return r"\begin{bmatrix}" + r" \\ ".join(lines) + r"\end{bmatrix}", ATOM


def replace_index(tree, i, value):
    """The tree with an index replaced, for printing only."""
    if tree == i:
        return value
    return Node(tree.head, tuple(replace_index(part, i, value) for part in tree.args), tree.leaf)


def _print_copies(separator, dots):
    def printed(tree):
        body, i = tree.args
        parts = body.args if body.head == "block" and tree.head == "stack" else (body,)
        first, last = (
            separator.join(latex(replace_index(part, i, value)) for part in parts)
            for value in (node(1), i.args[0])
        )
        return rf"\begin{{bmatrix}}{separator.join([first, dots, last])}\end{{bmatrix}}", ATOM

    return printed


def _print_expectation(name):
    def printed(tree):
        body, *known = tree.args
        text = latex(body) + (r" \mid " + ", ".join(map(_family, known)) if known else "")
        return rf"{name}\left[{text}\right]", FACTOR

    return printed


def _family(tree):
    """All members of a family with one index: x_1, ..., x_n."""
    if tree.head != "letter" or len(tree.args) != 1 or tree.args[0].head != "index":
        return latex(tree)
    last = tree.leaf[0].over[0]
    return rf"{named(tree.leaf[0], [node(1)])}, \dots, {named(tree.leaf[0], [last])}"


def _print_derivative(tree):
    body, name = tree.args
    if len(latex(body)) > 12:
        return rf"\frac{{\partial}}{{\partial {latex(name)}}}\, {latex(body, PRODUCT)}", PRODUCT
    return rf"\frac{{\partial {latex(body, PRODUCT)}}}{{\partial {latex(name)}}}", FACTOR


def _print_part(tree):
    whole, *places = tree.args
    plain = whole.head == "letter" and not whole.args and "_" not in whole.leaf[0].name
    text = whole.leaf[0].name if plain else latex(whole, ATOM)
    return f"{text}_{{{''.join(map(latex, places))}}}", ATOM


def _print_integral(tree):
    body, name, first, last = tree.args
    return (
        rf"\int_{{{latex(first)}}}^{{{latex(last)}}} {latex(body, PRODUCT)}"
        rf"\,\mathrm{{d}}{latex(name)}"
    ), PRODUCT


def _print_minimiser(tree):
    body, *names = tree.args
    below = ", ".join(map(latex, names))
    return rf"\operatorname*{{arg\,min}}_{{{below}}}\; {latex(body, PRODUCT)}", PRODUCT


def _print_transpose(tree):
    text = latex(tree.args[0], ATOM)
    if tree.args[0].head == "letter" and "^" in text:
        text = rf"\left({text}\right)"
    return text + r"\T", FACTOR


def _print_minus(tree):
    return "-" + latex(tree.args[0], PRODUCT), SUM


PRINTERS = {
    "letter": _print_letter,
    "index": lambda t: (t.leaf[0], ATOM),
    "num": _print_number,
    "add": _print_sum,
    "mul": _print_product,
    "neg": _print_minus,
    "div": _print_quotient,
    "pow": _print_power,
    "sqrt": lambda t: (rf"\sqrt{{{latex(t.args[0])}}}", ATOM),
    "T": _print_transpose,
    "inv": lambda t: (latex(t.args[0], ATOM) + "^{-1}", FACTOR),
    "eye": lambda t: (r"\mat{I}", ATOM),
    "zeros": lambda t: (r"\mat{0}", ATOM),
    "ones": lambda t: (r"\vec{1}", ATOM),
    "unit": lambda t: (rf"\vec{{e}}_{{{latex(t.args[0])}}}", ATOM),
    "trace": _print_function(r"\operatorname{tr}"),
    "norm2": lambda t: (
        rf"\norm{{{latex(t.args[0])}}}"
        + ("" if matrix_shape(t.args[0])[1] == node(1) else "_F")
        + "^2",
        ATOM,
    ),
    "entry": _print_part,
    "part": _print_part,
    "delta": lambda t: (rf"\delta_{{{latex(t.args[0])}{latex(t.args[1])}}}", ATOM),
    "exp": _print_exponential,
    "log": _print_function(r"\log"),
    "gamma": _print_function(r"\Gamma"),
    "cos": _print_function(r"\cos"),
    "sin": _print_function(r"\sin"),
    "max": lambda t: (rf"\max({latex(t.args[0])}, {latex(t.args[1])})", FACTOR),
    "E": _print_expectation(r"\E"),
    "Var": _print_expectation(r"\Var"),
    "normal": lambda t: (
        rf"\mathcal{{N}}({latex(t.args[0])};\, "
        rf"{latex(t.args[1])},\, {latex(t.args[2])})",
        FACTOR,
    ),
    "diff": _print_derivative,
    "integral": _print_integral,
    "infinity": lambda t: (r"\infty", ATOM),
    "sum": _print_big(r"\sum"),
    "prod": _print_big(r"\prod"),
    "block": _print_blocks,
    "stack": _print_copies(r" \\ ", r"\vdots"),
    "beside": _print_copies(" & ", r"\cdots"),
    "perm": lambda t: (rf"\{t.leaf[0]}({latex(t.args[0])})", ATOM),
    "tuple": lambda t: (r"\left(" + r",\; ".join(map(latex, t.args)) + r"\right)", ATOM),
    "argmin": _print_minimiser,
    "merge": lambda t: (rf"{latex(t.args[0], FACTOR)} \oplus {latex(t.args[1], FACTOR)}", PRODUCT),
    "attend": lambda t: (
        rf"\operatorname{{attention}}_{{{t.leaf[0]}}}({latex(t.args[0])})",
        FACTOR,
    ),
}


def latex_hypothesis(hypothesis):
    """A hypothesis as LaTeX text with its formulas between dollars."""
    texts = [latex(part) for part in hypothesis.parts]
    if hypothesis.kind in KINDS:
        return f"${KINDS[hypothesis.kind].format(*texts)}$"
    if hypothesis.kind == "independent":
        names, mean, variance, of = hypothesis.parts
        listed = " and ".join(f"${latex(name)}$" for name in names.args)
        if any(name.args or name.leaf[0].shape for name in names.args):
            listed = f"all entries of {listed}"
        beside_ = "".join(
            f" and of {'all ' if name.args else ''}${latex(name)}$" for name in of.args
        )
        each_other = " of each other" if listed.startswith("all") or len(names.args) > 1 else ""
        apart = each_other + beside_ if each_other else beside_.removeprefix(" and")
        return (
            f"{listed} independent{apart}, with mean "
            f"${latex(mean)}$ and variance ${latex(variance)}$"
        )
    if hypothesis.kind == "moments":
        pairs = zip(hypothesis.parts[::2], hypothesis.parts[1::2], strict=True)
        return ", ".join(
            rf"$\E {latex(e, ATOM if e.head == 'add' else SUM)} = {latex(v)}$" for e, v in pairs
        )
    if hypothesis.kind == "covariances":
        return ", ".join(
            rf"$\E {texts[k]} {texts[k + 1]}\T = {texts[k + 2]}$" for k in range(0, len(texts), 3)
        )
    if hypothesis.kind == "gaussian":
        x, y, c = texts
        return (
            rf"$({x}, {y})$ Gaussian with means $0$, variances $1$ and covariance ${c}$, "
            rf"$\abs{{{c}}} < 1$"
        )
    return ", ".join(f"${text}$" for text in texts) + " random with finite second moments"
