"""The attack: the deciders are given each mutant of a claim, a statement that differs in one place.

A mutant that they accept is true, or they have accepted something false. The judge, which shares
only the vocabulary with them, decides which of the two. `attack.json` records what was counted for
each claim.

    report(attack(["simplex"]))     # prints and records: simplex: 140 mutants, 90 refused, ...
"""

import json
import signal
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from proofs import deciders, mutants, runner
from proofs.notation import IllFormed, Undecided

MAX_SECONDS = 20  # of computing for one mutant; one that is decided takes 5 on a busy machine
OUTCOMES = (
    "refused",  # not proved
    "ill_formed",  # shapes or indices that do not fit
    "undecided",  # no decider has a rule, or no numbers meet the hypotheses
    "accepted_true",
    "accepted_false",  # proved, but false in numbers: a Disagreement
    "crashed",
)


@contextmanager
def at_most(seconds):
    """TimeoutError after so many seconds of computing: SymPy may never return from an integral."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(statement):
    """(one of OUTCOMES, the error of a crash)."""
    try:
        with at_most(MAX_SECONDS):
            return "accepted_true" if deciders.holds(statement, samples=4) else "refused", ""
    except IllFormed:
        return "ill_formed", ""
    except (Undecided, TimeoutError):
        return "undecided", ""
    except deciders.Disagreement:
        return "accepted_false", ""
    except Exception as error:  # a decider must raise its own exceptions
        return "crashed", repr(error)


def attack_one(name):
    """(name, counts, [(rule, outcome, error, LaTeX)] of what was not rejected)."""
    counts, shown = dict.fromkeys(("mutants", *OUTCOMES), 0), []
    for rule, mutant in mutants.mutants(runner.load()[name].statement):
        found, error = outcome(mutant)
        counts["mutants"] += 1
        counts[found] += 1
        if found.startswith(("accepted", "crashed")):
            shown.append((rule, found, error, mutant.latex() + "   " + mutant.latex_hypotheses()))
    return name, counts, shown


def attack(names):
    """The results of attack_one for each name, in parallel, as they come."""
    with ProcessPoolExecutor() as pool:
        tasks = [pool.submit(attack_one, name) for name in names]
        for task in as_completed(tasks):
            yield task.result()


def report(results):
    """Print the counts and what was accepted; 0 if nothing false was.

    The counts of these claims are entered into runner.RECORD; those of others stay there.
    """
    total, by_rule, faults = Counter(), Counter(), 0
    for name, counts, shown in results:
        print(f"{name}: " + ", ".join(f"{n} {key}" for key, n in counts.items() if n), flush=True)
        total.update(counts)
        enter(name, counts)
        for rule, found, error, text in shown:
            if found == "accepted_true":
                by_rule[rule.rpartition(": ")[2]] += 1
            else:
                faults += 1
                print(f"{found}: {name} ({rule}){error and ': ' + error}: {text}")
    print("in all: " + ", ".join(f"{n} {key}" for key, n in total.items()))
    print("accepted and true, by the change that made them:")
    for rule, n in by_rule.most_common():
        print(f"  {n:5} {rule}")
    return 1 if faults else 0


def enter(name, counts):
    """Enter the counts of one claim into runner.RECORD, in the order of the claims."""
    kept = json.loads(runner.RECORD.read_text(encoding="utf-8"))
    kept[name] = {"statement": runner.load()[name].statement.digest(), **counts}
    lines = [f"{json.dumps(n)}: {json.dumps(kept[n])}" for n in runner.load() if n in kept]
    runner.RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
