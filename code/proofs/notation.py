"""The one vocabulary in which statements are written; everything else reads these trees.

A statement is two trees of Nodes and some Hypotheses about the letters in them. It is printed by
`printing`, decided by `deciders`, evaluated in numbers by `judge` and changed by `mutants`; nothing
else is known of it. Vectors are columns, and indices run from 1 to a symbolic size. A letter such
as p_i declares the sizes up to which its indices run and the shape of its values:

    N, D = size("N"), size("D")
    i, j = index("i", N), index("j", N)
    p = letter("p", over=(N,), shape=(D, 1))
    times(T(p(i)), p(j))                            # p_i^T p_j
"""

from dataclasses import dataclass
from fractions import Fraction


class CannotDecide(ValueError):
    """The deciders can neither prove a statement nor say that it does not follow."""


class IllFormed(CannotDecide):
    """A tree without meaning: shapes that do not fit, an index out of its range, ..."""


class Undecided(CannotDecide):
    """The statement may be true or false: something in it has no rule."""


class Undefined(ValueError):
    """A statement says nothing for these numbers: a division by zero, an index out of range."""


@dataclass(frozen=True)
class Node:
    """An operation (`head`), its operands (`args`), and data such as a name or number (`leaf`)."""

    head: str
    args: tuple = ()
    leaf: tuple = ()

    def __str__(self):
        """For messages: nearly as it is written in Python."""
        named = self.head in ("letter", "index", "num")
        text = getattr(self.leaf[0], "name", self.leaf[0]) if named else self.head
        operands = () if self.head == "index" else self.args
        return f"{text}({', '.join(map(str, operands))})" if operands else str(text)

    def __add__(self, other):
        return plus(*(self.args if self.head == "add" else (self,)), other)

    def __sub__(self, other):
        return self + neg(other)

    def __mul__(self, other):
        return times(*(self.args if self.head == "mul" else (self,)), other)

    def __truediv__(self, other):
        return divided(self, other)

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
        return divided(other, self)


@dataclass(frozen=True)
class Letter:
    """A named number, vector or matrix, or a family of them."""

    name: str
    over: tuple = ()  # for each index the size up to which it runs, or None
    shape: tuple = ()  # () for a number, (rows, columns) for a matrix
    domain: str = "real"  # real, positive, natural (1, 2, 3, ...), constant
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


neg, divided = operation("neg", 1), operation("div", 2)
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
    blocks = tuple(node(block) for r in rows for block in r)
    return Node("block", blocks, (len(rows), len(rows[0])))


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
    (m_1, l_1, o_1), (m_2, l_2, o_2) = (expand(part).args for part in (first, second))
    m = m or maximum(m_1, m_2)
    old, new = exp(m_1 - m), exp(m_2 - m)
    return several(m, *(plus(times(old, a), times(new, b)) for a, b in ((l_1, l_2), (o_1, o_2))))


def expand(tree):
    """The tuple that a `merge` at the top of a tree means; any other tree as it is."""
    if tree.head != "merge":
        return tree
    if any(expand(part).head != "tuple" or len(expand(part).args) != 3 for part in tree.args):
        raise IllFormed(f"{tree}: operands of merge must be states (m, l, o)")
    return joined(*tree.args)


# Hypotheses -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothesis:
    """What a statement supposes: a kind, and the trees that it is about."""

    kind: str
    parts: tuple


def hypothesis(kind):
    """A constructor of hypotheses of this kind."""

    def build(*parts):
        return Hypothesis(kind, tuple(map(node, parts)))

    return build


where = hypothesis("where")  # a letter with plain indices, what it stands for in these indices
equal, differ = hypothesis("equal"), hypothesis("differ")
positive, symmetric = hypothesis("positive"), hypothesis("symmetric")
orthogonal = hypothesis("orthogonal")  # p(i), p(j): p_i^T p_j = 0 for different i and j
gaussian_pair = hypothesis("gaussian")  # x, y, c: means 0, variances 1 and covariance c
any_moments = hypothesis("random")  # random, with finite second moments, and nothing more


def independent(*names, mean=0, variance=1, of=()):
    """All entries of the names are independent of each other and of the letters `of`."""
    return hypothesis("independent")(several(*names), mean, variance, several(*of))


def moments(*pairs):
    """E of each first expression is the second; no other moment of these letters is known."""
    return hypothesis("moments")(*(part for pair in pairs for part in pair))


def covariances(*triples):
    """E[first second^T] is the third of each triple; no other moment of these letters is known."""
    return hypothesis("covariances")(*(part for triple in triples for part in triple))


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
    found = set().union(*map(letters, trees))
    dimensions = _flat((name.over, name.shape) for name in found)
    sizes = [part for part in dimensions if isinstance(part, Node)]
    return found | all_letters(sizes) if sizes else found


def family(tree):
    """The Letter of a tree that stands for all its members: its indices are plain and different."""
    ranges = [part.args for part in tree.args if part.head == "index"]
    if (
        tree.head != "letter"
        or len(set(tree.args)) < len(tree.args)
        or ranges != [() if last is None else (last,) for last in tree.leaf[0].over]
    ):
        raise IllFormed(f"{tree} is not a letter, or not with all its indices")
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
