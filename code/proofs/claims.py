"""Claims, and the list of all of them.

A claim is a statement, left = right under hypotheses, with at least two false twins, which must be
rejected. It has no check of its own: `deciders.holds` takes the statement as it is printed and
nothing else.

    claim("square-of-a-sum", (a + b)**2, plus(a**2, 2 * a * b, b**2), scope="all $a$ and $b$",
          twins={"no cross term": a**2 + b**2, "half of it": plus(a**2, a * b, b**2)})
"""

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from proofs.notation import Hypothesis, Node, letters, node, walk
from proofs.printing import latex, latex_hypothesis, latex_member, show_sizes

CLAIMS = {}
DOCUMENTS = ("report", "supplement")


class ClaimFailed(AssertionError):
    """A claim does not hold, or a document and the ledger do not agree on the claims."""

    show_traceback = False  # the message says all


@dataclass(frozen=True)
class Statement:
    """left = right whenever the hypotheses hold."""

    left: Node
    right: Node
    hypotheses: tuple = ()

    @property
    def trees(self):
        """Both sides and the parts of the hypotheses."""
        return (self.left, self.right, *(part for h in self.hypotheses for part in h.parts))

    @property
    def printed(self):
        """As it is printed: identity matrices show their sizes if there are several."""
        nodes = [part for tree in self.trees for part in walk(tree)]
        if len({part for part in nodes if part.head == "eye"}) < 2:
            return self
        hypotheses = (replace(h, parts=tuple(map(show_sizes, h.parts))) for h in self.hypotheses)
        return Statement(show_sizes(self.left), show_sizes(self.right), tuple(hypotheses))

    def latex(self, lines=0):
        """The equation. lines = 1 breaks it before the equals sign, lines = n also after every
        nth term of a sum on the right."""
        shown = self.printed
        left, right = latex(shown.left), latex(shown.right)
        if not lines:
            return f"{left} = {right}"
        if lines > 1 and shown.right.head == "add":
            right = _break_sum(shown.right.args, lines)
        return rf"\begin{{aligned}}{{}}& {left} \\ & \quad = {right}\end{{aligned}}"

    def latex_hypotheses(self):
        """The hypotheses as LaTeX text: where ..., if ..."""
        names = set().union(*map(letters, self.trees))
        signs = sorted(f"${latex_member(name)} > 0$" for name in names if name.domain == "positive")
        shown = self.printed.hypotheses
        meanings = [latex_hypothesis(h) for h in shown if h.kind == "where"]
        supposed = [latex_hypothesis(h) for h in shown if h.kind != "where"] + signs
        parts = ("where ", meanings), ("if ", supposed)
        return ", ".join(word + ", ".join(texts) for word, texts in parts if texts)

    def digest(self):
        """A digest that changes with the statement and with nothing else."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    def without(self, hypothesis):
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h != hypothesis))


def _break_sum(terms, most):
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
    argued: str  # a step that is argued in the text and not checked by a program
    place: str  # file:line

    @property
    def title(self):
        title = self.name.replace("-", " ").replace("one hot", "one-hot")
        return title[0].upper() + title[1:].replace("jacobian", "Jacobian")


def claim(name, left, right, *hypotheses, twins, scope, document="report", argued=""):
    """Register a claim.

    twins   {what is wrong: another right side, a pair (left, right), or a Hypothesis to leave out}
    scope   LaTeX: for which sizes
    argued  a step that is argued in the text and not checked by a program
    Raises: ValueError for a name that is taken, fewer than two twins, or a twin that equals
    the claim or another twin.
    """
    statement = Statement(node(left), node(right), hypotheses)
    caller = sys._getframe(1)  # inspect.stack() reads every source file on the way: seconds
    place = f"{'/'.join(Path(caller.f_code.co_filename).parts[-3:])}:{caller.f_lineno}"
    if name in CLAIMS:
        raise ValueError(f"{place}: the claim {name!r} is already defined at {CLAIMS[name].place}")
    if document not in DOCUMENTS or not scope:
        raise ValueError(f"{place}: {name!r} needs a scope and a document of {DOCUMENTS}")
    made = {wrong: _twin(statement, twin) for wrong, twin in twins.items()}
    if len(made) < 2:
        raise ValueError(f"{place}: {name!r} needs 2 or more twins, got {len(made)}")
    seen = {statement: "the claim itself"}
    for wrong, twin in made.items():
        if twin in seen:
            raise ValueError(
                f"{place}: the twin {wrong!r} of {name!r} must differ from {seen[twin]}, got the "
                "same statement; change it or leave it out"
            )
        seen[twin] = f"the twin {wrong!r}"
    CLAIMS[name] = Claim(name, statement, made, scope, document, argued, place)


def _twin(statement, twin):
    if isinstance(twin, Hypothesis):
        if twin not in statement.hypotheses:
            raise ValueError(f"not a hypothesis: {latex_hypothesis(twin)}")
        return statement.without(twin)
    if isinstance(twin, tuple):
        return replace(statement, left=node(twin[0]), right=node(twin[1]))
    return replace(statement, right=node(twin))
