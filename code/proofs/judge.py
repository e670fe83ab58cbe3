"""An independent judge: whether a statement holds in floating-point numbers.

It reads the same trees as the deciders. Besides notation.py, the vocabulary with its ways to walk a
tree, they share no code.

    judge.holds_numerically(Statement(times(A, B), times(B, A)))     # False
"""

import math

import numpy as np

from proofs.notation import Undefined, expand
from proofs.sample import Sample

TOLERANCE = 1e-6
SIZES = (
    dict(N=3, D=4, d=2, H=2, d_h=2, D_p=2, n=4, r_x=2, r_p=1, h=2, v=2),
    dict(N=2, D=2, d=3, H=3, d_h=1, D_p=3, n=3, r_x=1, r_p=1, h=1, v=2),
)


def holds_numerically(statement, tries=12, enough=4):
    """True or False: whether the statement holds in random samples, until `enough` have agreed.

    None if no sample meets the hypotheses.
    """
    agreed = 0
    for seed in range(tries):
        try:
            if not _agrees(statement, seed):
                return False
            agreed += 1
        except (Undefined, np.linalg.LinAlgError, OverflowError):
            continue
        if agreed == enough:
            break
    return True if agreed else None


def _agrees(statement, seed):
    """True if both sides agree in one sample, for all values of the free indices."""
    sizes = SIZES[seed % 2]
    sample = Sample(statement, sizes, seed)
    supposed = [part for h in statement.hypotheses if h.kind != "where" for part in h.parts]
    assignments = list(sample.assignments([statement.left, statement.right, *supposed]))
    if not assignments:
        raise Undefined("no indices meet the hypotheses")
    for env in assignments:
        if any(h.kind == "equal" for h in statement.hypotheses):
            sample.draw_all()  # what was moved for other values of the indices is undone
        sample.satisfy(env)
        for group in sample.groups:
            group.check()
        if _gap(sample, statement.left, statement.right, env) > TOLERANCE:
            return False
    return True


def _gap(sample, left, right, env):
    """How far two sides are apart, relative to their size; tuples part by part."""
    left, right = expand(left), expand(right)
    if left.head == right.head == "tuple" and len(left.args) == len(right.args):
        return max(_gap(sample, a, b, env) for a, b in zip(left.args, right.args, strict=True))
    found, values = sample.matrix(left, env), sample.matrix(right, env)
    if np.shape(found) != np.shape(values):
        return math.inf
    size = 1 + np.abs(found).max() + np.abs(values).max()
    return float(np.abs(np.subtract(found, values)).max() / size)
