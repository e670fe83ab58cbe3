"""Normal forms as data, and the operations on them that need no hypotheses.

A form is a sum of terms, a term a product of powers of atoms, summed over bound indices. With N for
the range (1, N), sum_k 2 a_k b_i^2 is the form

    {(({(("letter", a, (k,)), 1), (("letter", b, (i,)), 2)}, {(k, N)}), 2)}

index         ("free", name), ("bound", level, number) or ("perm", permutation, index value)
index value   (constant, ((index, coefficient), ...)); `at(index)` is that of a single index
atom          ("letter", Letter, index values), ("delta", value, value), ("index", index): an index
              as a number, ("prime", p) under a root, ("moment", factors): an unknown expected
              value, ("max", form, form, ...), or a head with a form: "exp", "log", "cos", "sin",
              and "power": the base of a negative or fractional power that is not a single product
term          (frozenset of (atom, exponent), frozenset of (bound index, range))
form          frozenset of (term, coefficient); equal forms are equal expressions
"""

from fractions import Fraction
from functools import cache, lru_cache

import sympy

from proofs.notation import Letter

ONE_TERM = (frozenset(), frozenset())
ONE, ZERO = frozenset({(ONE_TERM, Fraction(1))}), frozenset()


# What stands in an atom, a term or a form ("part")


@lru_cache(maxsize=400_000)
def key(part):
    """A text by which parts are sorted, the same on every run."""
    if isinstance(part, frozenset):
        return "{" + ",".join(sorted(map(key, part))) + "}"
    if isinstance(part, tuple):
        return "(" + ",".join(map(key, part)) + ")"
    return part.name if isinstance(part, Letter) else str(part)


@lru_cache(maxsize=400_000)
def indices_in(part):
    """All indices: free, bound and permuted."""
    if isinstance(part, tuple) and part and part[0] in ("free", "bound"):
        return frozenset({part})
    if not isinstance(part, (tuple, frozenset)):
        return frozenset()
    own = {part} if isinstance(part, tuple) and part and part[0] == "perm" else ()
    return frozenset(own).union(*map(indices_in, part))


@lru_cache(maxsize=400_000)
def bound_in(part):
    """The bound indices, without those of the part's own sums."""
    if isinstance(part, tuple) and part and part[0] == "bound":
        return frozenset({part})
    if not isinstance(part, (tuple, frozenset)):
        return frozenset()
    found = frozenset().union(*map(bound_in, part))
    is_term = len(part) == 2 and isinstance(part, tuple) and isinstance(part[1], frozenset)
    return found.difference(index for index, _ in part[1]) if is_term else found


def outside_sums(term):
    """The (atom, exponent) pairs that do not depend on the term's own bound indices."""
    factors, bound = term
    return [pair for pair in factors if not bound_in(pair[0]).intersection(dict(bound))]


def letters_in(part):
    """All letters."""
    if isinstance(part, Letter):
        return {part}
    return set().union(*map(letters_in, part)) if isinstance(part, (tuple, frozenset)) else set()


# Index values


def at(index):
    """The value of a single index."""
    return 0, ((index, 1),)


def index_of(value):
    """The index that a value consists of, or None."""
    plain, parts = value
    return parts[0][0] if plain == 0 and len(parts) == 1 and parts[0][1] == 1 else None


def index_sum(*weighted):
    """The sum of weight * value over pairs (weight, value)."""
    constant, parts = 0, {}
    for weight, (plain, more) in weighted:
        constant += weight * plain
        parts = add_counts(parts, ((index, weight * coefficient) for index, coefficient in more))
    return constant, tuple(sorted(parts.items(), key=key))


# Arithmetic


def constant(value):
    return frozenset({(ONE_TERM, Fraction(value))}) if value else ZERO


def single(atom):
    """The form of one atom, as it is."""
    return frozenset({((frozenset({(atom, Fraction(1))}), frozenset()), Fraction(1))})


def as_constant(form):
    """The number that a form is, or None."""
    if not form:
        return Fraction(0)
    (term, coefficient), *more = form
    return coefficient if term == ONE_TERM and not more else None


def as_product(form):
    """(coefficient, factors) of a form that is one product without sums, or None."""
    if len(form) != 1:
        return None
    (((factors, bound), coefficient),) = form
    return None if bound else (coefficient, factors)


def as_atom(form):
    """The atom that a form is, or None."""
    coefficient, factors = as_product(form) or (0, ())
    ((atom, exponent),) = factors if len(factors) == 1 else ((None, 0),)
    return atom if coefficient == exponent == 1 else None


def total(forms):
    """The sum of forms."""
    return frozenset(add_counts({}, (pair for form in forms for pair in form)).items())


def scale(form, factor):
    return frozenset((term, c * factor) for term, c in form) if factor else ZERO


def minus(first, second):
    return total([first, scale(second, -1)])


def add_counts(counts, pairs):
    """{thing: count} with the counts of more pairs added; what comes to zero is left out."""
    counts = dict(counts)
    for thing, count in pairs:
        counts[thing] = counts.get(thing, 0) + count
    return {thing: count for thing, count in counts.items() if count}


@cache
def prime_factors(value):
    """((("prime", p), exponent), ...) of a positive fraction."""
    found = sympy.factorrat(sympy.Rational(str(value)))
    return tuple((("prime", Fraction(prime)), exponent) for prime, exponent in found.items())
