"""The attack: every check is given all statements that differ from its claim in one place.

If a check accepts a mutant, either it has accepted a falsehood or the mutant is true. The judge,
which shares only the vocabulary with the check, decides which of the two. And a true statement must
stay accepted when its letters are renamed. `attack.json` records what was counted for each claim.

    report(attack(["simplex"]))     # prints and records: simplex: 140 mutants, 90 refused, ...
"""

import json
import random
import signal
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from proofs import deciders, judge, mutants, runner
from proofs.notation import IllFormed, Undecided

PATIENCE = 5  # seconds of computing for one mutant, however busy the machine is
RECORD = Path(__file__).with_name("attack.json")
VERDICTS = (
    "refused",  # the check says no
    "ill_formed",  # shapes or indices that do not fit
    "undecided",  # the check has no rule, or no numbers meet the hypotheses, which is a no
    "accepted_true",
    "accepted_false",  # as the judge says
    "crashed",
)
REASONS = {  # why a changed statement may still be true, by the kind of change
    "sign": "an even power, or a meaning that the statement does not depend on",
    "factor 2": "a meaning of which only its being the same on both sides is used",
    "squared": "as with a factor; or 0, 1 and deltas, which are their own squares",
    "exchanged": "the terms of a sum, the factors of a product of numbers",
    "one twice": "as with a factor",
    "another letter": "a meaning that holds for any letter",
    "another index": "the name of a bound index; or both sides are read for all indices",
    "transposed": "in a square that is traced or in a meaning that holds for any matrix",
    "permuted": "a statement for all indices holds for permuted ones",
    "the next index": "a meaning that the statement does not depend on",
    "limit moved": "a sum in a meaning, the same for both sides",
    "without the hypothesis random": "it says what is random; the statement also holds for numbers",
}


def verdict(statement):
    """One of VERDICTS."""
    try:
        if not deciders.is_proved(statement):
            return "refused"
    except IllFormed:
        return "ill_formed"
    except Undecided:
        return "undecided"
    said = judge.says(statement)
    return {True: "accepted_true", False: "accepted_false", None: "undecided"}[said]


@contextmanager
def at_most(seconds):
    """TimeoutError after so many seconds of computing: an integral may keep SymPy busy for ever."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def attack_one(name, share=1.0):
    """(name, counts, [(rule, verdict, LaTeX)] of all that was accepted, renamings refused)."""
    statement = runner.load()[name].statement
    made = list(mutants.mutants(statement))
    if share < 1:
        made = random.Random(name).sample(made, max(1, round(share * len(made))))
    counts = {"mutants": len(made), **dict.fromkeys(VERDICTS, 0)}
    accepted = []
    for rule, mutant in made:
        try:
            with at_most(PATIENCE):
                found = verdict(mutant)
        except TimeoutError:
            found = "undecided"
        except Exception as error:  # a decider must refuse in its own words
            found, rule = "crashed", f"{rule} ({error!r})"
        counts[found] += 1
        if found.startswith(("accepted", "crashed")):
            accepted.append((rule, found, mutant.latex() + "   " + mutant.latex_hypotheses()))
    renamed = mutants.renamings(statement)
    return name, counts, accepted, [s.latex() for s in renamed if runner.is_refused(s)]


def attack(names):
    """The results of attack_one for each name, in parallel, as they come."""
    with ProcessPoolExecutor() as pool:
        tasks = [pool.submit(attack_one, name) for name in names]
        for task in as_completed(tasks):
            yield task.result()


def report(results):
    """Print the counts and what was accepted; 0 if nothing false was, and no name mattered.

    The counts of these claims are entered into RECORD; those of others stay there.
    """
    total, by_rule, faults = Counter(), Counter(), 0
    for name, counts, accepted, spoilt in results:
        print(f"{name}: " + ", ".join(f"{n} {key}" for key, n in counts.items() if n), flush=True)
        total.update(counts)
        enter(name, counts)
        for rule, found, text in accepted:
            by_rule[rule.rpartition(": ")[2]] += found == "accepted_true"
            if found != "accepted_true":
                faults += 1
                print(f"{found}: {name} ({rule}): {text}")
        for text in spoilt:
            faults += 1
            print(f"refused in other letters: {name}: {text}")
    print("in all: " + ", ".join(f"{n} {key}" for key, n in total.items()))
    print("accepted and true:")
    for rule, n in by_rule.most_common():
        print(f"  {n:5} {rule}: {REASONS.get(rule, 'see above, or run the attack on one claim')}")
    return 1 if faults else 0


def enter(name, counts):
    """Enter the counts of one claim into RECORD, in the order of the claims."""
    kept = json.loads(RECORD.read_text(encoding="utf-8"))
    kept[name] = {"statement": runner.load()[name].statement.digest(), **counts}
    lines = [f"{json.dumps(n)}: {json.dumps(kept[n])}" for n in runner.load() if n in kept]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
