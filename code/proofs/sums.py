"""Identities in matrices, sums and functions of symbolic size, decided by a normal form.

A matrix is read entry by entry: (A B)_ij is the sum over k of A_ik B_kj, whatever the size. What is
left are sums of products of entries over bound indices. Each is written in one way only: bound
indices are fresh and renamed in a canonical order, deltas are carried out, exponentials are merged,
denominators are cleared. Two sides are equal if nothing is left of their difference. A side that
holds something without a rule here is refused (Undecided); nothing is equal by default. See
forms.py for what a form is.
"""

from fractions import Fraction
from itertools import count, permutations, product
from math import floor, gcd, lcm

from proofs import moments, notation
from proofs.forms import (
    ONE,
    ONE_TERM,
    ZERO,
    Undecided,
    add,
    at,
    base_of,
    bases,
    bound_in,
    constant,
    index_sum,
    key,
    letters_in,
    masked,
    merged,
    minus,
    own_bound,
    primes,
    scale,
    single,
)
from proofs.notation import IllFormed, Letter, latex, matrix_shape, node

MOST_BOUND, MOST_STEPS, LARGEST_POWER = 7, 60_000, 8


class Normaliser:
    """The normal form under the hypotheses of one statement."""

    def __init__(self, hypotheses=()):
        self.fresh = count(1)
        self.steps = 0
        self.ranges = {}  # of free and of bound indices
        self.permuted = {}  # the range of each permutation
        self.meanings, self.pending = {}, set()
        self.rules, self.symmetric, self.differ = [], set(), set()
        self.positives, self.known = [], []
        self.random = moments.Declared()
        for kind in ("where", "symmetric", "differ", "positive", "equal", "orthogonal"):
            for hypothesis in hypotheses:
                if hypothesis.kind == kind:
                    getattr(self, "_suppose_" + kind)(*hypothesis.parts)
        moments.declare(self, hypotheses)

    # Hypotheses

    def _suppose_where(self, name, meaning):
        letter = name.leaf[0] if name.head == "letter" else None
        names = [part.leaf[0] for part in name.args if part.head == "index"]
        if letter is None or len(set(names)) != len(name.args) or letter in self.meanings:
            raise IllFormed(f"{latex(name)} cannot be given a meaning")
        if notation.shape(name) != notation.shape(meaning) or any(
            part.args != (() if last is None else (last,))
            for part, last in zip(name.args, letter.over, strict=True)
        ):
            raise IllFormed(f"{latex(name)} and its meaning have different shapes or ranges")
        self.meanings[letter] = (name.args, meaning)

    def _suppose_symmetric(self, matrix):
        self.symmetric |= {self._letter_of(matrix)}

    def _letter_of(self, tree):
        if tree.head != "letter" or tree.args or tree.leaf[0] in self.meanings:
            raise IllFormed(f"{latex(tree)} is no free letter")
        notation.shape(tree)
        return tree.leaf[0]

    def _suppose_differ(self, first, second):
        self.differ |= {frozenset({self.index(first, {}), self.index(second, {})})}

    def _suppose_positive(self, value):
        form = self.number(value, {})
        if not form:
            raise IllFormed("a hypothesis that nothing meets: 0 > 0")
        self.positives.append(form)

    def _suppose_equal(self, left, right):
        if notation.shape(left) != notation.shape(right):
            raise IllFormed(f"{latex(left)} and {latex(right)} have different shapes")
        for (r, c), quantified in self._places(left):
            pattern = self.entry(left, {}, r, c)
            self._add_rule(pattern, self.entry(right, {}, r, c), quantified)

    def _suppose_orthogonal(self, first, second):
        if (
            first.head != "letter"
            or second.head != "letter"
            or first.leaf != second.leaf
            or len(first.args) != 1
            or [p.head for p in (*first.args, *second.args)] != ["index"] * 2
            or first == second
            or first.leaf[0] in self.meanings
            or len(first.leaf[0].shape) != 2
            or first.leaf[0].shape[1] != node(1)
        ):
            raise IllFormed(f"no family of vectors: {latex(first)} and {latex(second)}")
        letter = first.leaf[0]
        length = Letter(f"|{letter.name}|^2", letter.over)
        i, j = self._free(self._range(letter.over[0])), self._free(self._range(letter.over[0]))
        k = self._bound(self._range(letter.shape[0]))
        form = self.make(1, [(("l", letter, (at(n), at(k))), 1) for n in (i, j)], {k})
        value = self.make(1, [(("d", at(i), at(j)), 1), (("l", length, (at(i),)), 1)], set())
        self._add_rule(form, value, {i, j})

    def _add_rule(self, pattern, value, quantified):
        if len(pattern) != 1 or next(iter(pattern))[1] != 1:
            raise Undecided("a hypothesis whose left side is not a single product")
        factors, bound = next(iter(pattern))[0]
        atoms = [atom for atom, exponent in sorted(factors, key=key) for _ in range(int(exponent))]
        if any(atom[0] != "l" for atom in atoms) or not atoms:
            raise Undecided("a hypothesis may only involve letters")
        ranges = dict(bound)
        self.rules.append((atoms, ranges, value, quantified))

    def _places(self, tree):
        """Each entry of a matrix: ((row, column), the free indices made for it)."""
        rows, cols = matrix_shape(tree)
        for (r, made_r), (c, made_c) in product(self._each(rows), self._each(cols)):
            yield (r, c), made_r | made_c

    def _each(self, dimension):
        if dimension == node(1):
            return [(None, set())]
        if isinstance(dimension, tuple) and dimension[0] == "blocks":
            return [
                (("block", k, place), made)
                for k, part in enumerate(dimension[1])
                for place, made in self._each(part)
            ]
        if isinstance(dimension, tuple):
            copy = self._free(self._range(dimension[1]))
            return [
                (("copy", at(copy), place), made | {copy})
                for place, made in self._each(dimension[2])
            ]
        free = self._free(self._range(dimension))
        return [(at(free), {free})]

    # Indices and ranges

    def _range(self, last, first=1, env=None):
        env = env or {}
        return self.number(node(first), env), self.number(last, env)

    def _free(self, limits):
        base = ("v", f"#{next(self.fresh)}")
        self.ranges[base] = limits
        return base

    def _bound(self, limits):
        base = ("b", 0, next(self.fresh))
        self.ranges[base] = limits
        return base

    def index(self, tree, env):
        """The value of an index expression."""
        if tree.head == "index":
            name = tree.leaf[0]
            if name in env:
                return env[name]
            base = ("v", name)
            if tree.args:
                limits = self._range(tree.args[0])
                if self.ranges.setdefault(base, limits) != limits:
                    raise IllFormed(f"the index {name} has two ranges")
            return at(base)
        if tree.head == "num" and tree.leaf[0].denominator == 1:
            return int(tree.leaf[0]), ()
        if tree.head == "add":
            return index_sum(*((1, self.index(part, env)) for part in tree.args))
        if tree.head == "neg":
            return index_sum((-1, self.index(tree.args[0], env)))
        if tree.head == "perm":
            value = self.index(tree.args[0], env)
            limits = self._limits(value)
            if limits is None or self.permuted.setdefault(tree.leaf[0], limits) != limits:
                raise IllFormed(f"{latex(tree)} is not in the range of the permutation")
            return at(("p", tree.leaf[0], value))
        raise IllFormed(f"{latex(tree)} is not an index")

    def _limits(self, value):
        """The range of an index value that is a single index, else None."""
        base = base_of(value)
        if base is None:
            return None
        return self.permuted[base[1]] if base[0] == "p" else self.ranges.get(base)

    def _inside(self, value, limits):
        return self._limits(value) == limits or (
            value == (1, ()) and limits[0] == ONE and self.is_positive(limits[1])
        )

    def _count(self, limits):
        """How many values an index has; refused unless it is certainly a whole number from 0 on."""
        total = add(limits[1], scale(limits[0], -1), ONE)
        least = Fraction(0)
        for (factors, bound), coefficient in total:
            letters = [
                atom[1]
                for atom, exponent in factors
                if atom[0] == "l" and exponent == 1 and atom[1].domain == "natural"
            ]
            if (
                len(letters) != len(factors)
                or bound
                or coefficient.denominator != 1
                or (letters and coefficient < 0)
            ):
                raise Undecided("a sum whose number of terms is not certain")
            least += coefficient
        if least < 0:
            raise Undecided("a sum whose upper limit may lie below the lower one")
        return total

    # From trees to forms

    def number(self, tree, env):
        """The normal form of a number."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Undecided("too many steps")
        if notation.shape(tree) != ():
            raise IllFormed(f"{latex(tree)} is not a number")
        rule = NUMBERS.get(tree.head)
        if rule:
            return rule(self, tree, env)
        return self.entry(tree, env, None, None)

    def entry(self, tree, env, r, c):
        """The normal form of the entry in row r, column c."""
        if tree.head in NUMBERS:
            return self.number(tree, env)
        rule = ENTRIES.get(tree.head)
        if rule is None:
            raise Undecided(f"no rule for {tree.head} in {latex(tree)}")
        return rule(self, tree, env, r, c)

    def _letter(self, tree, env, r, c):
        letter = tree.leaf[0]
        places = [self.index(part, env) for part in tree.args]
        for place, last in zip(places, letter.over, strict=True):
            if last is not None and not self._inside(place, self._range(last)):
                raise IllFormed(f"{latex(tree)}: an index is out of its range")
        if letter in self.meanings:
            return self._meaning(letter, places, r, c)
        return self._atom_form(letter, places, r, c)

    def _meaning(self, letter, places, r, c):
        if letter in self.pending:
            raise IllFormed(f"{letter.name} is defined by itself")
        names, meaning = self.meanings[letter]
        self.pending.add(letter)
        try:
            env = dict(zip((name.leaf[0] for name in names), places, strict=True))
            free = {part.leaf[0] for part in notation.walk(meaning) if part.head == "index"}
            if free - set(env) - _binders(meaning):
                raise IllFormed(f"the meaning of {letter.name} has an index of its own")
            return self.entry(meaning, env, r, c)
        finally:
            self.pending.discard(letter)

    def _atom_form(self, letter, places, r, c):
        places = [*places, *(place for place in (r, c) if place is not None)]
        if any(place[0] in ("block", "copy") for place in places):
            raise IllFormed(f"{letter.name} is not made of blocks")
        return self.make(1, [(self._atom(letter, places), 1)], set())

    def _atom(self, letter, places):
        places = tuple(places)
        if letter in self.symmetric and len(places) >= 2:
            places = places[:-2] + tuple(sorted(places[-2:], key=key))
        return "l", letter, places

    def _same_place(self, r, c):
        """1 if two places are the same, else 0."""
        if r is None and c is None:
            return ONE
        if r is None or c is None:
            raise IllFormed("places of different kinds")
        if r[0] == "block" or c[0] == "block":
            return self._same_place(r[2], c[2]) if r[:2] == c[:2] else ZERO
        if r[0] == "copy":
            return self.times(self._same_place(r[1], c[1]), self._same_place(r[2], c[2]))
        return self.make(1, [(("d", r, c), 1)], set())

    def _over_places(self, dimension, value):
        """The sum of value(place) over all places of a dimension."""
        if dimension == node(1):
            return value(None)
        if isinstance(dimension, tuple) and dimension[0] == "blocks":
            return add(
                *(
                    self._over_places(part, lambda place, k=k: value(("block", k, place)))
                    for k, part in enumerate(dimension[1])
                )
            )
        if isinstance(dimension, tuple):
            copy = self._bound(self._range(dimension[1]))
            return self.bind(
                copy,
                self._over_places(dimension[2], lambda place: value(("copy", at(copy), place))),
            )
        bound = self._bound(self._range(dimension))
        return self.bind(bound, value(at(bound)))

    def _product(self, tree, env, r, c):
        form, chain = ONE, []
        for part in tree.args:
            if notation.shape(part) == ():
                form = self.times(form, self.number(part, env))
            else:
                chain.append(part)
        return self.times(form, self._chain(chain, env, r, c)) if chain else form

    def _chain(self, chain, env, r, c):
        first, *rest = chain
        if not rest:
            return self.entry(first, env, r, c)
        return self._over_places(
            matrix_shape(first)[1],
            lambda k: self.times(self.entry(first, env, r, k), self._chain(rest, env, k, c)),
        )

    def _block(self, tree, env, r, c):
        rows, cols = tree.leaf
        k, r = (r[1], r[2]) if rows > 1 else (0, r)
        m, c = (c[1], c[2]) if cols > 1 else (0, c)
        return self.entry(tree.args[k * cols + m], env, r, c)

    def _copies(self, tree, env, r, c):
        body, i = tree.args
        if tree.head == "stack":
            return self.entry(body, {**env, i.leaf[0]: r[1]}, r[2], c)
        return self.entry(body, {**env, i.leaf[0]: c[1]}, r, c[2])

    def _sum(self, tree, env, r, c):
        body, i, first, last = tree.args
        bound = self._bound((self.number(first, env), self.number(last, env)))
        return self.bind(bound, self.entry(body, {**env, i.leaf[0]: at(bound)}, r, c))

    def _inverse(self, tree, env, r, c):
        matrix = tree.args[0]
        if notation.shape(matrix) == ():
            return self.power(self.number(matrix, env), Fraction(-1))
        if matrix.head != "letter" or matrix.args or matrix.leaf[0] in self.meanings:
            raise Undecided(f"the inverse of {latex(matrix)}")
        letter = matrix.leaf[0]
        other = Letter(letter.name + "^{-1}", (), letter.shape)
        if letter in self.symmetric:
            self.symmetric.add(other)
        if not any(other in (atom[1] for atom in rule[0]) for rule in self.rules):
            self._rules_of_inverse(letter, other)
        return self._atom_form(other, [], r, c)

    def _rules_of_inverse(self, letter, other):
        limits = self._range(letter.shape[0])
        for first, second in ((letter, other), (other, letter)):
            i, j, k = self._free(limits), self._free(limits), self._bound(limits)
            atoms = [("l", first, (at(i), at(k))), ("l", second, (at(k), at(j)))]
            value = self.make(1, [(("d", at(i), at(j)), 1)], set())
            self.rules.append((atoms, {k: limits}, value, {i, j}))

    def _trace(self, matrix, env):
        return self._over_places(
            matrix_shape(matrix)[0], lambda place: self.entry(matrix, env, place, place)
        )

    def _norm(self, matrix, env):
        rows, cols = matrix_shape(matrix)

        def squared(r, c):
            form = self.entry(matrix, env, r, c)
            return self.times(form, form)

        return self._over_places(rows, lambda r: self._over_places(cols, lambda c: squared(r, c)))

    def _entry_of(self, tree, env):
        matrix, *indices = tree.args
        places = [self.index(part, env) for part in indices] + [None] * (2 - len(indices))
        for place, dimension in zip(places, matrix_shape(matrix), strict=True):
            if place is None:
                continue
            if isinstance(dimension, tuple) or not self._inside(place, self._range(dimension)):
                raise IllFormed(f"{latex(tree)}: no such entry")
        return self.entry(matrix, env, *places)

    def _unit(self, tree, env, r, c):
        i, length = tree.args
        value = self.index(i, env)
        if not self._inside(value, self._range(length)):
            raise IllFormed(f"{latex(tree)}: an index is out of its range")
        return self._same_place(value, r)

    def _product_over(self, tree, env):
        """The exponential of the sum of logarithms, so all factors must be positive."""
        body, i, first, last = tree.args
        bound = self._bound((self.number(first, env), self.number(last, env)))
        inner = self.log(self.number(body, {**env, i.leaf[0]: at(bound)}))
        return self.exp(self.bind(bound, inner))

    def _power_of(self, tree, env):
        base, exponent = (self.number(part, env) for part in tree.args)
        if not exponent:
            return ONE
        if len(exponent) == 1 and next(iter(exponent))[0] == ONE_TERM:
            return self.power(base, next(iter(exponent))[1])
        return self.exp(self.times(exponent, self.log(base)))

    def _derivative(self, tree, env):
        """d body / d name; an entry of a matrix is written as entry(W, k, l)."""
        body, name = tree.args
        form = self.number(name, env)
        (((factors, bound), coefficient),) = form if len(form) == 1 else [(ONE_TERM, 0)]
        target, exponent = next(iter(factors)) if len(factors) == 1 else (("?",), 0)
        if (
            bound
            or coefficient != 1
            or exponent != 1
            or target[0] != "l"
            or not self._free_letter(target[1])
        ):
            raise Undecided(f"a derivative with respect to {latex(name)}, which is not free")
        return self.derivative(self.number(body, env), target)

    def _free_letter(self, letter):
        """True for a real letter of which nothing is supposed."""
        return (
            letter.domain != "natural"
            and letter not in self.symmetric
            and (letter not in self.random.letters)
            and not any(letter in (atom[1] for atom in rule[0]) for rule in self.rules)
        )

    def _index_number(self, tree, env):
        whole, parts = self.index(tree, env)
        return add(constant(whole), *(self.make(c, [(("i", base), 1)], set()) for base, c in parts))

    def _normal(self, tree, env):
        x, mean, variance = (self.number(part, env) for part in tree.args)
        square = self.power(minus(x, mean), Fraction(2))
        exponent = self.times(scale(square, Fraction(-1, 2)), self.power(variance, Fraction(-1)))
        circle = self.number(node(2) * notation.CIRCLE, env)
        root = self.power(self.times(circle, variance), Fraction(-1, 2))
        return self.times(root, self.exp(exponent))

    # Arithmetic of forms

    def times(self, *forms):
        result = ONE
        for form in forms:
            result = add(*(self._times_term(a, b) for a in result for b in form))
        return result

    def _times_term(self, first, second):
        ((factors, bound), coefficient) = self._freshened(*first)
        ((others, more), factor) = self._freshened(*second)
        return self.make(coefficient * factor, [*factors, *others], bound | more)

    def _freshened(self, term, coefficient):
        """The term with new bound indices, as (factors, set of bound indices)."""
        factors, bound = term
        if not bound:
            return (list(factors), set()), coefficient
        new = {b: self._bound(limits) for b, limits in sorted(bound, key=key)}
        swap = {b: at(n) for b, n in new.items()}
        return ([(self.swap(atom, swap), e) for atom, e in factors], set(new.values())), coefficient

    def bind(self, bound, form):
        """The sum of a form over one of its indices."""
        terms = []
        for term, coefficient in form:
            (factors, others), coefficient = self._freshened(term, coefficient)
            terms.append(self.make(coefficient, factors, others | {bound}))
        return add(*terms)

    def swap(self, part, values):
        """The part with index values in the place of indices."""
        if not isinstance(part, (tuple, frozenset)) or not part:
            return part
        if isinstance(part, frozenset):
            return self.swap_form(part, values)
        head = part[0]
        if head == "l":
            return self._atom(part[1], (self.swap_index(place, values) for place in part[2]))
        if head == "d":
            return "d", *(self.swap_index(place, values) for place in part[1:])
        if head == "i":
            value = values.get(part[1])
            if value is None and part[1][0] != "p":
                return part
            base = base_of(self.swap_index(at(part[1]), values))
            if base is None:
                raise Undecided("an index as a number, replaced by a sum")
            return "i", base
        if head == "max":
            return "max", *sorted((self.swap(form, values) for form in part[1:]), key=key)
        if head == "m":
            return "m", frozenset((self.swap(atom, values), e) for atom, e in part[1])
        return head, *(self.swap(inner, values) for inner in part[1:])

    def swap_index(self, value, values):
        plain, parts = value
        if not parts:
            return value
        weighted = [(1, (plain, ()))]
        for base, coefficient in parts:
            if base in values:
                weighted.append((coefficient, values[base]))
            elif base[0] == "p":
                weighted.append((coefficient, at(("p", base[1], self.swap_index(base[2], values)))))
            else:
                weighted.append((coefficient, at(base)))
        return index_sum(*weighted)

    def swap_form(self, form, values):
        if not any(base in values for base in bases(form)):
            return form
        terms = []
        for term, coefficient in form:
            (factors, bound), coefficient = self._freshened(term, coefficient)
            terms.append(
                self.make(coefficient, [(self.swap(a, values), e) for a, e in factors], bound)
            )
        return add(*terms)

    def power(self, form, exponent):
        """form ** exponent for a rational exponent."""
        if not form:
            if exponent > 0:
                return ZERO
            raise IllFormed("a division by zero")
        if exponent.denominator == 1 and 0 <= exponent <= LARGEST_POWER:
            return self.times(*[form] * int(exponent))
        whole = exponent.denominator == 1
        if len(form) == 1:
            (((factors, bound), coefficient),) = form
            plain = all(whole or self._is_positive_atom(a) for a, _ in factors)
            if not bound and plain and (whole or coefficient > 0):
                roots = self._root_of_number(coefficient, exponent)
                return self.make(1, [*roots, *((a, e * exponent) for a, e in factors)], set())
        content, rest = self._content(form, whole)
        if content != ONE:
            return self.times(self.power(content, exponent), self.power(rest, exponent))
        return self.make(1, [(("pow", self._known(form)), exponent)], set())

    def _root_of_number(self, value, exponent, prime=False):
        """A rational number to a rational power, as factors; by its primes for roots."""
        if exponent.denominator == 1 and not prime:
            return [(("n", value), exponent)]
        return [
            (("n", Fraction(prime)), power * sign * exponent)
            for part, sign in ((value.numerator, 1), (value.denominator, -1))
            for prime, power in primes(part).items()
        ]

    def _content(self, form, whole):
        """(common factor of all terms, the rest); for roots only what is positive is taken out."""
        numbers = [abs(c) for _, c in form]
        common = Fraction(
            gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers))
        )
        if whole and min(form, key=lambda tc: key(tc[0]))[1] < 0:
            common = -common
        powers = None
        for (factors, bound), _ in form:
            inside = {b for b, _ in bound}
            here = {
                a: e
                for a, e in factors
                if not bound_in(a) & inside
                and a[0] != "exp"
                and (whole or self._is_positive_atom(a))
            }
            if powers is None:
                powers = dict(here)
            else:
                for atom in {*powers, *here}:
                    powers[atom] = min(powers.get(atom, 0), here.get(atom, 0))
        powers = {a: e for a, e in powers.items() if e}
        if common == 1 and not powers:
            return ONE, form
        content = self.make(common, list(powers.items()), set())
        inverse = self.make(1 / common, [(a, -e) for a, e in powers.items()], set())
        return content, self.times(form, inverse)

    def _known(self, form):
        """The first form seen that equals this one, so that equal arguments look equal."""
        if bound_in(form) - own_bound(form) or not any(
            atom[0] == "pow" for (factors, _), _ in form for atom, _ in factors
        ):
            return form
        for other in self.known:
            if other == form or self.is_zero(minus(other, form)):
                return other
        self.known.append(form)
        return form

    def exp(self, form):
        factors, rest = [], []
        for term, coefficient in form:
            atoms, bound = term
            if len(atoms) == 1 and not bound:
                ((atom, exponent),) = atoms
                if atom[0] == "log" and exponent == 1:
                    factors.append(self.power(atom[1], coefficient))
                    continue
            rest.append((term, coefficient))
        result = self.times(*factors)
        if rest:
            atom = ("exp", self._known(frozenset(rest)))
            result = self.times(result, single(atom))
        return result

    def log(self, form):
        if not self.is_positive(form):
            raise Undecided(
                "the logarithm or a symbolic power of an expression not known to be positive"
            )
        if len(form) == 1:
            (((factors, bound), coefficient),) = form
            if not bound:
                logs = [(exponent, self._log_of_atom(atom)) for atom, exponent in factors]
                logs += [
                    (power, self._log_of_atom(atom))
                    for atom, power in self._root_of_number(coefficient, Fraction(1, 1), True)
                ]
                return add(*(scale(log, exponent) for exponent, log in logs))
        return self.make(1, [(("log", self._known(form)), 1)], set())

    def _log_of_atom(self, atom):
        if atom[0] == "exp":
            return atom[1]
        form = atom[1] if atom[0] == "pow" else self.make(1, [(atom, 1)], set())
        if atom[0] == "n":
            form = single(atom)
        return self.make(1, [(("log", form), 1)], set())

    def maximum(self, *forms):
        """The largest of some forms: in no order, and with nested maxima as one."""
        parts = set()
        for form in forms:
            (((factors, bound), coefficient),) = form if len(form) == 1 else [((ZERO, ZERO), 0)]
            inner = next(iter(factors)) if len(factors) == 1 and not bound else (("?",), 0)
            nested = coefficient == 1 and inner[1] == 1 and inner[0][0] == "max"
            parts |= set(inner[0][1:]) if nested else {form}
        if len(parts) == 1:
            return parts.pop()
        return single(("max", *sorted(parts, key=key)))

    def circular(self, name, form):
        """cos or sin of a form, split by the addition theorems into those of single terms."""
        if not form:
            return ONE if name == "cos" else ZERO
        first = min(form, key=lambda tc: key(tc[0]))
        if len(form) == 1:
            sign = 1 if first[1] > 0 or name == "cos" else -1
            atom = (name, frozenset({(first[0], abs(first[1]))}))
            return self.make(sign, [(atom, 1)], set())
        a, b = frozenset({first}), form - {first}
        cos_a, cos_b, sin_a, sin_b = (
            self.circular(f, part) for f in ("cos", "sin") for part in (a, b)
        )
        if name == "cos":
            return minus(self.times(cos_a, cos_b), self.times(sin_a, sin_b))
        return add(self.times(sin_a, cos_b), self.times(cos_a, sin_b))

    def _is_positive_atom(self, atom):
        if atom[0] in ("exp", "n"):
            return True
        if atom[0] == "l":
            return atom[1].domain in ("positive", "natural")
        return atom[0] == "pow" and self.is_positive(atom[1])

    def is_positive(self, form):
        """True if every value of the form is certainly positive."""
        if form and self.positives:
            content, rest = self._content(form, whole=True)
            for other in self.positives:
                factor, core = self._content(other, whole=True)
                for sign in (1, -1):
                    if rest == scale(core, sign) and self._same_sign(content, scale(factor, sign)):
                        return True
        return bool(form) and all(
            coefficient > 0
            and all(self._is_positive_atom(atom) for atom, _ in factors)
            and all(
                self.is_positive(add(limits[1], scale(limits[0], -1), ONE)) for _, limits in bound
            )
            for (factors, bound), coefficient in form
        )

    def _same_sign(self, first, second):
        """True if the quotient of two products is certainly positive."""
        (((factors, _), a),) = first
        (((others, _), b),) = second
        return a * b > 0 and all(self._is_positive_atom(atom) for atom, _ in factors ^ others)

    def derivative(self, form, target):
        """d form / d target, for a letter with its indices."""
        terms = []
        for term, coefficient in form:
            if target[1] in letters_in(term[1]):
                raise Undecided("a derivative with respect to a limit of a sum")
            (factors, bound), coefficient = self._freshened(term, coefficient)
            for place, (atom, exponent) in enumerate(factors):
                inner = self._derivative_of_atom(atom, target)
                rest = [f for k, f in enumerate(factors) if k != place] + [(atom, exponent - 1)]
                for (more, others), factor in (self._freshened(*tc) for tc in inner):
                    terms.append(
                        self.make(coefficient * factor * exponent, [*rest, *more], bound | others)
                    )
        return add(*terms)

    def _derivative_of_atom(self, atom, target):
        head = atom[0]
        if head == "l":
            if atom[1] != target[1]:
                return ZERO
            pairs = zip(atom[2], target[2], strict=True)
            return self.make(1, [(("d", a, b), 1) for a, b in pairs], set())
        if head in ("d", "n", "i"):
            return ZERO
        if head == "m":
            if any(a[1] == target[1] for a, _ in atom[1]):
                raise Undecided("a derivative with respect to something random")
            return ZERO
        if head == "max":
            raise Undecided("the derivative of a maximum")
        inner = self.derivative(atom[1], target)
        outer = {
            "pow": lambda: ONE,
            "exp": lambda: self.make(1, [(atom, 1)], set()),
            "log": lambda: self.power(atom[1], Fraction(-1)),
            "cos": lambda: scale(self.circular("sin", atom[1]), -1),
            "sin": lambda: self.circular("cos", atom[1]),
        }[head]()
        return self.times(outer, inner)

    # One term in normal form

    def make(self, coefficient, factors, bound):
        """The normal form of coefficient * factors, summed over the indices in `bound`."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Undecided("too many steps")
        coefficient = Fraction(coefficient)
        powers = {}
        for atom, exponent in factors:
            powers[atom] = powers.get(atom, 0) + exponent
        bound = set(bound)
        while True:
            powers = {atom: e for atom, e in powers.items() if e}
            if coefficient == 0:
                return ZERO
            for simplify in (self._numbers, self._deltas, self._reindex):
                changed = simplify(coefficient, powers, bound)
                if changed is not None:
                    coefficient, powers, bound = changed
                    break
            else:
                break
        for expand in (
            self._unused,
            self._exponentials,
            self._expand_powers,
            self._squared_sine,
            self._apply_rules,
        ):
            form = expand(coefficient, powers, bound)
            if form is not None:
                return form
        return self._canonical(coefficient, powers, bound)

    def _numbers(self, coefficient, powers, bound):
        for atom, exponent in powers.items():
            if atom[0] == "n" and (whole := floor(exponent)):
                return coefficient * atom[1] ** whole, {**powers, atom: exponent - whole}, bound
        return None

    def _deltas(self, coefficient, powers, bound):
        for atom, exponent in sorted(powers.items(), key=key):
            if atom[0] != "d":
                continue
            if (
                exponent < 0 or exponent.denominator != 1
                if isinstance(exponent, Fraction)
                else exponent < 0
            ):
                raise IllFormed("a division by a delta")
            rest = {a: e for a, e in powers.items() if a != atom}
            first, second = sorted(atom[1:], key=key)
            inner = [base_of(v) for v in (first, second)]
            if all(b and b[0] == "p" for b in inner) and inner[0][1] == inner[1][1]:
                return coefficient, merged(rest, [(("d", inner[0][2], inner[1][2]), 1)]), bound
            gap = index_sum((1, first), (-1, second))
            if not gap[1]:
                return (coefficient if gap[0] == 0 else 0), rest, bound
            if frozenset({first, second}) in self.differ:
                return 0, {}, bound
            for here, there in ((first, second), (second, first)):
                base = base_of(here)
                if (
                    base in bound
                    and self._inside(there, self.ranges[base])
                    and base not in bound_in(there)
                ):
                    swapped = [(self.swap(a, {base: there}), e) for a, e in rest.items()]
                    return coefficient, merged({}, swapped), bound - {base}
            if exponent != 1 or (first, second) != atom[1:]:
                return coefficient, merged(rest, [(("d", first, second), 1)]), bound
            base = base_of(second)
            if (
                base
                and base[0] == "v"
                and base not in bases(first)
                and any(base in bases(a) for a in rest)
            ):
                swapped = [(self.swap(a, {base: first}), e) for a, e in rest.items()]
                return coefficient, merged({atom: 1}, swapped), bound
        return None

    def _reindex(self, coefficient, powers, bound):
        """A sum over j of f(pi(j)) is the sum over j of f(j)."""
        for base in sorted(bound, key=key):
            moved = {b for a in powers for b in bases(a) if b[0] == "p" and b[2] == at(base)}
            for image in moved:
                if self.permuted[image[1]] != self.ranges[base]:
                    continue
                new = self._bound(self.ranges[base])
                swapped = [(self.swap(a, {image: at(new)}), e) for a, e in powers.items()]
                if not any(base in bound_in(a) for a, _ in swapped):
                    return coefficient, merged({}, swapped), bound - {base} | {new}
        return None

    def _unused(self, coefficient, powers, bound):
        used = frozenset().union(*map(bound_in, powers)) if powers else frozenset()
        free = bound - used
        if not free:
            return None
        counts = [self._count(self.ranges[base]) for base in sorted(free, key=key)]
        return self.times(self.make(coefficient, powers.items(), bound - free), *counts)

    def _exponentials(self, coefficient, powers, bound):
        found = {a: e for a, e in powers.items() if a[0] == "exp"}
        if not found or (len(found) == 1 and set(found.values()) == {1}):
            return None
        total = self.exp(add(*(scale(atom[1], e) for atom, e in found.items())))
        return self._spread(
            coefficient, {a: e for a, e in powers.items() if a not in found}, bound, total
        )

    def _spread(self, coefficient, powers, bound, form):
        """The term times a form that may hold the term's bound indices."""
        terms = []
        for term, factor in form:
            (more, others), factor = self._freshened(term, factor)
            terms.append(self.make(coefficient * factor, [*powers.items(), *more], bound | others))
        return add(*terms)

    def _expand_powers(self, coefficient, powers, bound):
        for atom, exponent in powers.items():
            if atom[0] == "pow" and exponent >= 1:
                return self._spread(coefficient, {**powers, atom: exponent - 1}, bound, atom[1])
        return None

    def _squared_sine(self, coefficient, powers, bound):
        for atom, exponent in powers.items():
            if atom[0] == "sin" and exponent >= 2:
                cos = ("cos", atom[1])
                less = {**powers, atom: exponent - 2}
                return minus(
                    self.make(coefficient, less.items(), bound),
                    self.make(coefficient, [*less.items(), (cos, 2)], bound),
                )
        return None

    def _apply_rules(self, coefficient, powers, bound):
        for atoms, limits, value, quantified in self.rules:
            match = self._match(atoms, limits, quantified, powers, bound)
            if match is not None:
                rest, values, left = match
                return self._spread(coefficient, rest, left, self.swap_form(value, values))
        return None

    def _match(self, atoms, limits, quantified, powers, bound):
        """(the factors left, values of the quantified indices, bound indices left), or None."""

        def search(place, rest, values):
            if place == len(atoms):
                taken = {base_of(values[b]) for b in limits}
                chosen = {b: values[b] for b in quantified}
                free = not any(taken & bound_in(part) for part in (*rest, *chosen.values()))
                return (rest, chosen, bound - taken) if free and len(taken) == len(limits) else None
            for atom, exponent in sorted(rest.items(), key=key):
                if atom[0] != "l" or atom[1] != atoms[place][1] or exponent < 1:
                    continue
                orders = [atom[2]]
                if atom[1] in self.symmetric:
                    orders.append(atom[2][:-2] + atom[2][:-3:-1])
                for order in orders:
                    more = self._unify(atoms[place][2], order, values, limits, quantified, bound)
                    if more is not None:
                        less = {a: e for a, e in {**rest, atom: exponent - 1}.items() if e}
                        found = search(place + 1, less, more)
                        if found:
                            return found
            return None

        return search(0, powers, {})

    def _unify(self, pattern, places, values, limits, quantified, bound):
        values = dict(values)
        for wanted, place in zip(pattern, places, strict=True):
            base = base_of(wanted)
            if base in limits or base in quantified:
                inside = limits[base] if base in limits else self.ranges[base]
                if base in limits and base_of(place) not in bound:
                    return None
                if not self._inside(place, inside) or values.setdefault(base, place) != place:
                    return None
            elif wanted != place:
                return None
        return values

    def _canonical(self, coefficient, powers, bound):
        """Name the bound indices so that equal terms look equal: the least of all their orders."""
        if not bound:
            return frozenset(
                {
                    (
                        (frozenset((a, Fraction(e)) for a, e in powers.items()), frozenset()),
                        coefficient,
                    )
                }
            )
        inner = frozenset().union(*map(bound_in, powers)) - bound
        level = 1 + max((b[1] for b in inner), default=0)
        groups = {}
        for base in bound:
            groups.setdefault(self._signature(base, powers, bound), []).append(base)
        if len(bound) > MOST_BOUND:
            raise Undecided(f"more than {MOST_BOUND} sums in one term")
        best = None
        for order in product(*(permutations(groups[s]) for s in sorted(groups))):
            names = {base: ("b", level, k) for k, base in enumerate(b for g in order for b in g)}
            swap = {base: at(name) for base, name in names.items()}
            factors = merged({}, [(self.swap(a, swap), e) for a, e in powers.items()])
            term = (
                frozenset((a, Fraction(e)) for a, e in factors.items()),
                frozenset((names[b], self.ranges[b]) for b in bound),
            )
            if best is None or key(term) < key(best):
                best = term
        for base, limits in best[1]:
            self.ranges[base] = limits
        return frozenset({(best, coefficient)})

    def _signature(self, base, powers, bound):
        """What can be said of a bound index without the names of the others."""
        hide = {b: at(("b", 10**6, 1 if b == base else 2)) for b in bound}
        shown = sorted(f"{masked(a, hide, self.symmetric)}^{e}" for a, e in powers.items())
        return key(self.ranges[base]) + "|" + "|".join(shown)

    # Verdicts

    def is_zero(self, form):
        """True if the form is zero wherever its denominators are not."""
        while True:
            worst = {}
            for (factors, bound), _ in form:
                inside = {b for b, _ in bound}
                for atom, exponent in factors:
                    if atom[0] == "pow" and exponent < 0 and not bound_in(atom) & inside:
                        worst[atom] = min(worst.get(atom, 0), exponent)
            if not worst:
                return not form
            atom = min(worst, key=key)
            form = add(
                *(
                    self.make(c, [*f, (atom, -floor(worst[atom]))], b)
                    for (f, b), c in (self._freshened(*tc) for tc in form)
                )
            )

    def same(self, left, right):
        """True if left = right follows from the hypotheses, entry by entry, shapes included."""
        left, right = notation.expanded(left), notation.expanded(right)
        if notation.shape(left) != notation.shape(right):
            return False
        if left.head == "tuple" and right.head == "tuple":
            return all(self.same(a, b) for a, b in zip(left.args, right.args, strict=True))
        return all(
            self.is_zero(minus(self.entry(left, {}, r, c), self.entry(right, {}, r, c)))
            for (r, c), _ in self._places(left)
        )


def _binders(tree):
    return {
        part.args[1].leaf[0]
        for part in notation.walk(tree)
        if part.head in ("sum", "prod", "stack", "beside") and part.args[1].head == "index"
    }


NUMBERS = {
    "num": lambda self, t, env: constant(t.leaf[0]),
    "index": Normaliser._index_number,
    "perm": Normaliser._index_number,
    "pow": Normaliser._power_of,
    "sqrt": lambda self, t, env: self.power(self.number(t.args[0], env), Fraction(1, 2)),
    "exp": lambda self, t, env: self.exp(self.number(t.args[0], env)),
    "log": lambda self, t, env: self.log(self.number(t.args[0], env)),
    "cos": lambda self, t, env: self.circular("cos", self.number(t.args[0], env)),
    "sin": lambda self, t, env: self.circular("sin", self.number(t.args[0], env)),
    "trace": lambda self, t, env: self._trace(t.args[0], env),
    "norm2": lambda self, t, env: self._norm(t.args[0], env),
    "entry": Normaliser._entry_of,
    "part": Normaliser._entry_of,
    "delta": lambda self, t, env: self.make(
        1, [(("d", *(self.index(part, env) for part in t.args)), 1)], set()
    ),
    "max": lambda self, t, env: self.maximum(*(self.number(part, env) for part in t.args)),
    "prod": Normaliser._product_over,
    "diff": Normaliser._derivative,
    "normal": Normaliser._normal,
    "E": lambda self, t, env: moments.expectation(self, self.number(t.args[0], env), t.args[1:]),
    "Var": lambda self, t, env: moments.variance(self, self.number(t.args[0], env), t.args[1:]),
}

ENTRIES = {
    "letter": Normaliser._letter,
    "mul": Normaliser._product,
    "block": Normaliser._block,
    "stack": Normaliser._copies,
    "beside": Normaliser._copies,
    "sum": Normaliser._sum,
    "inv": Normaliser._inverse,
    "unit": Normaliser._unit,
    "add": lambda self, t, env, r, c: add(*(self.entry(p, env, r, c) for p in t.args)),
    "neg": lambda self, t, env, r, c: scale(self.entry(t.args[0], env, r, c), -1),
    "div": lambda self, t, env, r, c: self.times(
        self.entry(t.args[0], env, r, c), self.power(self.number(t.args[1], env), Fraction(-1))
    ),
    "T": lambda self, t, env, r, c: self.entry(t.args[0], env, c, r),
    "eye": lambda self, t, env, r, c: self._same_place(r, c),
    "zeros": lambda self, t, env, r, c: ZERO,
    "ones": lambda self, t, env, r, c: ONE,
}
