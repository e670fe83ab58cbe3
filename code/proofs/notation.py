"""The one vocabulary in which statements are written; everything else reads these trees.

A statement is two trees of Nodes and some Hypotheses about the letters in them. It is printed by
`latex`, decided by `deciders`, evaluated in numbers by `judge` and changed by `mutants`; nothing
else is known of it. Vectors are columns, and indices run from 1 to a symbolic size. A letter such
as p_i declares the sizes up to which its indices run and the shape of its values:

    N, D = size("N"), size("D")
    i, j = index("i", N), index("j", N)
    p = letter("p", over=(N,), shape=(D, 1))
    times(T(p(i)), p(j))                            # p_i^T p_j
"""

import re
from dataclasses import dataclass
from fractions import Fraction


class IllFormed(ValueError):
    """A tree without meaning: shapes that do not fit, an index out of its range, ..."""


@dataclass(frozen=True)
class Node:
    """An operation (`head`), its operands (`args`), and data such as a name or number (`leaf`)."""

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
    """A named number, vector or matrix, or a family of them."""

    name: str
    over: tuple = ()  # for each index the size up to which it runs, or None
    shape: tuple = ()  # () for a number, (rows, columns) for a matrix
    domain: str = "real"  # real, positive, natural (1, 2, 3, ...), permutation (a matrix), constant
    tex: str = ""  # the LaTeX of the name, if it is not the name itself

    def __call__(self, *indices):
        return Node("letter", tuple(map(node, indices)), (self,))


def node(value):
    """The value as a Node: a whole number or fraction becomes a number."""
    return value if isinstance(value, Node) else Node("num", (), (Fraction(value),))


# Constructors -----------------------------------------------------------------------------------


def size(name):
    """A symbolic size: 1, 2, 3, ..."""
    return Letter(name, domain="natural")()


def number(name, domain="real", tex=""):
    return Letter(name, domain=domain, tex=tex)()


def letter(name, over=(), shape=(), domain="real", tex=""):
    """A Letter. Call it with its indices to get a Node."""
    dimensions = tuple(part if isinstance(part, tuple) else node(part) for part in shape)
    return Letter(name, tuple(over), dimensions, domain, tex)


def index(name, last=None):
    """An index that runs from 1 to `last`, or over all integers."""
    return Node("index", () if last is None else (last,), (name,))


def plus(*terms):
    return Node("add", tuple(map(node, terms)))


def times(*factors):
    return Node("mul", tuple(map(node, factors)))


def operation(head, count):
    """A constructor of nodes with this head and so many operands."""

    def build(*args):
        if len(args) != count:
            raise TypeError(f"{head} needs {count} operands, got {len(args)}")
        return Node(head, tuple(map(node, args)))

    return build


neg, over = operation("neg", 1), operation("div", 2)
T, inverse, trace = operation("T", 1), operation("inv", 1), operation("trace", 1)
norm2 = operation("norm2", 1)  # the sum of the squared entries
eye, ones, zeros = operation("eye", 1), operation("ones", 1), operation("zeros", 2)
unit = operation("unit", 2)  # the unit vector e_i: index, length
entry = operation("entry", 3)  # matrix, row, column
part = operation("part", 2)  # vector, row
delta = operation("delta", 2)
exp, log, sqrt = operation("exp", 1), operation("log", 1), operation("sqrt", 1)
cos, sin, gamma = operation("cos", 1), operation("sin", 1), operation("gamma", 1)
maximum, E, Var = operation("max", 2), operation("E", 1), operation("Var", 1)
normal = operation("normal", 3)  # the normal density: at, mean, variance
diff = operation("diff", 2)  # body, letter or entry of a letter
integral = operation("integral", 4)  # body, letter, from, to
stacked = operation("stack", 2)  # body for i = 1, 2, ..., under each other: body, i
beside = operation("beside", 2)  # the same side by side
merge = operation("merge", 2)  # two states (m, l, o) of blocks of keys made one; see `joined`
CIRCLE = Letter("pi", domain="constant", tex=r"\pi")()
INFINITY = Node("infinity")


def given(head, body, *known):
    """E[body | known] or Var[body | known]; head is "E" or "Var"."""
    return Node(head, (body, *known))


def summed(body, *indices, first=1, last=None):
    """The sum of body over each index, by default over its whole range."""
    for i in reversed(indices):
        body = Node("sum", (body, i, node(first), node(last if last is not None else i.args[0])))
    return body


def product(body, i):
    """The product of body over the whole range of the index."""
    return Node("prod", (body, i, node(1), i.args[0]))


def column(*blocks):
    return block_matrix(*((block,) for block in blocks))


def row(*blocks):
    return block_matrix(blocks)


def block_matrix(*rows):
    """A matrix made of blocks, row by row."""
    return Node("block", tuple(block for r in rows for block in r), (len(rows), len(rows[0])))


def permuted(i, name="pi"):
    """pi(i) for a permutation pi of the range of i."""
    return Node("perm", (i,), (name,))


def several(*parts):
    """A tuple, equal to another if it is so part by part."""
    return Node("tuple", tuple(map(node, parts)))


def minimiser(body, *letters):
    """The one point (letters) at which body is smallest."""
    return Node("argmin", (body, *letters))


def joined(first, second, m=None):
    """What `merge` means, part by part; m is the largest of both unless given."""
    (m_1, l_1, o_1), (m_2, l_2, o_2) = (expanded(part).args for part in (first, second))
    m = m or maximum(m_1, m_2)
    old, new = exp(m_1 - m), exp(m_2 - m)
    return several(m, *(plus(times(old, a), times(new, b)) for a, b in ((l_1, l_2), (o_1, o_2))))


def expanded(tree):
    """The tuple that a `merge` at the top of a tree means; any other tree as it is."""
    if tree.head != "merge":
        return tree
    if any(expanded(part).head != "tuple" or len(expanded(part).args) != 3 for part in tree.args):
        raise IllFormed(f"{latex(tree)}: operands of merge must be states (m, l, o)")
    return joined(*tree.args)


def attend(X, heads):
    """The outputs of self-attention with fixed weights, by the functions of solutions.attention."""
    return Node("attend", (X,), (heads,))


# Hypotheses -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothesis:
    """What a statement supposes: a kind, and the trees that it is about."""

    kind: str
    parts: tuple


KINDS = {  # as LaTeX text; the other kinds are in `latex_hypothesis`
    "where": "${} = {}$",
    "equal": "${} = {}$",
    "differ": r"${} \ne {}$",
    "positive": "${} > 0$",
    "symmetric": r"${0}\T = {0}$",
    "gaussian": r"$({0}, {1})$ is Gaussian with means $0$, variances $1$ and covariance ${2}$, "
    r"$\abs{{{2}}} < 1$",
}


def where(name, meaning):
    """A letter with plain indices stands for an expression in these indices."""
    return Hypothesis("where", (name, node(meaning)))


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


RANDOM = {  # kind of hypothesis: the trees that hold its random letters
    "independent": lambda parts: parts[0].args,
    "moments": lambda parts: parts[::2],
    "covariances": lambda parts: [part for k, part in enumerate(parts) if k % 3 < 2],
    "gaussian": lambda parts: parts[:2],
    "random": lambda parts: parts,
}


def random_letters(hypothesis):
    """The letters that a hypothesis declares to be random, in its order; none for most kinds."""
    trees = RANDOM.get(hypothesis.kind, lambda parts: ())(hypothesis.parts)
    found = [part.leaf[0] for tree in trees for part in walk(tree) if part.head == "letter"]
    return list(dict.fromkeys(name for name in found if name.domain != "natural"))


# Reading ----------------------------------------------------------------------------------------

INDEX_BINDERS = ("sum", "prod", "stack", "beside")


def walk(tree):
    """The node and all below it."""
    yield tree
    for part in tree.args:
        yield from walk(part)


def letters(tree):
    """The Letters in a tree."""
    return {part.leaf[0] for part in walk(tree) if part.head == "letter"}


def all_letters(trees):
    """The letters of trees, and those in the sizes of these letters."""
    found, waiting = set(), list(trees)
    while waiting:
        for name in letters(waiting.pop()) - found:
            found.add(name)
            waiting += [last for last in _flat((*name.over, *name.shape)) if isinstance(last, Node)]
    return found


def family(tree):
    """The Letter of a tree that stands for all its members: its indices are plain and different."""
    ranges = [part.args for part in tree.args if part.head == "index"]
    if (
        tree.head != "letter"
        or len(set(tree.args)) < len(tree.args)
        or ranges != [() if last is None else (last,) for last in tree.leaf[0].over]
    ):
        raise IllFormed(f"{latex(tree)} is no letter, or not with all its indices")
    return tree.leaf[0]


def free_indices(tree):
    """The indices in a tree that no operator in it binds."""
    if tree.head == "index":
        return {tree}
    if tree.head in INDEX_BINDERS:
        body, bound, *limits = tree.args
        inner = {i for i in free_indices(body) if i.leaf != bound.leaf}
        return inner.union(*map(free_indices, limits))
    return set().union(*map(free_indices, tree.args))


def _flat(parts):
    """What is in nested tuples."""
    for part in parts:
        yield from _flat(part) if isinstance(part, tuple) else (part,)


LETTER_NAME = re.compile(  # an accent, a letter, primes, an argument, a subscript, a superscript
    r"(?:hat |bar )?([A-Za-z]+)'*(?:\(\w\))?(?:_\w|_\{[\w+|]+\})?(\^[A-Za-z]|\^\{[A-Za-z]+\})?"
)


def check_names(statement):
    """Raise IllFormed if what is printed of a statement can be read in two ways.

    That is so if two things look the same, if a name looks like an expression, or if a name holds
    an index, or a letter that varies: in sum_i x_i, a letter called "x_i" would be constant.
    """
    nodes = {part for tree in statement.trees for part in walk(tree)}
    names = all_letters(statement.trees)
    for things in (
        [(latex(n), n.leaf if n.head == "index" else n) for n in nodes if n.head in SYMBOL_HEADS]
        + [("\\" + n.leaf[0], n.leaf) for n in nodes if n.head == "perm"],
        [(_with_any_indices(n), n) for n in names]
        + [symbol for n in nodes for symbol in _symbols(n)],
    ):
        shown = {}
        for text, thing in things:
            if shown.setdefault(text, thing) != thing:
                raise IllFormed(f"{text} stands for two things")
    for name in names:
        found = LETTER_NAME.fullmatch(name.name)
        is_base = name.tex or (found and (len(found[1]) == 1 or found[1] in GREEK))
        is_tex = re.fullmatch(r"(\\[A-Za-z]+|[A-Za-z])?", name.tex)
        if not (found and is_base and is_tex) or (found[2] and not name.shape):
            raise IllFormed(f"{latex_letter(name)} looks like an expression")
    varying, random = _varying(statement, nodes)
    for name in names:
        _, *inner = re.findall("[A-Za-z]+", re.sub("^(hat|bar) ", "", name.name))
        argument = re.findall(r"\((\w)\)", name.name)
        for hidden in {*inner} & varying if name.domain != "natural" else ():  # d_h is one size
            raise IllFormed(f"{latex_letter(name)} looks as if it changed with {hidden}")
        if any(name not in random.get(hidden, (name,)) for hidden in argument):
            shown = latex_letter(name)
            raise IllFormed(f"{shown} is not declared to be as random as {argument[0]}")


SYMBOL_HEADS = ("letter", "index", "part", "entry")


def _with_any_indices(name):
    return latex_letter(name, [index("i")] * len(name.over))


def _symbols(tree):
    """(printed, what it is) of a symbol that a letter may look like."""
    whole, *places = tree.args or (tree,)
    if tree.head in ("entry", "part") and whole.head == "letter":
        family = Letter(whole.leaf[0].name, (None,) * len(places))
        yield _with_any_indices(family), (whole, "entry")
    if tree.head == "delta":
        yield _with_any_indices(Letter("delta", (None, None))), "delta"
    if tree.head == "unit":
        yield _with_any_indices(Letter("e", (None,), (node(2), node(1)))), "unit"
    if tree.head == "eye":
        yield latex(tree), "eye"
    if tree.head == "exp":
        yield "e", "exp"


def _varying(statement, nodes):
    """The names of what varies, and {name of a random letter: those that may depend on it}."""
    varying, random = set(), {}
    for n in nodes:
        targets = n.args[1:] if n.head == "argmin" else n.args[1:2]
        if n.head in ("diff", "argmin", "integral"):
            varying |= set().union(*map(letters, targets))
    for h in statement.hypotheses:
        drawn = random_letters(h)
        random |= dict.fromkeys(drawn, () if h.kind == "independent" else drawn)
    meanings = [h.parts for h in statement.hypotheses if h.kind == "where"]
    for _ in meanings:
        for name, meaning in meanings:
            varying |= letters(name) if letters(meaning) & varying else set()
            random |= dict.fromkeys(letters(name) if letters(meaning) & set(random) else (), ())
    return (
        {name.name for name in varying} | {n.leaf[0] for n in nodes if n.head == "index"},
        {name.name: drawn for name, drawn in random.items()},
    )


# Shapes -----------------------------------------------------------------------------------------

SEVERAL = ("tuple", "merge", "argmin")  # may be a side of a statement, but no operand


def shape(tree):
    """() for a number, (rows, columns) for a matrix; raises IllFormed where shapes do not fit.

    A dimension is a size, ("blocks", dimensions) or ("copies", size, dimension).
    """
    if tree.head not in SEVERAL and any(part.head in SEVERAL for part in tree.args):
        raise IllFormed(f"{tree.head} of several things at once: {latex(tree)}")
    found = SHAPES.get(tree.head, _shape_of_function)(tree)
    return () if found == (node(1), node(1)) else found


def matrix_shape(tree):
    """The shape of a matrix, one by one for a number."""
    return shape(tree) or (node(1), node(1))


def _shape_of_function(tree):
    for part in tree.args:
        if shape(part) != ():
            raise IllFormed(f"{tree.head} of a matrix: {latex(part)}")
    return ()


def _shape_of_integral(tree):
    if tree.args[1].head != "letter" or tree.args[1].args:
        raise IllFormed(f"an integral over {latex(tree.args[1])}, which is no letter")
    return _shape_of_function(tree)


def _shape_of_letter(tree):
    name = tree.leaf[0]
    if len(tree.args) != len(name.over):
        raise IllFormed(f"{name.name}: expected {len(name.over)} indices, got {len(tree.args)}")
    return name.shape


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


def _shape_of_quotient(tree):
    if shape(tree.args[1]):
        raise IllFormed(f"divided by a matrix: {latex(tree)}")
    return shape(tree.args[0])


def _shape_of_square(tree):
    found = matrix_shape(tree.args[0])
    if found[0] != found[1]:
        raise IllFormed(f"{tree.head} of a matrix that is not square: {latex(tree)}")
    return found


def _shape_of_vector(tree):
    found = matrix_shape(tree.args[0])
    if found[1] != node(1):
        raise IllFormed(f"an entry of {latex(tree.args[0])}, which is no vector")
    return found


def _shape_of_blocks(tree):
    rows, cols = tree.leaf
    shapes = [matrix_shape(part) for part in tree.args]
    heights = [{shapes[r * cols + c][0] for c in range(cols)} for r in range(rows)]
    widths = [{shapes[r * cols + c][1] for r in range(rows)} for c in range(cols)]
    if any(len(group) != 1 for group in heights + widths):
        raise IllFormed(f"blocks that do not fit in {latex(tree)}")
    both = (tuple(group.pop() for group in groups) for groups in (heights, widths))
    return tuple(parts[0] if len(parts) == 1 else ("blocks", parts) for parts in both)


def _shape_of_copies(tree):
    body, i = tree.args
    rows, cols = matrix_shape(body)
    if i.head != "index" or not i.args:
        raise IllFormed(f"copies of {latex(body)} over {latex(i)}, which is no index with a range")
    if tree.head == "stack":
        return ("copies", i.args[0], rows), cols
    return rows, ("copies", i.args[0], cols)


def _shape_of_body(tree):
    if tree.args[1].head != "index":
        raise IllFormed(f"a {tree.head} over {latex(tree.args[1])}, which is no index")
    if any(shape(limit) for limit in tree.args[2:]):
        raise IllFormed(f"a matrix as a limit in {latex(tree)}")
    if tree.head == "prod" and shape(tree.args[0]):
        raise IllFormed(f"a product of matrices: {latex(tree)}")
    return shape(tree.args[0])


def _number_of(rule):
    """A number, if the rule finds no fault."""
    return lambda tree: rule(tree) and ()


SHAPES = {
    "letter": _shape_of_letter,
    "add": _shape_of_sum,
    "mul": _shape_of_product,
    "neg": lambda t: shape(t.args[0]),
    "T": lambda t: matrix_shape(t.args[0])[::-1],
    "div": _shape_of_quotient,
    "inv": _shape_of_square,
    "trace": _number_of(_shape_of_square),
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
    "prod": _shape_of_body,
    "integral": _shape_of_integral,
    "tuple": lambda t: ("tuple", tuple(map(shape, t.args))),
    "attend": lambda t: shape(t.args[0]),
    "merge": lambda t: shape(expanded(t)),
    "argmin": lambda t: ("tuple", ((),) * (len(t.args) - 1)) if len(t.args) > 2 else (),
}


# Printing ---------------------------------------------------------------------------------------

SUM, PRODUCT, FACTOR, ATOM = range(4)  # how tightly a printed expression holds together
GREEK = set(
    "alpha beta gamma delta eps lambda mu nu omega pi rho sigma theta Lambda Pi Sigma".split()
)
SPACED = ("sqrt", "cos", "sin", "log", "normal", "div")  # a thin space before them
BIG = {"sum": r"\sum", "prod": r"\prod"}
FUNCTION_LATEX = {
    "trace": r"\operatorname{tr}",
    "log": r"\log",
    "gamma": r"\Gamma",
    "cos": r"\cos",
    "sin": r"\sin",
}


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
    comma = (sub and name.shape) or (len(indices) > 1 and any(p.head == "add" for p in indices))
    below = ("," if comma else "").join(([sub] if sub else []) + list(map(_inline, indices)))
    above = r"\prime " * primes + sup
    return text + (f"^{{{above.strip()}}}" if above else "") + (f"_{{{below}}}" if below else "")


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


def _print_product(tree):
    text = ""
    for place, part in enumerate(tree.args):
        big = part.head in (*BIG, "integral", "diff", "argmin")
        nested = part.head == "mul" or (big and place < len(tree.args) - 1)
        shown = latex(part, FACTOR if nested else PRODUCT)
        space = r" \, " if big or part.head in SPACED else " "
        text += (r" \cdot " if shown[0].isdigit() else space) if text else ""
        text += shown
    return text, PRODUCT


def _print_power(tree):
    base, exponent = tree.args
    if base.head == "letter" and base.args:
        body = f"{{{latex(base)}}}" if "^" in latex(base) else latex(base)
        return f"{body}^{{{_inline(exponent)}}}", FACTOR
    if base.head in ("cos", "sin"):
        return rf"\{base.head}^{{{latex(exponent)}}} {latex(base.args[0], PRODUCT)}", PRODUCT
    return f"{latex(base, ATOM)}^{{{_inline(exponent)}}}", FACTOR


def _print_exponential(tree):
    text = _inline(tree.args[0])
    if "frac" in text or len(text) > 40:
        return rf"\exp\left({latex(tree.args[0])}\right)", FACTOR
    return f"e^{{{text}}}", FACTOR


def _print_function(tree):
    (inner,), name = tree.args, FUNCTION_LATEX[tree.head]
    if inner.head in ("letter", "num") or (
        inner.head == "mul" and not any(part.head in ("add", "normal") for part in inner.args)
    ):
        return f"{name} {latex(inner)}", PRODUCT
    return rf"{name}\left({latex(inner)}\right)", FACTOR


def _print_big(tree):
    body, i, first, last = tree.args
    limits = f"_{{{latex(i)}={latex(first)}}}^{{{_inline(last)}}}"
    return f"{BIG[tree.head]}{limits} {latex(body, PRODUCT)}", PRODUCT


def _print_integral(tree):
    body, name, first, last = tree.args
    limits = f"_{{{latex(first)}}}^{{{latex(last)}}}"
    return rf"\int{limits} {latex(body, PRODUCT)}\,\mathrm{{d}}{latex(name)}", PRODUCT


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
    condition = r" \mid " + ", ".join(map(_family, known)) if known else ""
    return rf"\{tree.head}\left[{latex(body)}{condition}\right]", FACTOR


def _family(tree):
    """All members of a family with one index: x_1, ..., x_n."""
    if tree.head != "letter" or len(tree.args) != 1 or tree.args[0].head != "index":
        return latex(tree)
    first, last = (latex_letter(tree.leaf[0], [i]) for i in (node(1), tree.leaf[0].over[0]))
    return rf"{first}, \dots, {last}"


def _print_transpose(tree):
    text = latex(tree.args[0], ATOM)
    if tree.args[0].head == "letter" and "^" in text:
        text = rf"\left({text}\right)"
    return text + r"\T", FACTOR


def _print_part(tree):
    whole, *places = tree.args
    plain = whole.head == "letter" and not whole.args and "_" not in whole.leaf[0].name
    text = whole.leaf[0].name if plain else latex(whole, ATOM)
    return f"{text}_{{{''.join(map(latex, places))}}}", ATOM


def _print_norm(tree):
    (inner,) = tree.args
    frobenius = "" if matrix_shape(inner)[1] == node(1) else "_F"
    return rf"\norm{{{latex(inner)}}}{frobenius}^2", ATOM


def _print_blocks(tree):
    cells, cols = list(map(latex, tree.args)), tree.leaf[1]
    lines = [" & ".join(cells[k : k + cols]) for k in range(0, len(cells), cols)]
    return r"\begin{bmatrix}" + r" \\ ".join(lines) + r"\end{bmatrix}", ATOM


def _print_copies(tree):
    body, i = tree.args
    separator, dots = (r" \\ ", r"\vdots") if tree.head == "stack" else (" & ", r"\cdots")
    parts = body.args if body.head == "block" and tree.head == "stack" else (body,)
    first, last = (
        separator.join(latex(_replaced(part, i, value)) for part in parts)
        for value in (node(1), i.args[0])
    )
    return rf"\begin{{bmatrix}}{separator.join([first, dots, last])}\end{{bmatrix}}", ATOM


def _replaced(tree, i, value):
    """The tree with an index replaced, for printing only."""
    if tree == i:
        return value
    return Node(tree.head, tuple(_replaced(part, i, value) for part in tree.args), tree.leaf)


def _template(text, strength, *least):
    """A printer that puts the operands into a template; `least` is as for `latex`."""

    def printed(tree):
        wanted = (*least, *[SUM] * len(tree.args))
        return text.format(*map(latex, tree.args, wanted)), strength

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
    "inv": _template("{}^{{-1}}", FACTOR, ATOM),
    "eye": _template(r"\mat{{I}}", ATOM),
    "zeros": _template(r"\mat{{0}}", ATOM),
    "ones": _template(r"\vec{{1}}", ATOM),
    "unit": _template(r"\vec{{e}}_{{{}}}", ATOM),
    "trace": _print_function,
    "norm2": _print_norm,
    "entry": _print_part,
    "part": _print_part,
    "delta": _template(r"\delta_{{{}{}}}", ATOM),
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
    "integral": _print_integral,
    "infinity": _template(r"\infty", ATOM),
    "sum": _print_big,
    "prod": _print_big,
    "block": _print_blocks,
    "stack": _print_copies,
    "beside": _print_copies,
    "perm": lambda t: (rf"\{t.leaf[0]}({latex(t.args[0])})", ATOM),
    "tuple": lambda t: (r"\left(" + r",\; ".join(map(latex, t.args)) + r"\right)", ATOM),
    "argmin": _print_minimiser,
    "merge": _template(r"{} \oplus {}", PRODUCT, FACTOR, FACTOR),
    "attend": lambda t: (
        rf"\operatorname{{attention}}_{{{t.leaf[0]}}}({latex(t.args[0])})",
        FACTOR,
    ),
}


def latex_hypothesis(hypothesis):
    """A hypothesis as LaTeX text with its formulas between dollars."""
    kind, parts = hypothesis.kind, hypothesis.parts
    if kind in KINDS:
        return KINDS[kind].format(*map(latex, parts))
    if kind == "independent":
        return _print_independent(*parts)
    if kind == "moments":
        return ", ".join(
            rf"$\E\left[{latex(e)}\right] = {latex(value)}$"
            for e, value in zip(parts[::2], parts[1::2], strict=True)
        )
    texts = list(map(latex, parts))
    if kind == "orthogonal":
        i, j = (", ".join(map(latex, part.args)) for part in parts)
        return rf"${texts[0]}\T{texts[1]} = 0\ ({i} \ne {j})$"
    if kind == "covariances":
        triples = zip(texts[::3], texts[1::3], texts[2::3], strict=True)
        return ", ".join(rf"$\E\left[{x} {y}\T\right] = {value}$" for x, y, value in triples)
    are = "are" if len(texts) > 1 else "is"
    return " and ".join(f"${text}$" for text in texts) + f" {are} random with finite second moments"


def _print_independent(names, mean, variance, of):
    listed = " and ".join(f"${latex(name)}$" for name in names.args)
    several_entries = any(name.args or name.leaf[0].shape for name in names.args)
    if several_entries:
        listed = f"all entries of {listed}"
    others = [f" of {'all ' if name.args else ''}${latex(name)}$" for name in of.args]
    if several_entries or len(names.args) > 1:
        others.insert(0, " of each other")
    are = "are" if several_entries or len(names.args) > 1 else "is"
    return (
        f"{listed} {are} independent{' and'.join(others)}, with mean ${latex(mean)}$ "
        f"and variance ${latex(variance)}$"
    )
