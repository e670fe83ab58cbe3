"""Statements of symbolic size, decided by a normal form.

A matrix is read entry by entry: (A B)_ij is the sum over k of A_ik B_kj, whatever the size. What is
left are sums of products of numbers over bound indices, and the Algebra writes each of these in one
way only (forms.py says how). Two sides are equal if their difference is zero in every entry:

    Normaliser(hypotheses).same(times(T(A), A), eye(N))

A side that contains something without a rule here is Undecided: nothing is equal by default.
"""

from fractions import Fraction
from itertools import product

from proofs import moments
from proofs.algebra import Algebra, Rule
from proofs.forms import (
    ONE,
    ZERO,
    as_atom,
    as_constant,
    at,
    constant,
    index_sum,
    indices_in,
    key,
    letters_in,
    minus,
    scale,
    single,
    total,
)
from proofs.notation import (
    CIRCLE,
    IllFormed,
    Letter,
    Node,
    T,
    Undecided,
    delta,
    expand,
    family,
    free_indices,
    log,
    node,
    times,
    trace,
)
from proofs.shapes import matrix_shape, shape


class Normaliser(Algebra):
    """Reads trees as forms, under the hypotheses of one statement.

    env gives the index values of bound indices and parameters. A place is where an entry stands
    along one dimension: an index value, ("block", number, place) in a matrix made of blocks,
    ("copy", index value, place) in one made of copies, None along a dimension of size 1.
    """

    def __init__(self, hypotheses=()):
        super().__init__()
        self.meanings, self.pending = {}, set()
        self.random = moments.Moments(self)
        for kind in ASSUMPTIONS:
            for hypothesis in hypotheses:
                if hypothesis.kind == kind:
                    ASSUMPTIONS[kind](self, *hypothesis.parts)
        self.random.declare(hypotheses)

    def same(self, left, right):
        """True if left = right follows from the hypotheses, entry by entry, shapes included."""
        left, right = expand(left), expand(right)
        if shape(left) != shape(right):
            return False
        if left.head == "tuple" and right.head == "tuple":
            return all(self.same(a, b) for a, b in zip(left.args, right.args, strict=True))
        return all(
            self.is_zero(minus(self.entry(left, {}, r, c), self.entry(right, {}, r, c)))
            for r, c, _ in self._entries(left)
        )

    # Hypotheses

    def _assume_where(self, name, meaning):
        letter, names = family(name), [part.leaf[0] for part in name.args]
        if letter.domain != "real" or letter in self.meanings:
            raise IllFormed(f"{name} cannot be given a meaning")
        if shape(name) != shape(meaning):
            raise IllFormed(f"{name} and its meaning differ in shape")
        if free_indices(meaning) - {*name.args}:
            raise IllFormed(f"the meaning of {name} has an index that the name lacks")
        self.meanings[letter] = (names, meaning)

    def _assume_symmetric(self, matrix):
        if matrix.head != "letter" or matrix.args or matrix.leaf[0] in self.meanings:
            raise IllFormed(f"symmetric: expected a free letter, got {matrix}")
        if shape(matrix) != shape(T(matrix)):
            raise IllFormed(f"symmetric: expected a square matrix, got {matrix}")
        self.symmetric.add(matrix.leaf[0])

    def _assume_differ(self, first, second):
        self.different.add(frozenset({self.index(first, {}), self.index(second, {})}))

    def _assume_positive(self, value):
        form = self.number(value, {})
        if not form:
            raise IllFormed("a hypothesis that nothing meets: 0 > 0")
        self.positive.append(form)

    def _assume_equal(self, left, right):
        if shape(left) != shape(right):
            raise IllFormed(f"{left} and {right} have different shapes")
        for r, c, free in self._entries(left):
            self._add_rule(self.entry(left, {}, r, c), self.entry(right, {}, r, c), free)

    def _assume_orthogonal(self, first, second):
        """p_i^T p_j is delta_ij |p_i|^2, with a letter of its own for the squared length."""
        letter = family(first)
        if (
            family(second) != letter
            or len(letter.over) != 1
            or matrix_shape(first)[1] != node(1)
            or first == second
            or letter in self.meanings
        ):
            raise IllFormed(f"orthogonal: no family of vectors: {first}, {second}")
        (i,), (j,) = first.args, second.args
        value = delta(i, j) * Letter(f"|{letter.name}|^2", letter.over)(i)
        free = [self.new_free(self._up_to(letter.over[0])) for _ in (i, j)]
        env = {i.leaf[0]: at(free[0]), j.leaf[0]: at(free[1])}
        self._add_rule(self.number(T(first) * second, env), self.number(value, env), free)

    def _add_rule(self, pattern, value, free):
        if len(pattern) != 1 or next(iter(pattern))[1] != 1:
            raise Undecided("a hypothesis whose left side is not a single product")
        (((factors, bound), _),) = pattern
        if not factors or any(a[0] != "letter" or e < 0 or e.denominator != 1 for a, e in factors):
            raise Undecided("a hypothesis whose left side is not a product of letters")
        atoms = tuple(atom for atom, e in sorted(factors, key=key) for _ in range(int(e)))
        if not set(free) <= indices_in(atoms):
            raise Undecided("a hypothesis whose left side lacks an index of the right one")
        self.rules.append(Rule(atoms, dict(bound), set(free), value))

    # Indices and places

    def _up_to(self, last):
        """The range from 1 to a size."""
        return ONE, self.number(last, {})

    def index(self, tree, env):
        """The value of an index expression."""
        if tree.head == "index":
            name = tree.leaf[0]
            if name in env:
                return env[name]
            index = ("free", name)
            if tree.args:
                limits = self._up_to(tree.args[0])
                if self.ranges.setdefault(index, limits) != limits:
                    raise IllFormed(f"the index {name} has two ranges")
            return at(index)
        if tree.head == "num" and tree.leaf[0].denominator == 1:
            return int(tree.leaf[0]), ()
        if tree.head == "add":
            return index_sum(*((1, self.index(part, env)) for part in tree.args))
        if tree.head == "neg":
            return index_sum((-1, self.index(tree.args[0], env)))
        if tree.head == "perm":
            value, name = self.index(tree.args[0], env), tree.leaf[0]
            limits = self.range_of(value)
            if limits is None or self.permuted.setdefault(name, limits) != limits:
                raise IllFormed(f"{tree} is not in the range of the permutation")
            return at(("perm", name, value))
        raise IllFormed(f"{tree} is not an index")

    def _index_up_to(self, part, last, tree, env):
        """The value of an index in a tree, which must lie between 1 and last."""
        value = self.index(part, env)
        if isinstance(last, tuple) or not self.is_inside(value, self._up_to(last)):
            raise IllFormed(f"{tree}: the index {part} is out of its range")
        return value

    def _along(self, dimension, new_index):
        """(place, indices made for it) of each kind of place along a dimension."""
        if dimension == node(1):
            yield None, ()
        elif not isinstance(dimension, tuple):
            index = new_index(self._up_to(dimension))
            yield at(index), (index,)
        elif dimension[0] == "blocks":
            for number, part in enumerate(dimension[1]):
                for place, made in self._along(part, new_index):
                    yield ("block", number, place), made
        else:
            index = new_index(self._up_to(dimension[1]))
            for place, made in self._along(dimension[2], new_index):
                yield ("copy", at(index), place), (index, *made)

    def _entries(self, tree):
        """(row, column, free indices made for them) of each kind of entry of a matrix."""
        rows, columns = (list(self._along(part, self.new_free)) for part in matrix_shape(tree))
        for (r, made), (c, more) in product(rows, columns):
            yield r, c, (*made, *more)

    def _sum_along(self, dimension, value):
        """The sum of value(place) over all places along a dimension."""
        return total(
            self.bind(made, value(place)) for place, made in self._along(dimension, self.new_bound)
        )

    def _same_place(self, r, c):
        """1 if two places are the same, else 0."""
        return ONE if r is None else self.term(1, [(("delta", r, c), 1)], ())

    # From trees to forms

    def number(self, tree, env):
        """The normal form of a number."""
        if shape(tree) != ():
            raise IllFormed(f"{tree} is not a number")
        return self.entry(tree, env, None, None)

    def entry(self, tree, env, r, c):
        """The normal form of the entry in row r and column c."""
        if tree.head in FUNCTIONS:
            return FUNCTIONS[tree.head](self, *(self.number(part, env) for part in tree.args))
        if tree.head in NUMBERS:
            return NUMBERS[tree.head](self, tree, env)
        if tree.head in ENTRIES:
            return ENTRIES[tree.head](self, tree, env, r, c)
        raise Undecided(f"no rule for {tree.head} in {tree}")

    def _read_letter(self, tree, env, r, c):
        letter = tree.leaf[0]
        places = [
            self.index(part, env) if last is None else self._index_up_to(part, last, tree, env)
            for part, last in zip(tree.args, letter.over, strict=True)
        ]
        if letter not in self.meanings:
            return self._entry_of_letter(letter, places, r, c)
        if letter in self.pending:
            raise IllFormed(f"{letter.name} is defined by itself")
        names, meaning = self.meanings[letter]
        self.pending.add(letter)
        try:
            return self.entry(meaning, dict(zip(names, places, strict=True)), r, c)
        finally:
            self.pending.discard(letter)

    def _entry_of_letter(self, letter, places, r, c):
        places = [*places, *(place for place in (r, c) if place is not None)]
        if any(place[0] in ("block", "copy") for place in places):
            raise IllFormed(f"{letter.name} is not made of blocks")
        return self.term(1, [(self.letter_atom(letter, places), 1)], ())

    def _read_product(self, tree, env, r, c):
        numbers = [part for part in tree.args if shape(part) == ()]
        matrices = [part for part in tree.args if shape(part) != ()]
        form = self.times(*(self.number(part, env) for part in numbers))
        return self.times(form, self._chain(matrices, env, r, c)) if matrices else form

    def _chain(self, matrices, env, r, c):
        first, *rest = matrices
        if not rest:
            return self.entry(first, env, r, c)
        return self._sum_along(
            matrix_shape(first)[1],
            lambda k: self.times(self.entry(first, env, r, k), self._chain(rest, env, k, c)),
        )

    def _read_block(self, tree, env, r, c):
        rows, cols = tree.leaf
        k, r = (r[1], r[2]) if rows > 1 else (0, r)
        m, c = (c[1], c[2]) if cols > 1 else (0, c)
        return self.entry(tree.args[k * cols + m], env, r, c)

    def _read_copies(self, tree, env, r, c):
        body, i = tree.args
        (_, value, place) = r if tree.head == "stack" else c
        r, c = (place, c) if tree.head == "stack" else (r, place)
        return self.entry(body, {**env, i.leaf[0]: value}, r, c)

    def _read_sum(self, tree, env, r, c):
        body, i, first, last = tree.args
        limits = self.number(first, env), self.number(last, env)
        if not self.is_positive(minus(limits[1], minus(limits[0], ONE))):
            # An empty sum is 0, and nobody would see that something is divided by it.
            terms = "the number of its terms is positive"
            raise Undecided(f"a sum from {first} to {last} that may be empty: suppose that {terms}")
        index = self.new_bound(limits)
        return self.bind({index}, self.entry(body, {**env, i.leaf[0]: at(index)}, r, c))

    def _read_product_over(self, tree, env):
        """The exponential of the sum of logarithms, so all factors must be positive."""
        body, *limits = tree.args
        return self.exp(self.number(Node("sum", (log(body), *limits)), env))

    def _read_inverse(self, tree, env, r, c):
        """A letter of its own, with the rules A^-1 A = I and A A^-1 = I."""
        matrix = tree.args[0]
        if shape(matrix) == ():
            return self.power(self.number(matrix, env), Fraction(-1))
        if matrix.head != "letter" or matrix.args or matrix.leaf[0] in self.meanings:
            raise Undecided(f"the inverse of {matrix}, which is not a free letter")
        letter = matrix.leaf[0]
        if letter in self.random.groups:
            raise Undecided(f"the inverse of {matrix}, which is random")
        inverse = Letter(letter.name + "^{-1}", (), letter.shape)
        if letter in self.symmetric:
            self.symmetric.add(inverse)
        if not self._has_rule(inverse):
            limits = self._up_to(letter.shape[0])
            for first, second in ((letter, inverse), (inverse, letter)):
                i, j, k = self.new_free(limits), self.new_free(limits), self.new_bound(limits)
                atoms = ("letter", first, (at(i), at(k))), ("letter", second, (at(k), at(j)))
                self.rules.append(Rule(atoms, {k: limits}, {i, j}, self._same_place(at(i), at(j))))
        return self._entry_of_letter(inverse, [], r, c)

    def _has_rule(self, letter):
        return any(letter in letters_in((rule.atoms, rule.value)) for rule in self.rules)

    def _read_trace(self, tree, env):
        (matrix,) = tree.args
        return self._sum_along(matrix_shape(matrix)[0], lambda k: self.entry(matrix, env, k, k))

    def _read_entry(self, tree, env):
        matrix, *indices = tree.args
        places = [
            None if place == (1, ()) and last == node(1) else place
            for part, last in zip(indices, matrix_shape(matrix))
            for place in [self._index_up_to(part, last, tree, env)]
        ]
        return self.entry(matrix, env, *places, *[None] * (2 - len(places)))

    def _read_unit(self, tree, env, r, c):
        part, length = tree.args
        return self._same_place(r, self._index_up_to(part, length, tree, env))

    def _read_delta(self, tree, env):
        return self._same_place(*(self.index(part, env) for part in tree.args))

    def _read_index(self, tree, env):
        whole, parts = self.index(tree, env)
        return total([constant(whole), *(scale(single(("index", i)), c) for i, c in parts)])

    def _read_derivative(self, tree, env):
        """d body / d name; an entry of a matrix is written as entry(W, k, l)."""
        body, name = tree.args
        form = self.number(body, env)  # first: it may add the rules of an inverse
        target = as_atom(self.number(name, env))
        if target is None or target[0] != "letter" or not self._is_free(target[1]):
            raise Undecided(f"a derivative with respect to {name}, which is not free")
        return self.derivative(form, target)

    def _is_free(self, letter):
        """True for a letter that can take any real value near its own."""
        return (
            letter.domain in ("real", "positive")
            and letter not in self.symmetric
            and letter not in self.random.groups
            and not self._has_rule(letter)
        )

    # Functions of forms

    def _power(self, base, exponent):
        value = as_constant(exponent)
        if value is None:
            return self.exp(self.times(exponent, self.log(base)))
        return self.power(base, value) if value else ONE

    def _quotient(self, form, divisor):
        return self.times(form, self.power(divisor, Fraction(-1)))

    def _normal(self, x, mean, variance):
        """The density of the normal distribution at x."""
        square = self.power(minus(x, mean), Fraction(2))
        root = self.power(self.times(self.number(2 * CIRCLE, {}), variance), Fraction(-1, 2))
        return self.times(root, self.exp(self._quotient(scale(square, Fraction(-1, 2)), variance)))


ASSUMPTIONS = {  # in the order in which they are read; for those on random letters see moments.py
    "where": Normaliser._assume_where,
    "symmetric": Normaliser._assume_symmetric,
    "differ": Normaliser._assume_differ,
    "positive": Normaliser._assume_positive,
    "equal": Normaliser._assume_equal,
    "orthogonal": Normaliser._assume_orthogonal,
}
FUNCTIONS = {  # of numbers
    "pow": Normaliser._power,
    "sqrt": lambda self, x: self.power(x, Fraction(1, 2)),
    "exp": Normaliser.exp,
    "log": Normaliser.log,
    "cos": lambda self, x: self.circular("cos", x),
    "sin": lambda self, x: self.circular("sin", x),
    "max": Normaliser.maximum,
    "normal": Normaliser._normal,
}
NUMBERS = {
    "num": lambda self, tree, env: constant(tree.leaf[0]),
    "index": Normaliser._read_index,
    "perm": Normaliser._read_index,
    "trace": Normaliser._read_trace,
    "norm2": lambda self, tree, env: self.number(trace(times(T(*tree.args), *tree.args)), env),
    "entry": Normaliser._read_entry,
    "part": Normaliser._read_entry,
    "delta": Normaliser._read_delta,
    "prod": Normaliser._read_product_over,
    "diff": Normaliser._read_derivative,
    "E": lambda self, tree, env: self.random.mean(self.number(tree.args[0], env), tree.args[1:]),
    "Var": lambda self, tree, env: self.random.variance(
        self.number(tree.args[0], env), tree.args[1:]
    ),
}
ENTRIES = {
    "letter": Normaliser._read_letter,
    "mul": Normaliser._read_product,
    "block": Normaliser._read_block,
    "stack": Normaliser._read_copies,
    "beside": Normaliser._read_copies,
    "sum": Normaliser._read_sum,
    "inv": Normaliser._read_inverse,
    "unit": Normaliser._read_unit,
    "add": lambda self, t, env, r, c: total(self.entry(p, env, r, c) for p in t.args),
    "neg": lambda self, t, env, r, c: scale(self.entry(t.args[0], env, r, c), -1),
    "div": lambda self, t, env, r, c: self._quotient(
        self.entry(t.args[0], env, r, c), self.number(t.args[1], env)
    ),
    "T": lambda self, t, env, r, c: self.entry(t.args[0], env, c, r),
    "eye": lambda self, t, env, r, c: self._same_place(r, c),
    "zeros": lambda self, t, env, r, c: ZERO,
    "ones": lambda self, t, env, r, c: ONE,
}
