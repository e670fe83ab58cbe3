"""Steps towards the normal form of one term: a product of powers, summed over bound indices.

Each of SIMPLIFICATIONS is called with the Algebra, a coefficient, {atom: exponent} and the set of
bound indices, and returns the normal form of what it makes of them, or None if it has nothing to
do. What no step simplifies any more gets canonical names for its bound indices.
"""

from fractions import Fraction
from itertools import permutations, product
from math import floor

from proofs.forms import (
    ONE,
    ZERO,
    add_counts,
    at,
    bound_in,
    constant,
    index_of,
    index_sum,
    indices_in,
    key,
    minus,
    scale,
    total,
)
from proofs.notation import IllFormed, Undecided

MAX_SUMS = 7


def _deltas(algebra, coefficient, powers, bound):
    for atom, exponent in sorted(powers.items(), key=key):
        if atom[0] == "delta":
            rest = {a: e for a, e in powers.items() if a != atom}
            form = _simpler_delta(algebra, coefficient, atom, exponent, rest, bound)
            if form is not None:
                return form
    return None


def _simpler_delta(algebra, coefficient, atom, exponent, rest, bound):
    """The term without or with a simpler delta, or None."""
    if exponent < 0 or exponent.denominator != 1:
        raise IllFormed("a division by a delta, or a root of it")
    first, second = sorted(atom[1:], key=key)
    inner = [index_of(value) or (None,) for value in (first, second)]
    if inner[0][0] == inner[1][0] == "perm" and inner[0][1] == inner[1][1]:
        unpermuted = ("delta", inner[0][2], inner[1][2])
        return algebra.term(coefficient, [*rest.items(), (unpermuted, 1)], bound)
    gap, parts = index_sum((1, first), (-1, second))
    if not parts:
        return algebra.term(coefficient, rest.items(), bound) if gap == 0 else ZERO
    if frozenset({first, second}) in algebra.different:
        return ZERO
    for here, there in ((first, second), (second, first)):  # sum_i delta_ij f(i) is f(j)
        index = index_of(here)
        if (
            index in bound
            and algebra.is_inside(there, algebra.ranges[index])
            and index not in bound_in(there)
        ):
            picked = algebra.substitute_in_factors(rest.items(), {index: there})
            return algebra.term(coefficient, picked, bound - {index})
    if exponent != 1 or (first, second) != atom[1:]:
        return algebra.term(coefficient, [*rest.items(), (("delta", first, second), 1)], bound)
    index = index_of(second)  # delta_ij f(j) is delta_ij f(i)
    if (
        index
        and index[0] == "free"
        and index not in indices_in(first)
        and any(index in indices_in(other) for other in rest)
    ):
        replaced = algebra.substitute_in_factors(rest.items(), {index: first})
        return algebra.term(coefficient, [(atom, 1), *replaced], bound)
    return None


def _sum_over_permuted(algebra, coefficient, powers, bound):
    """The sum over j of f(pi(j)) is the sum over j of f(j)."""
    for index in sorted(bound, key=key):
        images = {
            other
            for atom in powers
            for other in indices_in(atom)
            if other[0] == "perm" and other[2] == at(index)
        }
        for image in images:
            if algebra.permuted[image[1]] == algebra.ranges[index]:
                new = algebra.new_bound(algebra.ranges[index])
                swapped = algebra.substitute_in_factors(powers.items(), {image: at(new)})
                if not any(index in bound_in(atom) for atom, _ in swapped):
                    return algebra.term(coefficient, swapped, bound - {index} | {new})
    return None


def _unused_sums(algebra, coefficient, powers, bound):
    """A sum over an index that does not occur is a factor, the number of its values."""
    unused = bound.difference(*map(bound_in, powers))
    if not unused:
        return None
    lengths = [algebra.length(algebra.ranges[index]) for index in sorted(unused, key=key)]
    return algebra.times(algebra.term(coefficient, powers.items(), bound - unused), *lengths)


def _exponentials(algebra, coefficient, powers, bound):
    """exp(a)^2 exp(b) is exp(2 a + b)."""
    found = {atom: exponent for atom, exponent in powers.items() if atom[0] == "exp"}
    if not found or list(found.values()) == [1]:
        return None
    rest = [(atom, exponent) for atom, exponent in powers.items() if atom not in found]
    exponents = (scale(atom[1], exponent) for atom, exponent in found.items())
    return algebra.distribute(coefficient, rest, bound, algebra.exp(total(exponents)))


def _whole_powers(algebra, coefficient, powers, bound):
    """2^(3/2) is 2 * 2^(1/2), likewise for powers of sums; sin^2 is 1 - cos^2."""
    for atom, exponent in powers.items():
        whole = floor(exponent)
        if atom[0] == "prime" and whole:
            taken, form = whole, constant(atom[1] ** whole)
        elif atom[0] == "power" and whole >= 1:
            taken, form = 1, atom[1]
        elif atom[0] == "sin" and whole >= 2:
            taken, form = 2, minus(ONE, algebra.term(1, [(("cos", atom[1]), 2)], ()))
        else:
            continue
        rest = add_counts(powers, [(atom, -taken)])
        return algebra.distribute(coefficient, rest.items(), bound, form)
    return None


def _apply_rules(algebra, coefficient, powers, bound):
    for rule in algebra.rules:
        for rest, values in _matches(algebra, rule, rule.atoms, powers, {}, bound):
            summed = {index_of(values[index]) for index in rule.bound}
            chosen = {index: values[index] for index in rule.free}
            outside = frozenset().union(*map(bound_in, (*rest, *chosen.values())))
            if len(summed) == len(rule.bound) and not summed & outside:
                value = algebra.substitute(rule.value, chosen)
                return algebra.distribute(coefficient, rest.items(), bound - summed, value)
    return None


def _matches(algebra, rule, atoms, powers, values, bound):
    """(factors left, values of the rule's indices) for all ways to find a rule's atoms."""
    if not atoms:
        yield powers, values
        return
    (_, letter, pattern), *more = atoms
    for atom, exponent in sorted(powers.items(), key=key):
        if atom[:2] == ("letter", letter) and exponent >= 1:
            rest = add_counts(powers, [(atom, -1)])
            for places in _orders(algebra, letter, atom[2]):
                found = _unify(algebra, rule, pattern, places, values, bound)
                if found is not None:
                    yield from _matches(algebra, rule, more, rest, found, bound)


def _orders(algebra, letter, places):
    yield places
    if letter in algebra.symmetric:
        yield (*places[:-2], *reversed(places[-2:]))


def _unify(algebra, rule, pattern, places, values, bound):
    """The values of a rule's indices, with those that turn the pattern into the places."""
    values = dict(values)
    for wanted, place in zip(pattern, places, strict=True):
        index = index_of(wanted)
        if index in rule.bound or index in rule.free:
            if index in rule.bound and index_of(place) not in bound:
                return None
            limits = rule.bound.get(index) or algebra.ranges[index]
            if not algebra.is_inside(place, limits):
                return None
            if values.setdefault(index, place) != place:
                return None
        elif wanted != place:
            return None
    return values


def with_canonical_indices(algebra, coefficient, powers, bound):
    """Of all ways to number the bound indices, the one whose text comes first.

    A number has a level above those of the sums inside the factors. Only indices with the same
    signature are permuted.
    """
    if len(bound) > MAX_SUMS:
        raise Undecided(f"more than {MAX_SUMS} sums in one term")
    inside = {index for index in indices_in(tuple(powers)) if index[0] == "bound"} - bound
    level = 1 + max((index[1] for index in inside), default=0)
    alike = {}
    for index in bound:
        alike.setdefault(_signature(algebra, index, powers), []).append(index)
    found = []
    for order in product(*(permutations(alike[text]) for text in sorted(alike))):
        numbered = enumerate(index for group in order for index in group)
        names = {index: ("bound", level, number) for number, index in numbered}
        swap = {index: at(name) for index, name in names.items()}
        factors = add_counts({}, algebra.substitute_in_factors(powers.items(), swap))
        found.append(
            (
                frozenset((atom, Fraction(exponent)) for atom, exponent in factors.items()),
                frozenset((name, algebra.ranges[index]) for index, name in names.items()),
            )
        )
    best = min(found, key=key)
    algebra.ranges.update(best[1])
    return frozenset({(best, coefficient)})


def _signature(algebra, index, powers):
    """What can be said of a bound index without the names of the others."""
    occurrences = [key(algebra.ranges[index])]
    for atom, exponent in powers.items():
        if index in bound_in(atom):
            name, places = "", ()
            if atom[0] == "letter":
                name = atom[1].name
            if atom[0] == "letter" and atom[1] not in algebra.symmetric:
                places = [k for k, place in enumerate(atom[2]) if index in indices_in(place)]
            occurrences.append(f"{atom[0]} {name} {places} {exponent}")
    return tuple(sorted(occurrences))


SIMPLIFICATIONS = (
    _deltas,
    _sum_over_permuted,
    _unused_sums,
    _exponentials,
    _whole_powers,
    _apply_rules,
)
