"""python -m proofs            check all claims
python -m proofs NAME ...   check these
python -m proofs --attack   try every one-place mutation of each claim
"""

import argparse
import os
import sys
from difflib import get_close_matches

from proofs import attack, runner


def main(arguments=None):
    """Exit status 0 if all holds, 1 if not, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(prog="python -m proofs", usage=__doc__.strip())
    parser.add_argument("names", nargs="*")
    parser.add_argument("--attack", action="store_true")
    options = parser.parse_args(arguments)
    claims = runner.load()
    unknown = [name for name in options.names if name not in claims]
    if unknown:
        close = get_close_matches(unknown[0], claims, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ", and none is like it"
        print(f"there is no claim {unknown[0]!r}{hint}", file=sys.stderr)
        return 2
    names = options.names or list(claims)
    if options.attack:
        return attack.report(attack.attack(names))
    verdicts = runner.run(names)
    for name, verdict in verdicts.items():
        found = "holds" if verdict.holds else "FAILS"
        print(f"{found}  {name}  ({verdict.rejected_twins} twins rejected)")
        for problem in verdict.problems:
            print(f"       {problem}")
        if options.names:
            print(f"       {claims[name].statement.latex()}")
            print(f"       {claims[name].statement.latex_hypotheses()}")
    failed = sum(not verdict.holds for verdict in verdicts.values())
    rejected = sum(verdict.rejected_twins for verdict in verdicts.values())
    print(f"claims: {len(verdicts) - failed} hold, {failed} fail; {rejected} twins rejected")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
