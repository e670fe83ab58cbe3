"""The claims in a document: formulas with a tick, and the table of what was checked."""

import json
from difflib import get_close_matches

from proofs import runner
from proofs.claims import DOCUMENTS, ClaimFailed
from weaving import latex

TABLE = r"""\begin{checks}
\begin{longtable}{@{}r>{\raggedright\arraybackslash}p{101mm}%
>{\raggedright\arraybackslash}p{24mm}>{\raggedright\arraybackslash}p{17mm}%
>{\raggedleft\arraybackslash}p{13mm}@{}}
\toprule
& Claim: what it supposes & For & Decided by & Twins refused \\
\midrule
\endhead
ROWS
\bottomrule
\end{longtable}
\end{checks}"""


class Ledger:
    """Numbers the claims of one document in the order in which it displays them.

    document   "report" or "supplement"; a claim of the other one cannot be displayed here
    cache      where the verdicts are kept, or None
    Raises: ClaimFailed if a claim of the document does not hold.
    """

    def __init__(self, document: str, cache=None):
        if document not in DOCUMENTS:
            raise ValueError(f"document must be one of {DOCUMENTS}, got {document!r}")
        self.document = document
        self.all = runner.load()
        self.claims = {n: c for n, c in self.all.items() if c.document == document}
        self.verdicts = runner.run(self.claims, cache)
        self.numbers = {}
        failed = [
            f"{self.claims[v.name].place}: the claim {v.name!r} fails: {problem}"
            for v in self.verdicts.values()
            for problem in v.problems
        ]
        if failed:
            raise ClaimFailed("\n".join(failed))

    def formula(self, *names: str, lines: int = 0, end: str = "") -> str:
        """One display with the statements of the claims, each ticked.

        lines   1 breaks before the sign of equality, n also after every nth term on the right
        end     the punctuation that the sentence around it needs
        """
        numbers = ",".join(str(self._number(name)) for name in names)
        shown = r" \qquad ".join(self.claims[name].statement.latex(lines) for name in names)
        return rf"\checked{{{numbers}}}{{{_punctuate(shown, end)}}}"

    def inline(self, name: str) -> str:
        """The statement without a tick, for use between dollars."""
        return self._claim(name).statement.latex()

    def table(self) -> str:
        """The longtable of all claims; raises ClaimFailed if the document never displays one."""
        missing = [
            f"{claim.place}: the {self.document} never displays the claim {name!r}; display it "
            f"with ledger.formula({name!r}), or delete it"
            for name, claim in self.claims.items()
            if name not in self.numbers
        ]
        if missing:
            raise ClaimFailed("\n".join(missing))
        return TABLE.replace("ROWS", "\n".join(map(self._row, self.numbers)))

    def first_twin(self, name: str) -> str:
        """The LaTeX of the first twin of a claim."""
        return next(iter(self._claim(name).twins.values())).latex()

    def number_of(self, name: str) -> int:
        """The number of a claim that was displayed further up in the document."""
        return self.numbers[self._claim(name).name]

    def counts(self) -> dict:
        """claims, twins rejected, and what the last whole attack on these claims counted.

        With a record: mutants, and the outcomes of proofs.attack.OUTCOMES.
        """
        return {
            "claims": len(self.claims),
            "twins": sum(v.rejected_twins for v in self.verdicts.values()),
            **self._record(),
        }

    def how_it_was_attacked(self) -> str:
        """One to three sentences with the counts."""
        counts = self.counts()
        text = (
            f"The {latex.thousands(counts['twins'])} false statements that were written by hand "
            "are all refused."
        )
        if not counts.get("mutants"):
            return text
        kept = counts["accepted_true"]
        return (
            f"{text} A program also made {latex.thousands(counts['mutants'])} variants, each by "
            "changing a claim in a single place. Such a change need not make the claim false: it "
            f"may only exchange two terms of a sum. All but {latex.thousands(kept)} of them "
            "are refused, and a second program, which evaluates both sides for many numbers, found "
            "each of these to be true."
        )

    def _record(self):
        if not runner.RECORD.exists():
            return {}
        record = json.loads(runner.RECORD.read_text(encoding="utf-8"))
        mine = {
            name: counts
            for name, counts in record.items()
            if name in self.claims
            and counts.pop("statement") == self.claims[name].statement.digest()
        }
        faults = [n for n, counts in mine.items() if counts["accepted_false"] or counts["crashed"]]
        if faults:
            raise ClaimFailed(
                f"{runner.RECORD.name}: a false mutant was accepted, or a decider crashed, for "
                f'{", ".join(faults)}; make proofs-attack NAME="{" ".join(faults)}" shows which'
            )
        rows = list(mine.values())
        return {key: sum(row[key] for row in rows) for key in rows[0]} if rows else {}

    def _row(self, name):
        claim, verdict = self.claims[name], self.verdicts[name]
        argued = f"argued in the text: {claim.argued}" if claim.argued else ""
        supposed = "; ".join(filter(None, [claim.statement.latex_hypotheses(), argued]))
        text = rf"\emph{{{claim.title}}}" + (f": {supposed}" if supposed else "")
        return (
            rf"\claimrow{{{self.numbers[name]}}} & {text} & {claim.scope} & "
            rf"{verdict.decided_by} & {verdict.rejected_twins} \\[0.5pt]"
        )

    def _number(self, name):
        self._claim(name)
        if name in self.numbers:
            raise ClaimFailed(
                f"the claim {name!r} is displayed twice, first as number {self.numbers[name]}"
            )
        self.numbers[name] = len(self.numbers) + 1
        return self.numbers[name]

    def _claim(self, name):
        if name in self.claims:
            return self.claims[name]
        if name in self.all:
            raise ClaimFailed(
                f"the claim {name!r} belongs to the {self.all[name].document}, "
                f"not to the {self.document}"
            )
        close = get_close_matches(name, self.claims, n=1)
        hint = f"; is it {close[0]!r}?" if close else ""
        raise ClaimFailed(f"there is no claim {name!r}{hint}")


def _punctuate(shown, end):
    """A display with the punctuation after its last line."""
    last = r"\end{aligned}"
    return shown.removesuffix(last) + end + last if shown.endswith(last) else shown + end
