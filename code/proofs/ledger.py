"""The ledger: what a claim is, the list of all claims, and how they are run.

A claim is a statement together with a check. The check is a function of the statement, and it must accept the statement
and reject each of its false twins: the same statement with a sign, a term, a transpose, a scale or an exponent wrong.
A check that accepts a twin proves nothing, so that is an error too.
"""

from dataclasses import dataclass
from time import perf_counter

from sympy import Tuple

from proofs.matrices import tex

SCOPES = {"general", "sample", "numeric"}
CLAIMS = {}


class ClaimFailed(AssertionError):
    """A check rejected its statement or accepted a false twin, or the report and the ledger do not agree on the claims."""

    in_the_input = True  # the build shows the message and no traceback


@dataclass(frozen=True)
class Equation:
    """left = right, typeset and checked from the same two SymPy objects."""

    left: object
    right: object

    def latex(self):
        return f"{tex(self.left)} = {tex(self.right)}"

    def as_text(self):
        return f"${self.latex()}$"


@dataclass(frozen=True)
class Worded:
    """A statement SymPy cannot print: its LaTeX (formulas between dollars) beside the value that is checked."""

    text: str
    value: object

    def latex(self):
        return self.text

    as_text = latex


def shortened(statement):
    """False twins of an equation between tuples: one component of the right side left out."""
    components = statement.right
    return {f"component {i} left out": Equation(statement.left, Tuple(*components[:i - 1], *components[i:]))
            for i in range(1, len(components) + 1)}


@dataclass(frozen=True)
class Claim:
    name: str
    exercise: str        # the module it stands in
    statement: object    # has .latex()
    scope: str           # general: symbolic sizes; sample: the sizes listed; numeric: to the precision listed
    over: str            # which sizes, or which precision
    false_twins: dict    # {what is wrong: the wrong statement}
    check: object        # statement -> bool
    by_hand: str         # the part of the proof that is in the text and not checked, if any


@dataclass(frozen=True)
class Outcome:
    name: str
    problems: tuple      # one sentence each; empty if the claim holds
    rejected: int        # false twins rejected
    seconds: float

    @property
    def holds(self):
        return not self.problems


def claim(name, *, statement, scope, over, false_twin, by_hand=""):
    """Enter the decorated check into the ledger.

    Raises: ValueError if the name is taken, the scope unknown, the sizes or the twin missing, or a twin equal to the statement.
    """
    def enter(check):
        if name in CLAIMS:
            raise ValueError(f"two claims are called {name!r}: in {CLAIMS[name].exercise} and {check.__module__}")
        if scope not in SCOPES:
            raise ValueError(f"claim {name!r} has the scope {scope!r}, one of {sorted(SCOPES)} is needed")
        if not over:
            raise ValueError(f"claim {name!r} does not say for which sizes or to which precision")
        if not false_twin or any(twin == statement for twin in false_twin.values()):
            raise ValueError(f"claim {name!r} needs a false twin that differs from the statement")
        CLAIMS[name] = Claim(name, check.__module__.rpartition(".")[2], statement, scope, over, dict(false_twin), check, by_hand)
        return check
    return enter


def verify(claim):
    """Run the check on the statement and on each false twin."""
    start = perf_counter()
    problems, rejected = [], 0
    if not _verdict(claim, claim.statement):
        problems.append(f"the check rejects the statement {claim.statement.latex()}")
    for wrong, twin in claim.false_twins.items():
        if _verdict(claim, twin):
            problems.append(f"the check accepts the false twin ({wrong}): {twin.latex()}")
        else:
            rejected += 1
    return Outcome(claim.name, tuple(problems), rejected, perf_counter() - start)


def _verdict(claim, statement):
    verdict = claim.check(statement)
    if verdict is not True and verdict is not False:
        raise TypeError(f"the check of {claim.name!r} returned {verdict!r}, True or False is needed")
    return verdict
