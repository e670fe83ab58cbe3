"""The attack: from each statement's own tree, every statement that differs from it in one place.

If a check accepts a mutant, either it has accepted a falsehood or the mutant is true. The judge,
which shares only the vocabulary with the check, decides which of the two. A true statement must
stay accepted when its letters are renamed.
"""

import json
import random
import signal
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from proofs import deciders, judge, runner
from proofs.forms import Undecided
from proofs.ledger import Statement
from proofs.notation import Hypothesis, IllFormed, Node, T, matrix_shape, neg, node, permuted, walk

PATIENCE = 5  # seconds for one mutant
RECORD = Path(__file__).with_name("attack.json")
PARTNERS = {
    "sum": "prod",
    "prod": "sum",
    "E": "Var",
    "Var": "E",
    "cos": "sin",
    "sin": "cos",
    "exp": "cos",
    "stack": "beside",
    "beside": "stack",
    "add": "mul",
    "mul": "add",
    "trace": "norm2",
    "eye": "ones",
}
VERDICTS = (
    "refused",  # the check says no
    "ill_formed",  # shapes or indices that do not fit
    "undecided",  # the check has no rule, which is a no
    "accepted_true",
    "accepted_false",  # as the judge says
    "vacuous",  # accepted; no numbers meet the changed hypotheses
    "crashed",
)
WRAPPERS = (
    "T",
    "neg",
    "sqrt",
    "exp",
    "log",
    "inv",
    "E",
    "Var",
    "perm",
    "norm2",
    "trace",
    "cos",
    "sin",
    "div",
    "pow",
    "diff",
    "sum",
    "prod",
    "gamma",
)
BINDERS = ("sum", "prod", "stack", "beside")
KEPT_WHOLE = ("gaussian", "random")  # hypotheses that have nothing to change inside


def mutants(statement):
    """(what was changed, the changed statement), each statement once."""
    pool = sorted(
        {
            part
            for tree in _trees(statement)
            for part in walk(tree)
            if part.head in ("letter", "index")
        },
        key=str,
    )
    seen = {statement}
    for rule, made in _all(statement, pool):
        if made not in seen:
            seen.add(made)
            yield rule, made


def _trees(statement):
    return (statement.left, statement.right, *(p for h in statement.hypotheses for p in h.parts))


def _all(statement, pool):
    for side in ("left", "right"):
        for rule, tree in changed(getattr(statement, side), pool):
            yield f"{side}: {rule}", replace(statement, **{side: tree})
    for place, hypothesis in enumerate(statement.hypotheses):
        yield f"without the hypothesis {hypothesis.kind}", statement.without(hypothesis)
        if hypothesis.kind in KEPT_WHOLE:
            continue
        for number, part in enumerate(hypothesis.parts):
            for rule, tree in changed(part, pool):
                parts = (*hypothesis.parts[:number], tree, *hypothesis.parts[number + 1 :])
                others = (
                    *statement.hypotheses[:place],
                    Hypothesis(hypothesis.kind, parts),
                    *statement.hypotheses[place + 1 :],
                )
                yield f"{hypothesis.kind}: {rule}", replace(statement, hypotheses=others)


def changed(tree, pool):
    """(rule, tree) for each change of one node of the tree."""
    for rule, made in _here(tree, pool):
        yield rule, made
    if tree.head in ("index", "eye", "ones", "zeros"):
        return  # the size is not printed
    for place, part in enumerate(tree.args[:1] if tree.head == "unit" else tree.args):
        for rule, made in changed(part, pool):
            args = (*tree.args[:place], made, *tree.args[place + 1 :])
            yield rule, Node(tree.head, args, tree.leaf)


def _here(tree, pool):
    """The changes of the topmost node."""
    head, args = tree.head, tree.args
    if head == "index":
        yield from (
            ("another index", other)
            for other in pool
            if other.head == "index" and other.args == args and other != tree
        )
        yield "the next index", tree + 1
        yield "permuted", permuted(tree)
        return
    if head == "num":
        yield "one more", node(tree.leaf[0] + 1)
        yield "one less", node(tree.leaf[0] - 1)
        return
    if head == "letter":
        yield from (("another letter", other) for other in pool if _like(other, tree))
    if head not in ("tuple", "infinity", "argmin", "perm"):
        yield "sign", neg(tree)
        yield "factor 2", Node("mul", (node(2), tree))
        yield "squared", Node("pow", (tree, node(2)))
        if _is_matrix(tree):
            yield "transposed", T(tree)
    if head in PARTNERS:
        yield f"{PARTNERS[head]} for {head}", Node(PARTNERS[head], args, tree.leaf)
    if head in WRAPPERS:
        yield f"without {head}", args[0]
    if head in ("add", "mul", "block", "tuple"):
        for place in range(len(args)):
            if len(args) > 1 and head != "block":
                yield "one left out", Node(head, (*args[:place], *args[place + 1 :]), tree.leaf)
            yield (
                "one twice",
                Node(head, (*args[:place], args[place - 1], *args[place + 1 :]), tree.leaf),
            )
    if len(args) > 1 and head not in ("integral", *BINDERS):
        for place in range(len(args) - 1):
            swapped = (*args[:place], args[place + 1], args[place], *args[place + 2 :])
            yield "exchanged", Node(head, swapped, tree.leaf)
    if head in ("sum", "prod"):
        yield "limit moved", Node(head, (*args[:3], args[3] - 1))
        yield "limit moved", Node(head, (*args[:3], args[3] + 1))
    if head in ("E", "Var") and len(args) > 1:
        yield "not given", Node(head, args[:1])


def _is_matrix(tree):
    try:
        return matrix_shape(tree) != (node(1), node(1))
    except IllFormed:
        return True


def _like(other, tree):
    """Another letter, with its indices, of the same kind."""
    if other.head != "letter" or other == tree:
        return False
    a, b = other.leaf[0], tree.leaf[0]
    return a.shape == b.shape and (a.domain == "natural") == (b.domain == "natural")


# Other letters


def renamed(statement, indices, letters):
    """The statement with other names for its indices and letters, each given as {old: new}."""

    def tree_(tree):
        leaf = tree.leaf
        if tree.head == "index":
            leaf = (indices.get(leaf[0], leaf[0]),)
        elif tree.head == "letter":
            letter = leaf[0]
            leaf = (
                replace(
                    letter,
                    name=letters.get(letter.name, letter.name),
                    tex="" if letter.name in letters else letter.tex,
                    over=tuple(part and tree_(part) for part in letter.over),
                    shape=tuple(map(dimension, letter.shape)),
                ),
            )
        return Node(tree.head, tuple(map(tree_, tree.args)), leaf)

    def dimension(part):
        if isinstance(part, tuple):
            return tuple(p if isinstance(p, str) else dimension(p) for p in part)
        return tree_(part)

    return Statement(
        tree_(statement.left),
        tree_(statement.right),
        tuple(Hypothesis(h.kind, tuple(map(tree_, h.parts))) for h in statement.hypotheses),
    )


def renamings(statement):
    """Other names: all indices moved on by one, reversed, and letters that come last or first."""
    indices = sorted({p.leaf[0] for t in _trees(statement) for p in walk(t) if p.head == "index"})
    letters = sorted(
        {p.leaf[0].name for t in _trees(statement) for p in walk(t) if p.head == "letter"} - {"pi"}
    )
    yield renamed(statement, dict(zip(indices, indices[1:] + indices[:1], strict=True)), {})
    yield renamed(statement, dict(zip(indices, reversed(indices), strict=True)), {})
    for prefix in ("A", "z"):
        new = {name: f"{prefix}{k}" for k, name in enumerate(reversed(letters))}
        yield renamed(statement, {}, new)


# The attack


def verdict(statement):
    """One of VERDICTS."""
    try:
        if not deciders.holds(statement):
            return "refused"
    except IllFormed:
        return "ill_formed"
    except Undecided:
        return "undecided"
    return {True: "accepted_true", False: "accepted_false", None: "vacuous"}[judge.says(statement)]


@contextmanager
def at_most(seconds):
    """TimeoutError after so many seconds: an integral may keep SymPy busy for ever."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attack_one(name, share=1.0):
    """(name, counts, [(rule, verdict, LaTeX)] of all that was accepted, letters that matter)."""
    statement = runner.load()[name].statement
    made = list(mutants(statement))
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
        if found == "vacuous" and rule.startswith(("left", "right")):
            found = "accepted_false"  # the hypotheses are those of the claim: it must be judged
        counts[found] += 1
        if found.startswith(("accepted", "vacuous", "crashed")):
            accepted.append((rule, found, mutant.latex() + "   " + mutant.latex_hypotheses()))
    spoilt = [other.latex() for other in renamings(statement) if runner.is_refused(other)]
    return name, counts, accepted, spoilt


def attack(names, share=1.0, workers=None):
    """The results of attack_one for each name, in parallel, as they come."""
    with ProcessPoolExecutor(workers) as pool:
        tasks = [pool.submit(attack_one, name, share) for name in names]
        for task in as_completed(tasks):
            yield task.result()


# Why a changed statement may still be true, by the kind of change.
REASONS = {
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
    "limit moved": "a sum that stands in a meaning, the same for both sides",
    "without the hypothesis random": "it says what is random; the statement also holds for numbers",
}


def report(results, record=None):
    """Print the counts and what was accepted; 0 if nothing false was, and no name mattered.

    The counts of these claims are entered into the file `record`; those of others stay there.
    """
    total, by_rule, bad = Counter(), Counter(), 0
    for name, counts, accepted, spoilt in results:
        print(f"{name}: " + ", ".join(f"{n} {key}" for key, n in counts.items() if n), flush=True)
        total.update(counts)
        enter(record, name, counts)
        for rule, found, text in accepted:
            by_rule[rule.rpartition(": ")[2]] += found == "accepted_true"
            if found not in ("accepted_true", "vacuous"):
                bad += 1
                print(f"{found}: {name} ({rule}): {text}")
        for text in spoilt:
            bad += 1
            print(f"refused in other letters: {name}: {text}")
    print("in all: " + ", ".join(f"{n} {key}" for key, n in total.items()))
    print("accepted and true:")
    for rule, n in by_rule.most_common():
        print(f"  {n:5} {rule}: {REASONS.get(rule, 'see above, or run the attack on one claim')}")
    return 1 if bad else 0


def enter(record, name, counts):
    """Enter the counts of one claim into the file, in the order of the claims, or do nothing."""
    if record is None:
        return
    record = Path(record)
    kept = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    kept[name] = {"statement": runner.load()[name].statement.digest(), **counts}
    lines = [f"{json.dumps(n)}: {json.dumps(kept[n])}" for n in runner.load() if n in kept]
    record.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
