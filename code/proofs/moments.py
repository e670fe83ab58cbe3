"""Expected values from declared moments, and from nothing else.

Of independent entries with a declared mean and variance, the expected value of a product is the sum
over all ways to put its factors into groups of one or two equal entries, each group with its mean
or its variance (the cumulants of order one and two). Three equal factors would need a third moment:
refused. So is a product of letters of which it is not declared that they are independent.
"""

from fractions import Fraction
from functools import cache

from proofs import notation
from proofs.forms import ONE, Undecided, add, letters_in, merged, minus
from proofs.notation import IllFormed, T, shape, times


class Declared:
    """What the hypotheses say of random letters."""

    def __init__(self):
        self.letters = {}  # Letter: number of its group
        self.groups = []  # (kind, data, letters it is independent of)
        self.values = []  # all declared moments

    def enter(self, kind, letters, data, independent_of=()):
        for letter in letters:
            if letter in self.letters or letter.domain != "real":
                raise IllFormed(f"{letter.name} cannot be declared random, or not twice")
            self.letters[letter] = len(self.groups)
        self.groups.append((kind, data, set(independent_of)))


def declare(normaliser, hypotheses):
    """Enter all hypotheses about random letters."""
    declared = normaliser.random
    for hypothesis in hypotheses:
        parts = hypothesis.parts
        if hypothesis.kind == "independent":
            names, mean, variance, of = parts
            data = normaliser.number(mean, {}), normaliser.number(variance, {})
            declared.values += data
            declared.enter("independent", _letters(names.args), data, _letters(of.args))
        elif hypothesis.kind == "moments":
            known = {}
            for expression, value in zip(parts[::2], parts[1::2], strict=True):
                factors = _product(normaliser.number(expression, {}))
                if factors in known:
                    raise IllFormed("a moment that is declared twice")
                known[factors] = normaliser.number(value, {})
            declared.values += known.values()
            declared.enter("known", {atom[1] for factors in known for atom, _ in factors}, known)
        elif hypothesis.kind == "gaussian":
            x, y, c = parts
            declared.values.append(normaliser.number(c, {}))
            declared.enter("gaussian", _letters((x, y)), (_letters((x, y)), declared.values[-1]))
        elif hypothesis.kind == "covariances":
            _declare_covariances(normaliser, parts)
        elif hypothesis.kind == "random":
            declared.enter("random", _letters(parts), None)
    used = letters_in(tuple(atom for rule in normaliser.rules for atom in rule[0]))
    used |= letters_in(tuple(normaliser.positives))
    used |= letters_in(tuple(declared.values))
    if set(declared.letters) & {*used, *normaliser.meanings, *normaliser.symmetric}:
        raise Undecided("a random letter of which something else is supposed")


def _declare_covariances(normaliser, parts):
    known = {}
    for k in range(0, len(parts), 3):
        first, second = _letters(parts[k : k + 2])
        if (
            any(part.head != "letter" or part.args for part in parts[k : k + 3])
            or shape(times(parts[k], T(parts[k + 1]))) != shape(parts[k + 2])
            or (first, second) in known
            or (second, first) in known
            or parts[k + 2].leaf[0] in {*normaliser.meanings, first, second}
        ):
            raise IllFormed("covariances of what they cannot be covariances of")
        known[first, second] = parts[k + 2].leaf[0]
    normaliser.random.enter("covariances", {name for pair in known for name in pair}, known)


def _letters(names):
    if any(name.head != "letter" for name in names):
        raise IllFormed("something random that is not a letter")
    return [name.leaf[0] for name in names]


def _product(form):
    """The factors of a form that is a product of letters without indices."""
    if len(form) == 1:
        (((factors, bound), coefficient),) = form
        if (
            factors
            and not bound
            and coefficient == 1
            and all(atom[0] == "l" and not atom[2] and e > 0 for atom, e in factors)
        ):
            return factors
    raise IllFormed("only moments of products of letters can be declared")


def variance(normaliser, form, known):
    square = expectation(normaliser, normaliser.times(form, form), known)
    mean = expectation(normaliser, form, known)
    return minus(square, normaliser.times(mean, mean))


def expectation(normaliser, form, known):
    """E[form | known], term by term."""
    fixed = set()
    for name in known:
        places = [part.leaf for part in name.args if part.head == "index"]
        if name.head != "letter" or len(set(places)) < len(name.args):
            raise IllFormed("a condition that is not a letter or a whole family of letters")
        if name.leaf[0] in normaliser.meanings:
            raise Undecided("an expected value given something that depends on other letters")
        fixed.add(name.leaf[0])
    terms = []
    for term, coefficient in form:
        (factors, bound), coefficient = normaliser._freshened(term, coefficient)
        terms.append(_of_term(normaliser, coefficient, factors, bound, fixed))
    return add(*terms)


def _of_term(normaliser, coefficient, factors, bound, fixed):
    declared = normaliser.random
    random, rest = {}, []
    for atom, exponent in factors:
        inside = letters_in(atom) & set(declared.letters) - fixed
        if not inside:
            rest.append((atom, exponent))
        elif atom[0] != "l" or exponent < 0 or Fraction(exponent).denominator != 1:
            raise Undecided("only polynomials have a computable expected value here")
        else:
            random.setdefault(declared.letters[atom[1]], []).extend([atom] * int(exponent))
    _need_independence(declared, random, fixed)
    for group in random:
        for other in random:
            if group < other:
                _need_independent(declared, group, other)
    result = ONE
    for group, atoms in sorted(random.items()):
        kind, data, _ = declared.groups[group]
        result = normaliser.times(result, RULES[kind](normaliser, atoms, data))
    return normaliser._spread(coefficient, merged({}, rest), bound, result)


def _need_independence(declared, random, fixed):
    """What is averaged must be independent of what is known."""
    for group in random:
        if not fixed <= declared.groups[group][2]:
            raise Undecided("an expected value given something that it may depend on")


def _need_independent(declared, first, second):
    for one, other in ((first, second), (second, first)):
        members = {letter for letter, group in declared.letters.items() if group == other}
        if members <= declared.groups[one][2]:
            return
    raise Undecided("letters that may depend on each other")


def _independent(normaliser, atoms, data):
    """The sum over all partitions into groups of one (mean) or two equal entries (variance)."""
    if not atoms:
        return ONE
    first, rest = atoms[0], atoms[1:]
    same = [atom for atom in atoms if atom[1] == first[1]]
    if len(same) > 2:
        raise Undecided(f"the moment of order {len(same)} of {first[1].name}")
    mean, spread = data
    result = normaliser.times(mean, _independent(normaliser, rest, data))
    for place, other in enumerate(rest):
        if other[1] == first[1]:
            deltas = [(("d", a, b), 1) for a, b in zip(first[2], other[2], strict=True)]
            left = _independent(normaliser, rest[:place] + rest[place + 1 :], data)
            result = add(result, normaliser.times(normaliser.make(1, deltas, set()), spread, left))
    return result


def _covariances(normaliser, atoms, data):
    if len(atoms) != 2:
        raise Undecided(f"a moment of order {len(atoms)}, when those of order 2 are declared")
    for first, second in (atoms, atoms[::-1]):
        value = data.get((first[1], second[1]))
        if value is not None:
            return normaliser.make(1, [(normaliser._atom(value, first[2] + second[2]), 1)], set())
    raise Undecided("a moment that is not declared")


def _known(normaliser, atoms, data):
    powers = frozenset((a, Fraction(e)) for a, e in merged({}, ((a, 1) for a in atoms)).items())
    if powers not in data:
        raise Undecided("a moment that is not declared")
    return data[powers]


def _unknown(normaliser, atoms, data):
    if len(atoms) > 2:
        raise Undecided("a moment of higher order than two")
    powers = frozenset((a, Fraction(e)) for a, e in merged({}, ((a, 1) for a in atoms)).items())
    return normaliser.make(1, [(("m", powers), 1)], set())


def _gaussian(normaliser, atoms, data):
    """By integrating against the density, see `gaussian_moment`."""
    names, value = data
    counts = [sum(atom[1] == name for atom in atoms) for name in names]
    terms = [
        normaliser.times(
            normaliser.number(notation.node(coefficient), {}),
            normaliser.power(value, Fraction(power)),
        )
        for power, coefficient in gaussian_moment(*counts)
    ]
    return add(*terms)


@cache
def gaussian_moment(m, n):
    """E x^m y^n as ((power of c, coefficient), ...): the double integral, carried out by SymPy.

    The density is that of the claim `density-factorises`; v stands for 1 - c^2.
    """
    from sympy import Poly, Rational, Symbol, exp, integrate, oo, pi, sqrt

    x, y, c = Symbol("x", real=True), Symbol("y", real=True), Symbol("c", real=True)
    v = Symbol("v", positive=True)
    shifted = (y + c * x) ** n * exp(-(y**2) / (2 * v)) / sqrt(2 * pi * v)  # y - cx is the letter y
    inner = integrate(shifted.expand(), (y, -oo, oo))
    outer = integrate((x**m * inner * exp(-(x**2) / 2) / sqrt(2 * pi)).expand(), (x, -oo, oo))
    polynomial = Poly(outer.subs(v, 1 - c**2).expand(), c)
    return tuple(
        (power, Fraction(int(Rational(k).p), int(Rational(k).q)))
        for (power,), k in polynomial.terms()
    )


RULES = {
    "independent": _independent,
    "known": _known,
    "random": _unknown,
    "gaussian": _gaussian,
    "covariances": _covariances,
}
