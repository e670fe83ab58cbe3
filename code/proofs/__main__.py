"""python -m proofs: run all checks and print the ledger. python -m proofs NAME: one claim, its statement and twins.

python -m proofs --measure: all checks one after the other, their seconds written to seconds.json for the report.
"""

import json
import os
import platform
import sys
from pathlib import Path

from proofs import runner


def main(names):
    claims = runner.load()
    unknown = [name for name in names if name not in claims]
    if unknown:
        print(f"no claim is called {unknown[0]!r}; there are:\n  " + "\n  ".join(claims), file=sys.stderr)
        return 2
    outcomes = {name: runner.run_one(name) for name in names} if names else runner.run()
    width = max(map(len, outcomes))
    for name, outcome in outcomes.items():
        claim = claims[name]
        verdict = _colour("holds", 32) if outcome.holds else _colour("FAILS", 31)
        twins = f"{outcome.rejected}/{len(claim.false_twins)} twins rejected"
        print(f"{verdict}  {name:{width}}  {claim.scope:7}  {twins}  {outcome.seconds:6.2f} s")
        for problem in outcome.problems:
            print(f"       {problem}")
        if names:
            print(f"\n  {claim.statement.latex()}\n  over: {claim.over}")
            for wrong, twin in claim.false_twins.items():
                print(f"  false twin, {wrong}: {twin.latex()}")
            if claim.by_hand:
                print(f"  not checked here: {claim.by_hand}")
    failed = [name for name, outcome in outcomes.items() if not outcome.holds]
    rejected, seconds = sum(o.rejected for o in outcomes.values()), sum(o.seconds for o in outcomes.values())
    print(f"{len(outcomes) - len(failed)} claims hold, {len(failed)} fail, {rejected} false twins rejected, {seconds:.1f} s of checks")
    return 1 if failed else 0


def measure():
    """Time every check alone. The report prints what this machine took, so that a build's own speed never enters it."""
    outcomes = [runner.run_one(name) for name in runner.load()]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}"
    data = {"machine": machine, "seconds": {outcome.name: round(outcome.seconds, 3) for outcome in outcomes}}
    Path(__file__).with_name("seconds.json").write_text(json.dumps(data, indent=1) + "\n")
    return 0


def _colour(text, code):
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


if __name__ == "__main__":
    sys.exit(measure() if sys.argv[1:] == ["--measure"] else main(sys.argv[1:]))
