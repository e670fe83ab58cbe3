"""Normal forms as data: sums of terms, and the few operations that need no hypotheses.

index value   (constant, ((base, coefficient), ...)), base ("v", name) free, ("b", ...) bound,
              ("p", permutation, index value)
atom          ("l", Letter, index values), ("d", i, j) a delta, ("pow", form) a denominator or
              root, ("exp" | "log" | "cos" | "sin", form), ("n", prime), ("i", base) an index
              as a number, ("m", factors) a moment that is not known
term          (frozenset of (atom, exponent), frozenset of (bound index, range))
form          frozenset of (term, coefficient)
"""

from fractions import Fraction
from functools import cache, lru_cache

from proofs.notation import Letter

ONE_TERM = (frozenset(), frozenset())
ONE, ZERO = frozenset({(ONE_TERM, Fraction(1))}), frozenset()


class Undecided(ValueError):
    """The statement may be true or false; the decider has no rule for something in it."""


@lru_cache(maxsize=400_000)
def key(part):
    """A text that orders atoms, terms and forms in the same way on every run."""
    if isinstance(part, frozenset):
        return "{" + ",".join(sorted(map(key, part))) + "}"
    if isinstance(part, tuple):
        return "(" + ",".join(map(key, part)) + ")"
    if isinstance(part, Letter):
        return part.name
    return str(part)


@lru_cache(maxsize=400_000)
def bound_in(part):
    """All bound indices that stand in an atom, a term or a form."""
    return frozenset(base for base in bases(part) if base[0] == "b")


@lru_cache(maxsize=400_000)
def bases(part):
    """All indices, free, bound and permuted, in a part."""
    if isinstance(part, tuple) and len(part) >= 2 and part[0] in ("v", "b"):
        return frozenset({part})
    if isinstance(part, (tuple, frozenset)):
        own = {part} if isinstance(part, tuple) and len(part) == 3 and part[0] == "p" else set()
        return frozenset(own).union(*map(bases, part))
    return frozenset()


def letters_in(part):
    """All letters that stand in an atom, a term, a form, or in several of them."""
    if isinstance(part, Letter):
        return {part}
    if isinstance(part, (tuple, frozenset)):
        return set().union(*map(letters_in, part))
    return set()


def own_bound(form):
    """The bound indices of a form's own sums, at any depth."""
    return frozenset(b for (_, bound), _ in form for b, _ in bound).union(
        *(
            own_bound(atom[1])
            for (factors, _), _ in form
            for atom, _ in factors
            if atom[0] in ("pow", "exp", "log", "cos", "sin")
        )
    )


def masked(part, names, symmetric):
    """The text of a part with its bound indices hidden behind `names`, in an order that is none
    of theirs: deltas, maxima and symmetric matrices have no first and second index."""
    if isinstance(part, tuple) and part and part[0] == "b":
        return key(names[part]) if part in names else "b"
    if isinstance(part, frozenset):
        return "{" + ",".join(sorted(masked(p, names, symmetric) for p in part)) + "}"
    if isinstance(part, tuple):
        shown = [masked(p, names, symmetric) for p in part]
        if part and part[0] in ("d", "max"):
            shown[1:] = sorted(shown[1:])
        elif len(part) == 3 and part[0] == "l" and part[1] in symmetric:
            places = [masked(p, names, symmetric) for p in part[2]]
            shown[2] = ",".join(places[:-2] + sorted(places[-2:]))
        elif len(part) == 2 and isinstance(part[0], int):
            shown[1] = ",".join(sorted(masked(p, names, symmetric) for p in part[1]))
        return "(" + ",".join(shown) + ")"
    return key(part)


def at(base):
    """The index value of a single index."""
    return 0, ((base, 1),)


def base_of(value):
    """The index that an index value consists of, or None."""
    constant_, parts = value
    return parts[0][0] if constant_ == 0 and len(parts) == 1 and parts[0][1] == 1 else None


def index_sum(*weighted):
    """The index value sum of weight * value."""
    constant_, parts = 0, {}
    for weight, (plain, more) in weighted:
        constant_ += weight * plain
        for base, coefficient in more:
            parts[base] = parts.get(base, 0) + weight * coefficient
    return constant_, tuple(sorted(((b, c) for b, c in parts.items() if c), key=key))


def constant(value):
    return frozenset({(ONE_TERM, Fraction(value))}) if value else ZERO


def single(atom):
    """The form of one atom, as it is."""
    return frozenset({((frozenset({(atom, Fraction(1))}), frozenset()), Fraction(1))})


def add(*forms):
    """The sum of forms."""
    total = {}
    for form in forms:
        for term, coefficient in form:
            total[term] = total.get(term, 0) + coefficient
    return frozenset((t, c) for t, c in total.items() if c)


def scale(form, factor):
    return frozenset((term, c * factor) for term, c in form) if factor else ZERO


def minus(first, second):
    return add(first, scale(second, -1))


def merged(powers, factors):
    """{atom: exponent} with more factors multiplied in."""
    powers = dict(powers)
    for atom, exponent in factors:
        powers[atom] = powers.get(atom, 0) + exponent
    return powers


@cache
def primes(value):
    """{prime: exponent} of a positive whole number."""
    found, prime = {}, 2
    while value > 1:
        while value % prime == 0:
            found[prime] = found.get(prime, 0) + 1
            value //= prime
        prime += 1
    return found
