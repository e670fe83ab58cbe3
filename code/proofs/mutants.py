"""Statements that differ from a given one in a single place. They may be false or still true.

for rule, mutant in mutants(statement):     # ("left: sign", -x + y = y + x), ...
"""

from dataclasses import replace

from proofs.notation import INDEX_BINDERS, Hypothesis, IllFormed, Node, T, neg, node, permuted, walk
from proofs.shapes import matrix_shape

PARTNERS = dict(
    word.split("/")
    for word in "sum/prod prod/sum E/Var Var/E cos/sin sin/cos exp/cos stack/beside beside/stack "
    "add/mul mul/add trace/norm2 eye/ones".split()
)
WRAPPERS = (  # heads that may go and leave the first operand
    "T neg sqrt exp log inv E Var perm norm2 trace cos sin div pow diff sum prod gamma".split()
)
KEPT_WHOLE = ("gaussian", "random")  # hypotheses in which there is nothing to change


def mutants(statement):
    """(what was changed, the changed statement), each statement once."""
    nodes = {part for tree in statement.trees for part in walk(tree)}
    pool = sorted((n for n in nodes if n.head in ("letter", "index")), key=repr)
    seen = {statement}
    for rule, made in _all(statement, pool):
        if made not in seen:
            seen.add(made)
            yield rule, made


def _all(statement, pool):
    for side in ("left", "right"):
        for rule, tree in _changes(getattr(statement, side), pool):
            yield f"{side}: {rule}", replace(statement, **{side: tree})
    for place, (kind, parts) in enumerate((h.kind, h.parts) for h in statement.hypotheses):
        yield f"without the hypothesis {kind}", statement.without(statement.hypotheses[place])
        if kind not in KEPT_WHOLE:
            for number, part in enumerate(parts):
                for rule, tree in _changes(part, pool):
                    made = Hypothesis(kind, _with(parts, number, tree))
                    hypotheses = _with(statement.hypotheses, place, made)
                    yield f"{kind}: {rule}", replace(statement, hypotheses=hypotheses)


def _with(parts, place, *new):
    """A tuple with other parts, or none, in one place."""
    return (*parts[:place], *new, *parts[place + 1 :])


def _changes(tree, pool):
    """(rule, tree) for each change of one node of the tree."""
    yield from _changes_here(tree, pool)
    if tree.head in ("index", "eye", "ones", "zeros"):
        return  # the size is not printed
    for place, part in enumerate(tree.args[:1] if tree.head == "unit" else tree.args):
        for rule, made in _changes(part, pool):
            yield rule, Node(tree.head, _with(tree.args, place, made), tree.leaf)


def _changes_here(tree, pool):
    """The changes of the topmost node."""
    if tree.head == "index":
        for other in pool:
            if other.head == "index" and other.args == tree.args and other != tree:
                yield "another index", other
        yield "the next index", tree + 1
        yield "permuted", permuted(tree)
    elif tree.head == "num":
        yield "one more", node(tree.leaf[0] + 1)
        yield "one less", node(tree.leaf[0] - 1)
    else:
        if tree.head == "letter":
            yield from (("another letter", other) for other in pool if _is_like(other, tree))
        yield from _other_values(tree)
        if tree.head in PARTNERS:
            other = PARTNERS[tree.head]
            yield f"{other} for {tree.head}", Node(other, tree.args, tree.leaf)
        if tree.head in WRAPPERS:
            yield f"without {tree.head}", tree.args[0]
        yield from _other_operands(tree)


def _other_values(tree):
    if tree.head not in ("tuple", "infinity", "argmin", "perm"):
        yield "sign", neg(tree)
        yield "factor 2", Node("mul", (node(2), tree))
        yield "squared", Node("pow", (tree, node(2)))
        if _is_matrix(tree):
            yield "transposed", T(tree)


def _other_operands(tree):
    head, args, leaf = tree.head, tree.args, tree.leaf
    if head in ("add", "mul", "block", "tuple"):
        for place in range(len(args)):
            if len(args) > 1 and head != "block":
                yield "one left out", Node(head, _with(args, place), leaf)
            yield "one twice", Node(head, _with(args, place, args[place - 1]), leaf)
    if head not in ("integral", *INDEX_BINDERS):
        for place in range(len(args) - 1):
            swapped = (*args[:place], args[place + 1], args[place], *args[place + 2 :])
            yield "exchanged", Node(head, swapped, leaf)
    if head in ("sum", "prod"):
        yield "limit moved", Node(head, _with(args, 3, args[3] - 1))
        yield "limit moved", Node(head, _with(args, 3, args[3] + 1))
    if head in ("E", "Var") and len(args) > 1:
        yield "not given", Node(head, args[:1])


def _is_matrix(tree):
    try:
        return matrix_shape(tree) != (node(1), node(1))
    except IllFormed:
        return True


def _is_like(other, tree):
    """True for another letter, with its indices, of the same kind."""
    if other.head != "letter" or other == tree:
        return False
    a, b = other.leaf[0], tree.leaf[0]
    return a.shape == b.shape and (a.domain == "natural") == (b.domain == "natural")
