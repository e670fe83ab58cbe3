"""Expected values from declared moments only.

Each hypothesis about random letters makes a MomentGroup, which knows the expected value of a
product of its letters. Of independent entries with a declared mean and variance it is the sum over
all ways to split the factors into single ones, each with the mean, and pairs of equal ones, each
with the variance: E a_i a_j is mean^2 + delta_ij variance. Three equal factors would need a third
moment and are Undecided, as are products of letters that are not declared to be independent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial

import sympy

from proofs.forms import ONE, add_counts, as_product, constant, letters_in, minus, single, total
from proofs.notation import IllFormed, T, Undecided, family, free_indices, node, times
from proofs.shapes import shape


@dataclass(frozen=True, eq=False)
class MomentGroup:
    """Letters with a joint distribution."""

    letters: frozenset
    expected: Callable  # from a list of atoms to the form of the expected value of their product
    independent_of: frozenset = frozenset()


class Moments:
    """What the hypotheses declare of random letters."""

    def __init__(self, normaliser):
        self.normaliser = normaliser
        self.groups = {}  # Letter: MomentGroup
        self.letters = set()  # all that are random: also those of which others are independent
        self.values = []  # all declared moments, as forms

    def declare(self, hypotheses):
        for hypothesis in hypotheses:
            if hypothesis.kind in DECLARATIONS:
                letters, expected, *independent_of = DECLARATIONS[hypothesis.kind](self, hypothesis)
                group = MomentGroup(frozenset(letters), expected, *map(frozenset, independent_of))
                if len(group.letters) < len(letters) or any(
                    letter in self.groups or letter.domain != "real" for letter in letters
                ):
                    raise IllFormed("random: expected real letters, each declared once")
                self.groups |= dict.fromkeys(letters, group)
                self.letters |= group.letters | group.independent_of
        supposed = self.normaliser
        used = letters_in((*self.values, *supposed.positive, *(r.atoms for r in supposed.rules)))
        if self.letters & {*used, *supposed.meanings, *supposed.symmetric}:
            raise Undecided("a random letter of which something else is supposed")

    def variance(self, form, known):
        mean, times = self.mean(form, known), self.normaliser.times
        return minus(self.mean(times(form, form), known), times(mean, mean))

    def mean(self, form, known):
        """E[form | known], term by term."""
        given = set()
        for name in known:
            letter = family(name)
            if len(letter.over) > 1 or None in letter.over:
                raise IllFormed(f"given {name}: it has more members than are printed")
            if letter in self.normaliser.meanings:
                raise Undecided("an expected value given something that depends on other letters")
            given.add(letter)
        return total(self._mean_of_term(*term, given) for term in self.normaliser.terms(form))

    def _mean_of_term(self, coefficient, factors, bound, given):
        random, rest = {}, []
        for atom, exponent in factors:
            if not letters_in(atom) & (self.letters - given):
                rest.append((atom, exponent))
            elif atom[0] != "letter" or exponent < 0 or exponent.denominator != 1:
                raise Undecided("only polynomials have a computable expected value here")
            elif atom[1] not in self.groups:
                raise Undecided(f"the expected value of {atom[1].name}, which is not declared")
            else:
                random.setdefault(self.groups[atom[1]], []).extend([atom] * int(exponent))
        left = list(random)
        while left:  # each of those that remain and what is given, in some order
            others = {g: given.union(*(o.letters for o in left if o is not g)) for g in left}
            free = [g for g in left if others[g] <= g.independent_of]
            if not free:
                raise Undecided("random letters that may depend on each other or on what is given")
            left.remove(free[0])
        means = self.normaliser.times(*(group.expected(atoms) for group, atoms in random.items()))
        return self.normaliser.distribute(coefficient, rest, bound, means)

    # One hypothesis each: (letters, expected value of a product, letters it is independent of)

    def _independent(self, hypothesis):
        names, mean, variance, of = hypothesis.parts
        if free_indices(mean) | free_indices(variance):
            raise IllFormed("independent: expected one mean and one variance for all entries")
        values = [self.normaliser.number(value, {}) for value in (mean, variance)]
        self.values += values
        expected = partial(_mean_of_independent, self.normaliser, *values)
        letters, others = _families(names.args), _families(of.args)
        if set(others) & {*letters, *self.normaliser.meanings}:
            raise IllFormed("independent: of itself, or of what depends on other letters")
        return letters, expected, others

    def _moments(self, hypothesis):
        known, parts = {}, hypothesis.parts
        for expression, value in zip(parts[::2], parts[1::2], strict=True):
            coefficient, factors = as_product(self.normaliser.number(expression, {})) or (0, ())
            if coefficient != 1 or not all(
                a[0] == "letter" and not a[2] and e > 0 for a, e in factors
            ):
                raise IllFormed("moments: expected products of letters without indices")
            if not factors or factors in known:
                raise IllFormed("moments: one that is declared twice, or of no letter")
            known[factors] = self.normaliser.number(value, {})
        self.values += known.values()
        letters = letters_in(tuple(known))

        def expected(atoms):
            powers = _powers(atoms)
            if powers not in known:
                raise Undecided("a moment that is not declared")
            return known[powers]

        return letters, expected

    def _covariances(self, hypothesis):
        known, parts = {}, hypothesis.parts
        for first, second, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            x, y, covariance = _families((first, second, value))
            if (
                x.over
                or y.over
                or covariance.over
                or not all(letter.shape and letter.shape[1] == node(1) for letter in (x, y))
                or shape(times(first, T(second))) != shape(value)
                or (x, y) in known
                or (y, x) in known
                or covariance in {*self.normaliser.meanings, x, y}
            ):
                raise IllFormed("covariances: expected vectors and a free matrix for each pair")
            known[x, y] = covariance
            if x == y:
                self.normaliser.symmetric.add(covariance)

        def expected(atoms):
            if len(atoms) == 2:
                for first, second in (atoms, atoms[::-1]):
                    value = known.get((first[1], second[1]))
                    if value is not None:
                        return single(self.normaliser.letter_atom(value, first[2] + second[2]))
            raise Undecided("a moment that is not declared, or of another order than two")

        return {letter for pair in known for letter in pair}, expected

    def _gaussian(self, hypothesis):
        *names, c = hypothesis.parts
        letters, c = _families(names), self.normaliser.number(c, {})
        if any(letter.over or letter.shape for letter in letters):
            raise IllFormed("a Gaussian pair: expected two numbers without indices")
        self.values.append(c)

        def expected(atoms):
            orders = [sum(atom[1] == letter for atom in atoms) for letter in letters]
            powers = gaussian_moment(*orders)
            times, power = self.normaliser.times, self.normaliser.power
            return total(times(constant(k), power(c, Fraction(n))) for n, k in powers)

        return letters, expected

    def _random(self, hypothesis):
        def expected(atoms):
            if len(atoms) > 2:
                raise Undecided("a moment of higher order than two")
            return single(("moment", _powers(atoms)))

        return _families(hypothesis.parts), expected


def _families(names):
    return [family(name) for name in names]


def _powers(atoms):
    return frozenset(add_counts({}, ((atom, Fraction(1)) for atom in atoms)).items())


def _mean_of_independent(algebra, mean, variance, atoms):
    if not atoms:
        return ONE
    first, *rest = atoms
    order = sum(atom[1] == first[1] for atom in atoms)
    if order > 2:
        raise Undecided(f"the moment of order {order} of {first[1].name}")
    expected = partial(_mean_of_independent, algebra, mean, variance)
    terms = [algebra.times(mean, expected(rest))]
    for place, other in enumerate(rest):
        if other[1] == first[1]:
            pairs = zip(first[2], other[2], strict=True)
            equal = algebra.term(1, [(("delta", a, b), 1) for a, b in pairs], ())
            left = expected(rest[:place] + rest[place + 1 :])
            terms.append(algebra.times(equal, variance, left))
    return total(terms)


@cache
def gaussian_moment(m, n):
    """E x^m y^n as ((power of c, coefficient), ...): the double integral, carried out by SymPy.

    The density is that of the claim `density-factorises`; v stands for 1 - c^2.
    """
    x, y, c = sympy.symbols("x y c", real=True)
    v = sympy.Symbol("v", positive=True)
    y_given_x = sympy.exp(-(y**2) / (2 * v)) / sympy.sqrt(2 * sympy.pi * v)  # at y + c x
    inner = sympy.integrate(((y + c * x) ** n * y_given_x).expand(), (y, -sympy.oo, sympy.oo))
    density = sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    outer = sympy.integrate((x**m * inner * density).expand(), (x, -sympy.oo, sympy.oo))
    polynomial = sympy.Poly(outer.subs(v, 1 - c**2).expand(), c)
    return tuple((power, Fraction(str(k))) for (power,), k in polynomial.terms())


DECLARATIONS = {
    "independent": Moments._independent,
    "moments": Moments._moments,
    "covariances": Moments._covariances,
    "gaussian": Moments._gaussian,
    "random": Moments._random,
}
