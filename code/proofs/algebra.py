"""Arithmetic of forms under the hypotheses of one statement.

`term` is the heart: it brings a product, summed over bound indices, to its normal form, by the
steps in simplification.py. Deltas are carried out, exponentials and powers collected, hypotheses
applied, and the bound indices named in one canonical way, so that sum_i delta_ij a_i and a_j become
the same form. All else here (products, powers, functions, derivatives) ends in `term`. What has no
rule raises Undecided.
"""

from fractions import Fraction
from itertools import count
from math import floor, gcd, lcm
from typing import NamedTuple

from proofs.forms import (
    ONE,
    ZERO,
    add_counts,
    as_atom,
    as_product,
    at,
    bound_in,
    index_of,
    index_sum,
    indices_in,
    key,
    letters_in,
    minus,
    outside_sums,
    prime_factors,
    scale,
    single,
    total,
)
from proofs.notation import CIRCLE, IllFormed, Undecided
from proofs.simplification import SIMPLIFICATIONS, with_canonical_indices

MAX_STEPS, MAX_POWER = 60_000, 8


class Rule(NamedTuple):
    """A product of letters, summed over the `bound` indices, is `value` for all `free` indices."""

    atoms: tuple  # of letters, as often as their exponents say
    bound: dict  # {index: range}
    free: set
    value: frozenset


class Algebra:
    """What is supposed of letters and indices, and the arithmetic that uses it."""

    def __init__(self):
        self.fresh = count(1)
        self.steps = 0
        self.ranges = {}  # index: (first, last), as forms
        self.permuted = {}  # permutation: the range that it permutes
        self.rules = []
        self.symmetric = set()  # letters
        self.different = set()  # sets of two index values
        self.positive = []  # forms
        self.arguments = []  # see `intern`

    # Indices

    def new_free(self, limits):
        return self._new(("free", f"#{next(self.fresh)}"), limits)

    def new_bound(self, limits):
        if bound_in(limits):
            raise Undecided("a sum whose limits depend on the index of another sum")
        return self._new(("bound", 0, next(self.fresh)), limits)

    def _new(self, index, limits):
        self.ranges[index] = limits
        return index

    def range_of(self, value):
        """The range of an index value that is a single index, else None."""
        index = index_of(value)
        if index is None:
            return None
        return self.permuted[index[1]] if index[0] == "perm" else self.ranges.get(index)

    def is_inside(self, value, limits):
        """True if an index value certainly lies in the range."""
        return self.range_of(value) == limits or (
            value == (1, ()) and limits[0] == ONE and self.is_positive(limits[1])
        )

    def length(self, limits):
        """How many values an index has, which must certainly be a whole number from 0 on."""
        length = minus(limits[1], minus(limits[0], ONE))
        least = Fraction(0)  # every size is 1 or more
        for (factors, bound), coefficient in length:
            sizes = all(
                atom[0] == "letter" and exponent == 1 and atom[1].domain == "natural"
                for atom, exponent in factors
            )
            if not sizes or bound or coefficient.denominator != 1 or (factors and coefficient < 0):
                raise Undecided("a sum whose number of terms is not certain")
            least += coefficient
        if least < 0:
            raise Undecided("a sum whose upper limit may lie below the lower one")
        return length

    def letter_atom(self, letter, places):
        places = tuple(places)
        if letter in self.symmetric and len(places) >= 2:
            places = places[:-2] + tuple(sorted(places[-2:], key=key))
        return "letter", letter, places

    # Substitution

    def terms(self, form):
        """(coefficient, factors, bound indices) of each term, with new bound indices."""
        for (factors, bound), coefficient in form:
            new = {index: self.new_bound(limits) for index, limits in sorted(bound, key=key)}
            swap = {index: at(other) for index, other in new.items()}
            yield (
                coefficient,
                [(self.substitute(atom, swap), e) for atom, e in factors],
                set(new.values()),
            )

    def substitute(self, part, values):
        """An atom or a form with index values in the place of indices."""
        if not any(index in values for index in indices_in(part)):
            return part
        if isinstance(part, frozenset):
            return total(
                self.term(coefficient, self.substitute_in_factors(factors, values), bound)
                for coefficient, factors, bound in self.terms(part)
            )
        head, *inner = part
        if head == "letter":
            places = (self.substitute_in_index(place, values) for place in inner[1])
            return self.letter_atom(inner[0], places)
        if head == "delta":
            return head, *(self.substitute_in_index(place, values) for place in inner)
        if head == "index":
            index = index_of(self.substitute_in_index(at(inner[0]), values))
            if index is None:
                raise Undecided("an index that is used as a number, replaced by a sum")
            return head, index
        if head in ("max", "moment"):
            raise Undecided("an index inside a maximum or an unknown expected value")
        return head, self.substitute(inner[0], values)

    def substitute_in_factors(self, factors, values):
        return [(self.substitute(atom, values), exponent) for atom, exponent in factors]

    def substitute_in_index(self, value, values):
        plain, parts = value
        weighted = [(1, (plain, ()))]
        for index, coefficient in parts:
            if index in values:
                weighted.append((coefficient, values[index]))
            elif index[0] == "perm":
                inner = self.substitute_in_index(index[2], values)
                weighted.append((coefficient, at(("perm", index[1], inner))))
            else:
                weighted.append((coefficient, at(index)))
        return index_sum(*weighted)

    # Sums and products

    def times(self, *forms):
        result = ONE
        for form in forms:
            result = total(self.distribute(*term, form) for term in self.terms(result))
        return result

    def bind(self, indices, form):
        """The sum of a form over some of its indices."""
        return self.distribute(1, [], set(indices), form)

    def distribute(self, coefficient, factors, bound, form):
        """A product times a form, summed over the indices in `bound`, which may stand in both."""
        return total(
            self.term(coefficient * other, [*factors, *more], bound | inner)
            for other, more, inner in self.terms(form)
        )

    # Powers

    def power(self, form, exponent):
        """form ** exponent for a fraction."""
        if not form:
            if exponent <= 0:
                raise IllFormed("a division by zero")
            return ZERO
        whole = exponent.denominator == 1
        if whole and 0 <= exponent <= MAX_POWER:
            return self.times(*[form] * int(exponent))
        coefficient, factors = as_product(form) or (0, ())
        if (whole and coefficient) or (
            coefficient > 0 and all(self._is_positive_atom(atom) for atom, _ in factors)
        ):
            number = coefficient**exponent if whole else 1
            roots = () if whole else prime_factors(coefficient)
            return self.term(number, [(a, e * exponent) for a, e in (*factors, *roots)], ())
        content, rest = self._content(form, whole)
        if content != ONE:
            return self.times(self.power(content, exponent), self.power(rest, exponent))
        return self.term(1, [(("power", self.intern(form)), exponent)], ())

    def _content(self, form, whole):
        """(common factor of all terms, the rest); of a root only what is positive is taken out."""
        numbers = [abs(coefficient) for _, coefficient in form]
        common = Fraction(
            gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers))
        )
        if whole and min(form, key=lambda pair: key(pair[0]))[1] < 0:
            common = -common
        found = [
            {
                atom: exponent
                for atom, exponent in outside_sums(term)
                if atom[0] != "exp" and (whole or self._is_positive_atom(atom))
            }
            for term, _ in form
        ]
        least = {atom: min(powers.get(atom, 0) for powers in found) for atom in set().union(*found)}
        content = self.term(common, least.items(), ())
        if content == ONE:
            return ONE, form
        inverse = self.term(1 / common, [(atom, -e) for atom, e in least.items()], ())
        return content, self.times(form, inverse)

    def intern(self, form):
        """The first form seen that equals this one, so that equal arguments look equal."""
        if bound_in(form) or not any(
            atom[0] == "power" for (factors, _), _ in form for atom, _ in factors
        ):
            return form
        for other in self.arguments:
            if other == form or self.is_zero(minus(other, form)):
                return other
        self.arguments.append(form)
        return form

    # Functions

    def exp(self, form):
        """c log x in the exponent becomes the power x^c."""
        powers, rest = [], []
        for term, coefficient in form:
            atom = as_atom(frozenset({(term, 1)}))
            if atom and atom[0] == "log":
                powers.append(self.power(atom[1], coefficient))
            else:
                rest.append((term, coefficient))
        if rest:
            powers.append(single(("exp", self.intern(frozenset(rest)))))
        return self.times(*powers)

    def log(self, form):
        if not self.is_positive(form):
            raise Undecided("a logarithm or symbolic power of what is not known to be positive")
        found = as_product(form)
        if found is None:
            return single(("log", self.intern(form)))
        coefficient, factors = found
        positive = [pair for pair in factors if self._is_positive_atom(pair[0])]
        others = [pair for pair in factors if pair not in positive]  # only their product is
        sign = -1 if coefficient < 0 else 1
        powers = (*positive, *prime_factors(abs(coefficient)))
        logs = [scale(self._log_of_atom(atom), exponent) for atom, exponent in powers]
        if others or sign < 0:
            logs.append(single(("log", self.intern(self.term(sign, others, ())))))
        return total(logs)

    def _log_of_atom(self, atom):
        if atom[0] == "exp":
            return atom[1]
        return single(("log", atom[1] if atom[0] == "power" else single(atom)))

    def maximum(self, *forms):
        """The largest of some forms; nested maxima become one."""
        parts = set()
        for form in forms:
            atom = as_atom(form)
            parts |= set(atom[1:]) if atom and atom[0] == "max" else {form}
        return single(("max", *sorted(parts, key=key))) if len(parts) > 1 else parts.pop()

    def circular(self, name, form):
        """cos or sin of a form, split by the addition theorems into those of single terms."""
        if not form:
            return ONE if name == "cos" else ZERO
        term, coefficient = min(form, key=lambda pair: key(pair[0]))
        if len(form) == 1:
            sign = -1 if coefficient < 0 and name == "sin" else 1
            return scale(single((name, frozenset({(term, abs(coefficient))}))), sign)
        first = frozenset({(term, coefficient)})
        cos_a, cos_b, sin_a, sin_b = (
            self.circular(f, part) for f in ("cos", "sin") for part in (first, form - first)
        )
        if name == "cos":
            return minus(self.times(cos_a, cos_b), self.times(sin_a, sin_b))
        return total([self.times(sin_a, cos_b), self.times(cos_a, sin_b)])

    # Signs

    def is_positive(self, form):
        """True if every value of the form is certainly positive."""
        return bool(form) and (
            all(self._is_positive_term(*pair) for pair in form)
            or any(self._is_positive_multiple(form, other) for other in self.positive)
        )

    def _is_positive_term(self, term, coefficient):
        factors, bound = term
        return (
            coefficient > 0
            and all(self._is_positive_atom(atom) for atom, _ in factors)
            and all(self.is_positive(minus(last, minus(first, ONE))) for _, (first, last) in bound)
        )

    def _is_positive_atom(self, atom):
        if atom[0] == "letter":
            return atom[1].domain in ("positive", "natural") or atom[1] == CIRCLE.leaf[0]
        return atom[0] in ("exp", "prime") or (atom[0] == "power" and self.is_positive(atom[1]))

    def _is_positive_multiple(self, form, other):
        (content, rest), (factor, core) = (self._content(f, whole=True) for f in (form, other))
        if rest not in (core, scale(core, -1)):
            return False
        sign = 1 if rest == core else -1
        (a, factors), (b, others) = as_product(content), as_product(factor)
        return a * b * sign > 0 and all(
            self._is_positive_atom(atom) for atom, _ in factors ^ others
        )

    def is_zero(self, form):
        """True if the form is zero wherever its denominators are not."""
        while form:
            denominators = {}
            for term, _ in form:
                for atom, exponent in outside_sums(term):
                    if atom[0] == "power" and exponent < 0:
                        denominators[atom] = min(denominators.get(atom, 0), exponent)
            if not denominators:
                return False
            atom = min(denominators, key=key)
            form = self.distribute(1, [(atom, -floor(denominators[atom]))], set(), form)
        return True

    # Derivatives

    def derivative(self, form, target):
        """d form / d target, for the atom of a letter."""
        slopes = []
        for coefficient, factors, bound in self.terms(form):
            if any(target[1] in letters_in(self.ranges[index]) for index in bound):
                raise Undecided("a derivative with respect to a limit of a sum")
            for place, (atom, exponent) in enumerate(factors):
                rest = [*factors[:place], (atom, exponent - 1), *factors[place + 1 :]]
                inner = self._derivative_of_atom(atom, target)
                slopes.append(self.distribute(coefficient * exponent, rest, bound, inner))
        return total(slopes)

    def _derivative_of_atom(self, atom, target):
        head = atom[0]
        if head == "max" or (head == "moment" and target[1] in letters_in(atom)):
            raise Undecided("the derivative of a maximum, or with respect to something random")
        if head == "letter" and atom[1] == target[1]:
            pairs = zip(atom[2], target[2], strict=True)
            return self.term(1, [(("delta", a, b), 1) for a, b in pairs], ())
        if head in ("letter", "delta", "prime", "index", "moment"):
            return ZERO
        outer_rules = {
            "power": lambda: ONE,
            "exp": lambda: single(atom),
            "log": lambda: self.power(atom[1], Fraction(-1)),
            "cos": lambda: scale(self.circular("sin", atom[1]), -1),
            "sin": lambda: self.circular("cos", atom[1]),
        }
        if head not in outer_rules:
            raise Undecided(f"no rule for the derivative of {head}")
        return self.times(outer_rules[head](), self.derivative(atom[1], target))

    # The normal form of one term

    def term(self, coefficient, factors, bound):
        """The normal form of coefficient * factors, summed over the indices in `bound`."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Undecided("too many steps")
        if not coefficient:
            return ZERO
        coefficient, powers, bound = Fraction(coefficient), add_counts({}, factors), set(bound)
        for simplify in SIMPLIFICATIONS:
            form = simplify(self, coefficient, powers, bound)
            if form is not None:
                return form
        return with_canonical_indices(self, coefficient, powers, bound)
