"""Which decider decides a statement: chosen by what is in its tree, never by its claim.

    holds(Statement(minimiser((x - c)**2, x), c))       # True, found by the gradient and Hessian

Most statements are decided by their normal form (normaliser.py), and moments are part of it.
Integrals are left to SymPy; a minimiser is a zero of the gradient where the Hessian is positive
definite.
"""

from functools import cache

import sympy

from proofs import judge, notation
from proofs.ambiguity import check_unambiguous
from proofs.forms import letters_in, minus, single, total
from proofs.normaliser import Normaliser
from proofs.notation import CannotDecide, IllFormed, Undecided, walk
from proofs.shapes import shape


def decider(statement):
    """(its name in the tables of checks, function that proves or does not) for a statement."""
    found = {part.head for side in (statement.left, statement.right) for part in walk(side)}
    by_head = (entry for head, entry in DECIDERS.items() if head in found)
    return next(by_head, ("normal form", _has_same_normal_form))


class Untestable(Undecided):
    """A statement that is proved, but no numbers meet its hypotheses."""


class Disagreement(Exception):
    """A statement that one program proves and another refutes: one of the two is wrong."""


def holds(statement, samples=2):
    """True if the statement was proved and is true in numbers, False if it does not follow.

    samples   for how many random samples the judge must agree
    Raises: IllFormed for a statement without meaning; Undecided if no rule applies; Untestable;
    Disagreement.
    """
    if not is_proved(statement):
        return False
    true_in_numbers = judge.holds_numerically(statement, enough=samples)
    if true_in_numbers is None:
        raise Untestable("it is proved, but no numbers meet the hypotheses")
    if not true_in_numbers:
        raise Disagreement(
            "it is proved, but the judge finds it false in numbers, so a rule of the decider (or "
            f"of the judge) is wrong: {statement.latex()}"
        )
    return True


def is_rejected(statement):
    """True if not proved, also if ill-formed or undecidable. Raises: Disagreement."""
    try:
        return not holds(statement)
    except Untestable:
        return False
    except CannotDecide:
        return True


def is_proved(statement):
    """What the decider alone finds."""
    check_unambiguous(statement)
    _, proves = decider(statement)
    try:
        return proves(statement)
    except RecursionError as error:
        raise Undecided("too many steps") from error


def _has_same_normal_form(statement):
    return Normaliser(statement.hypotheses).same(statement.left, statement.right)


# Minimisers


def _is_minimiser(statement):
    """True if the right side is the only zero of the gradient and the Hessian is positive."""
    left, right = statement.left, statement.right
    if left.head != "argmin" or any(part.head == "argmin" for part in walk(right)):
        raise Undecided("a minimiser that is not the left side")
    body, *names = left.args
    values = right.args if right.head == "tuple" else (right,)
    if shape(left) != shape(right):
        return False
    normaliser = Normaliser(statement.hypotheses)
    form = normaliser.number(body, {})
    taken = {*normaliser.meanings, *normaliser.random.groups}
    if len(set(names)) < len(names) or any(
        name.head != "letter" or name.args or name.leaf[0] in taken for name in names
    ):
        raise IllFormed(f"{left}: the letters must be free and different")
    letters = {name.leaf[0] for name in names}
    supposed = [part for h in statement.hypotheses if h.kind != "where" for part in h.parts]
    if any(n.domain != "real" for n in letters) or letters & notation.all_letters(supposed):
        raise Undecided(f"{left}: the minimum may be at the boundary of what is supposed")
    meanings = [part for h in statement.hypotheses if h.kind == "where" for part in h.parts]
    if any(_may_be_undefined(part, letters) for tree in (body, *meanings) for part in walk(tree)):
        raise Undecided(f"{left}: the function may be undefined for some of their values")
    targets = [("letter", name.leaf[0], ()) for name in names]
    gradient = [normaliser.derivative(form, target) for target in targets]
    hessian = [[normaliser.derivative(part, target) for target in targets] for part in gradient]
    if any(letters_in(cell) & letters for line in hessian for cell in line):
        raise Undecided("the function to minimise is not quadratic")
    numbers = [normaliser.number(value, {}) for value in values]
    steps = [minus(number, single(target)) for number, target in zip(numbers, targets, strict=True)]
    found = _is_positive_definite(normaliser, hessian) and all(
        normaliser.is_zero(total([slope, *map(normaliser.times, second, steps)]))
        for slope, second in zip(gradient, hessian, strict=True)
    )
    again = minimum_by_sympy(form, targets)
    if found and again and again != list(map(polynomial, numbers)):
        raise Disagreement(f"{left}: the decider finds {right}, SymPy another minimum, {again}")
    return found


def _may_be_undefined(tree, names):
    """Whether the tree is a root, a quotient or the like of something with one of these letters."""
    if tree.head == "pow" and tree.args[1].head == "num":
        value = tree.args[1].leaf[0]
        restricted = tree.args[:1] if value < 0 or value.denominator != 1 else ()
    elif tree.head == "div":
        restricted = tree.args[1:]
    else:
        restricted = tree.args if tree.head in ("sqrt", "log", "gamma", "inv", "pow") else ()
    return any(notation.all_letters([part]) & names for part in restricted)


def _is_positive_definite(normaliser, matrix):
    """True if a corner and the determinant are known to be positive."""
    if len(matrix) > 2:
        raise Undecided("a minimiser in more than two letters")
    if len(matrix) == 1:
        return normaliser.is_positive(matrix[0][0])
    (a, b), (c, d) = matrix
    determinant = minus(normaliser.times(a, d), normaliser.times(b, c))
    return normaliser.is_positive(determinant) and any(map(normaliser.is_positive, (a, d)))


def minimum_by_sympy(form, targets):
    """Where SymPy finds the minimum of a polynomial in numbers; None of any other function."""
    function = polynomial(form)
    if function is None:
        return None
    names = [sympy.Symbol(letter.name, real=True) for _, letter, _ in targets]
    hessian = sympy.hessian(function, names)
    zeros = sympy.solve([function.diff(name) for name in names], names, dict=True)
    if not hessian.is_positive_definite or len(zeros) != 1:
        return None
    return [sympy.expand(zeros[0][name]) for name in names]


def polynomial(form):
    """A form in SymPy's terms; None if it is not a polynomial in letters without indices."""
    terms = []
    for (factors, bound), coefficient in form:
        if bound or any(
            a[0] != "letter" or a[2] or e.denominator != 1 or e < 0 for a, e in factors
        ):
            return None
        powers = (sympy.Symbol(a[1].name, real=True) ** int(e) for a, e in factors)
        terms.append(sympy.Mul(sympy.Rational(str(coefficient)), *powers))
    return sympy.Add(*terms)


# Integrals


def _is_integrated(statement):
    """True if SymPy evaluates the difference of both sides, numbers without indices, to zero."""
    shifts = {}
    for hypothesis in statement.hypotheses:
        if hypothesis.kind != "positive":
            raise Undecided(f"an integral under a hypothesis of the kind {hypothesis.kind}")
        shifts |= _shift(hypothesis.parts[0])
    for side in (statement.left, statement.right):
        shape(side)
    gap = _to_sympy(statement.left, shifts) - _to_sympy(statement.right, shifts)
    gap = sympy.gammasimp(sympy.simplify(gap))
    if gap.has(sympy.Integral, sympy.Piecewise):
        raise Undecided("an integral that SymPy leaves open")
    return sympy.simplify(gap) == 0


def _shift(value):
    """{n: k + a positive number} for n - k > 0."""
    if value.head == "add" and len(value.args) == 2 and value.args[0].head == "letter":
        letter, bound = value.args[0].leaf[0], value.args[1]
        if bound.head == "neg" and bound.args[0].head == "num":
            least = sympy.Rational(str(bound.args[0].leaf[0]))
            above = sympy.Symbol(f"{letter.name} - {least}", positive=True)  # no letter's name
            return {letter: least + above}
    raise Undecided(f"an integral under the hypothesis {value} > 0")


SYMPY = {
    "add": sympy.Add,
    "mul": sympy.Mul,
    "div": lambda a, b: a / b,
    "pow": sympy.Pow,
    "neg": lambda a: -a,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "gamma": sympy.gamma,
    "cos": sympy.cos,
    "sin": sympy.sin,
    "infinity": lambda: sympy.oo,
    "integral": cache(lambda body, *limits: sympy.integrate(body, limits)),  # as in the twins
}


def _to_sympy(tree, shifts):
    if tree == notation.CIRCLE:
        return sympy.pi
    if tree.head == "letter" and not tree.args and not tree.leaf[0].shape:
        letter = tree.leaf[0]
        positive = letter.domain != "real" or None
        return shifts.get(letter, sympy.Symbol(letter.name, real=True, positive=positive))
    if tree.head == "num":
        return sympy.Rational(str(tree.leaf[0]))
    if tree.head == "integral":
        _need_range(*tree.args[1:])
        if tree.args[1].leaf[0] in shifts:
            raise Undecided("an integral over a letter of which something is supposed")
    if tree.head not in SYMPY:
        raise Undecided(f"no rule for {tree.head} in {tree}")
    value = SYMPY[tree.head](*(_to_sympy(part, shifts) for part in tree.args))
    if tree.head != "infinity" and value.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan):
        raise Undecided(f"{tree} may be infinite")
    return value


def _need_range(name, first, last):
    """Undecided unless the letter is positive and goes from 0 or a positive number to infinity.

    SymPy does not compare a letter's sign with the bounds, and sees no pole between unknown ones.
    """
    known = first.head == "num" and first.leaf[0] >= 0 and last == notation.INFINITY
    if name.leaf[0].domain != "positive" or not known:
        raise Undecided(f"an integral over {name} from {first} to {last}")


DECIDERS = {  # the first head found in a statement names its decider
    "integral": ("integrated", _is_integrated),
    "argmin": ("minimised", _is_minimiser),
    "E": ("moments", _has_same_normal_form),
    "Var": ("moments", _has_same_normal_form),
}
