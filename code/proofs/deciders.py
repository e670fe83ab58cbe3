"""Which decider decides a statement: chosen by what stands in its tree, never by its claim."""

from proofs import judge, notation
from proofs.forms import Undecided, add, letters_in, minus
from proofs.notation import IllFormed, latex, walk
from proofs.sums import Normaliser

KINDS = {
    "attend": "run",
    "integral": "integrated",
    "argmin": "minimised",
    "E": "moments",
    "Var": "moments",
}  # the first head found in a statement names its decider


def kind(statement):
    """How a statement is decided, in a word."""
    found = {part.head for side in (statement.left, statement.right) for part in walk(side)}
    return next((word for head, word in KINDS.items() if head in found), "normal form")


def holds(statement):
    """True if the statement was proved, False if it does not follow.

    Raises: IllFormed for a statement without meaning, Undecided where there is no rule.
    """
    parts = (part for hypothesis in statement.hypotheses for part in hypothesis.parts)
    notation.check_names([statement.left, statement.right, *parts])
    decide = {"run": _run, "integrated": _integrated, "minimised": _minimised}.get(
        kind(statement), _same
    )
    return decide(statement)


def _same(statement):
    return Normaliser(statement.hypotheses).same(statement.left, statement.right)


def _minimised(statement):
    """True if the right side is the only zero of the gradient and the Hessian is positive."""
    left, right = statement.left, statement.right
    if left.head != "argmin" or any(part.head == "argmin" for part in walk(right)):
        raise Undecided("a minimiser that is not the left side")
    body, *names = left.args
    values = right.args if right.head == "tuple" else (right,)
    if len(values) != len(names):
        return False
    engine = Normaliser(statement.hypotheses)
    form = engine.number(body, {})
    taken = {*engine.meanings, *engine.random.letters}
    if len(set(names)) < len(names) or any(
        name.head != "letter" or name.args or name.leaf[0] in taken for name in names
    ):
        raise IllFormed(f"{latex(left)}: the letters must be free and different")
    if any(name.leaf[0].domain != "real" for name in names):
        raise Undecided(
            f"{latex(left)}: only for real letters is the minimum at a zero of the gradient"
        )
    targets = [("l", name.leaf[0], ()) for name in names]
    gradient = [engine.derivative(form, target) for target in targets]
    hessian = [[engine.derivative(part, target) for target in targets] for part in gradient]
    letters_ = {name.leaf[0] for name in names}
    if any(letters_in(cell) & letters_ for line in hessian for cell in line):
        raise Undecided("the function to minimise is not quadratic")
    at_value = [_put(engine, part, targets, values) for part in gradient]
    found = all(map(engine.is_zero, at_value)) and _positive_definite(engine, hessian)
    again = minimum_by_sympy(form, targets)
    if found and again and again != [polynomial(engine.number(v, {})) for v in values]:
        raise Undecided(f"{latex(left)}: SymPy finds another minimum, {again}")
    return found


def minimum_by_sympy(form, targets):
    """Where SymPy finds the minimum of a polynomial in numbers; None of any other function."""
    import sympy

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
    """A form in SymPy's terms; None if it is no polynomial in letters without indices."""
    import sympy

    total = sympy.Integer(0)
    for (factors, bound), coefficient in form:
        if bound or any(a[0] != "l" or a[2] or e.denominator != 1 or e < 0 for a, e in factors):
            return None
        powers = (sympy.Symbol(a[1].name, real=True) ** int(e) for a, e in factors)
        total += sympy.Mul(sympy.Rational(str(coefficient)), *powers)
    return total


def _put(engine, gradient, targets, values):
    """A gradient that is linear in the targets, at the values."""
    terms = [gradient]
    for target, value in zip(targets, values, strict=True):
        slope = engine.derivative(gradient, target)
        shift = minus(engine.number(value, {}), engine.make(1, [(target, 1)], set()))
        terms.append(engine.times(slope, shift))
    return add(*terms)


def _positive_definite(engine, hessian):
    """True if a corner and the determinant are known to be positive."""
    if len(hessian) > 2:
        raise Undecided("a minimiser in more than two letters")
    if len(hessian) == 1:
        return engine.is_positive(hessian[0][0])
    (a, b), (c, d) = hessian
    determinant = minus(engine.times(a, d), engine.times(b, c))
    return engine.is_positive(determinant) and any(map(engine.is_positive, (a, d)))


def _integrated(statement):
    """Evaluate both sides with SymPy, for numbers without indices."""
    import sympy

    shifts = {}
    for hypothesis in statement.hypotheses:
        if hypothesis.kind != "positive":
            raise Undecided(f"an integral under a hypothesis of the kind {hypothesis.kind}")
        shifts |= _shift(hypothesis.parts[0])
    notation.shape(statement.left), notation.shape(statement.right)
    left, right = (_to_sympy(side, shifts) for side in (statement.left, statement.right))
    gap = sympy.gammasimp(sympy.simplify(left - right))
    if gap.has(sympy.Integral, sympy.Piecewise, sympy.nan, sympy.zoo):
        raise Undecided("an integral that SymPy leaves open")
    return sympy.simplify(gap) == 0


def _shift(value):
    """n - k > 0 as n = k + a positive number."""
    import sympy

    if value.head == "add" and len(value.args) == 2 and value.args[0].head == "letter":
        letter, bound = value.args[0].leaf[0], value.args[1]
        if bound.head == "neg" and bound.args[0].head == "num":
            least = sympy.Rational(str(bound.args[0].leaf[0]))
            return {letter: least + sympy.Symbol(letter.name + "'", positive=True)}
    raise Undecided(f"an integral under the hypothesis {latex(value)} > 0")


def _to_sympy(tree, shifts):
    import sympy

    if tree.head == "letter" and not tree.args and not tree.leaf[0].shape:
        letter = tree.leaf[0]
        if tree == notation.CIRCLE:
            return sympy.pi
        return shifts.get(
            letter, sympy.Symbol(letter.name, real=True, positive=letter.domain != "real" or None)
        )
    if tree.head == "num":
        return sympy.Rational(str(tree.leaf[0]))
    if tree.head == "infinity":
        return sympy.oo
    rules = {
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
        "integral": lambda body, name, a, b: sympy.integrate(body, (name, a, b)),
    }
    if tree.head == "integral":
        _need_range(*tree.args[1:])
    if tree.head not in rules:
        raise Undecided(f"no rule for {tree.head} in {latex(tree)}")
    return rules[tree.head](*(_to_sympy(part, shifts) for part in tree.args))


def _need_range(name, first, last):
    """Undecided unless the letter is positive and its bounds are 0, positive numbers or infinity.

    SymPy does not compare a letter's sign with the bounds, and sees no pole between unknown ones.
    """
    bounds = [bound.leaf[0] if bound.head == "num" else bound.head for bound in (first, last)]
    known = bounds[0] != "infinity" and all(
        bound == "infinity" or (not isinstance(bound, str) and bound >= 0) for bound in bounds
    )
    if name.leaf[0].domain != "positive" or not known:
        raise Undecided(f"an integral over {latex(name)} from {latex(first)} to {latex(last)}")


# Two cases, so that no size is right by chance; three heads divide both D.
CASES = ({"N": 5, "D": 6}, {"N": 4, "D": 9})


def _run(statement):
    """Both sides computed by solutions.attention for random cases and every permutation."""
    names = notation.all_letters((statement.left, statement.right))
    sizes = {name.name for name in names if name.domain == "natural"}
    if statement.hypotheses or sizes - {*CASES[0]}:
        raise Undecided("a program that is run under hypotheses, or for sizes other than N and D")
    if notation.shape(statement.left) != notation.shape(statement.right):
        return False
    try:
        return all(judge.same_for_all_orders(statement, case, within=1e-12) for case in CASES)
    except judge.Undefined as error:
        raise IllFormed(str(error)) from error
