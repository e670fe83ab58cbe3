"""What a claim is, and the list of all claims.

A claim is a statement, left = right under hypotheses, and a few false twins of it. A claim has no
check of its own: `deciders.holds` takes the statement as it is printed and nothing else.
"""

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from proofs.notation import CIRCLE, Hypothesis, Node, latex, latex_hypothesis, letters, named, node

CLAIMS = {}
DOCUMENTS = ("report", "supplement")


class ClaimFailed(AssertionError):
    """A claim does not hold, or a document and the ledger do not agree on the claims."""

    in_the_input = True  # the build shows the message and no traceback


@dataclass(frozen=True)
class Statement:
    """left = right whenever the hypotheses hold."""

    left: Node
    right: Node
    hypotheses: tuple = ()

    def latex(self, lines=0):
        """The relation; with lines = 1 broken before the sign of equality, with lines = n also
        after every nth term of a sum on the right."""
        left, right = latex(self.left), latex(self.right)
        if not lines:
            return f"{left} = {right}"
        if lines > 1 and self.right.head == "add":
            right = _broken(self.right.args, lines)
        return rf"\begin{{aligned}}{{}}& {left} \\ & \quad = {right}\end{{aligned}}"

    def latex_hypotheses(self):
        """What the letters mean, and all that is supposed of them, as LaTeX text."""
        parts = (p for h in self.hypotheses for p in h.parts)
        names = set().union(*map(letters, (self.left, self.right, *parts)))
        signs = sorted(
            f"${named(name)} > 0$"
            for name in names
            if name.domain == "positive" and name != CIRCLE.leaf[0]
        )
        meanings = [latex_hypothesis(h) for h in self.hypotheses if h.kind == "where"]
        supposed = [latex_hypothesis(h) for h in self.hypotheses if h.kind != "where"] + signs
        return ", ".join(
            [
                *(["where " + ", ".join(meanings)] if meanings else []),
                *(["if " + ", ".join(supposed)] if supposed else []),
            ]
        )

    def digest(self):
        """Changes with the statement, and with nothing else."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    def without(self, hypothesis):
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h != hypothesis))


def _broken(terms, most):
    """A sum as lines of at most `most` terms."""
    head, *rest = [Node("add", terms[k : k + most]) for k in range(0, len(terms), most)]
    lines = [latex(head)]
    for part in rest:
        text = latex(part if len(part.args) > 1 else part.args[0])
        lines.append(text if text.startswith("-") else f"+ {text}")
    return r" \\ & \qquad {} ".join(lines)


@dataclass(frozen=True)
class Claim:
    name: str
    statement: Statement
    twins: dict  # {what is wrong: Statement}
    scope: str  # LaTeX: for which sizes
    document: str
    argued: str  # the step that the text argues and no program checks
    place: str  # file:line

    @property
    def title(self):
        title = self.name.replace("-", " ").replace("one hot", "one-hot")
        return title[0].upper() + title[1:].replace("jacobian", "Jacobian")


def claim(name, left, right, *hypotheses, twins, scope, document="report", argued=""):
    """Enter a claim.

    twins   {what is wrong: another right side, a pair (left, right), or a Hypothesis to leave out}
    Raises: ValueError for a name that is taken, fewer than two twins, or a twin that is no other.
    """
    statement = Statement(node(left), node(right), hypotheses)
    caller = sys._getframe(1)  # inspect.stack() reads every source file on the way: seconds
    place = f"{'/'.join(Path(caller.f_code.co_filename).parts[-3:])}:{caller.f_lineno}"
    if name in CLAIMS:
        raise ValueError(f"{place}: the claim {name!r} is there already, at {CLAIMS[name].place}")
    if document not in DOCUMENTS or not scope:
        raise ValueError(f"{place}: {name!r} needs a scope and a document of {DOCUMENTS}")
    made = {wrong: _twin(statement, twin) for wrong, twin in twins.items()}
    if len(made) < 2 or statement in made.values() or len(set(made.values())) < len(made):
        raise ValueError(f"{place}: {name!r} needs 2 or more twins, all different, got {len(made)}")
    CLAIMS[name] = Claim(name, statement, made, scope, document, argued, place)


def _twin(statement, twin):
    if isinstance(twin, Hypothesis):
        if twin not in statement.hypotheses:
            raise ValueError(f"not a hypothesis: {latex_hypothesis(twin)}")
        return statement.without(twin)
    if isinstance(twin, tuple):
        return replace(statement, left=node(twin[0]), right=node(twin[1]))
    return replace(statement, right=node(twin))
