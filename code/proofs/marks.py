"""The ledger in the report: a mark in the margin beside each claim, a row in the table at the end, checked both ways."""

import inspect
from difflib import get_close_matches
from pathlib import Path

from proofs import runner
from proofs.ledger import CLAIMS, ClaimFailed

EXERCISES = {"positional": "Exercise 1", "least_squares": "Exercise 3",
             "attention": "Computer assignment"}


class Marks:
    """Numbers the claims in the order in which the report makes them.

    Raises: ClaimFailed for a claim that does not hold or that the ledger lacks, one marked twice, and at the table
    for those never marked.
    """

    def __init__(self, cache=None):
        self.outcomes = runner.run(cache)
        self.numbers = {}
        self.printed = set()

    def mark(self, name):
        """The LaTeX of the mark for one claim."""
        self._known(name)
        if name in self.numbers:
            raise ClaimFailed(f"claim {name!r} is marked twice, first as number {self.numbers[name]}")
        if not self.outcomes[name].holds:
            raise ClaimFailed(f"claim {name!r}: " + "; ".join(self.outcomes[name].problems))
        self.numbers[name] = len(self.numbers) + 1
        return f"\\claimmark{{{self.numbers[name]}}}"

    def statement(self, name):
        """The claim's statement as LaTeX, from the object that its check is given."""
        self._known(name)
        self.printed.add(name)
        return CLAIMS[name].statement.latex()

    def rows(self):
        """(Claim, Outcome, number) of every claim, in the order of the marks."""
        missing = [name for name in CLAIMS if name not in self.numbers]
        if missing:
            places = ", ".join(f"{name!r} ({_place(CLAIMS[name])})" for name in missing)
            raise ClaimFailed(f"the report never makes the claim {places}; mark it where it is made, or delete it there")
        return [(CLAIMS[name], self.outcomes[name], number) for name, number in self.numbers.items()]

    def _known(self, name):
        if name not in CLAIMS:
            close = get_close_matches(name, CLAIMS, n=1)
            raise ClaimFailed(f"the ledger has no claim {name!r}" + (f"; is it {close[0]!r}?" if close else ""))


def _place(claim):
    """The file and line where it stands."""
    _, line = inspect.getsourcelines(claim.check)
    return f"code/{'/'.join(Path(inspect.getsourcefile(claim.check)).parts[-2:])}:{line}"
