"""The attention functions broken on purpose, one way at a time: the comparisons must notice.

Each breakage replaces one piece of the source text of solutions/attention.py.
"""

from pathlib import Path
from types import ModuleType

import comparisons
import pytest
from comparisons import (
    with_50_digits,
    with_loops,
    with_notebook_12_1,
    with_notebook_12_2,
    with_onnx_attention,
    with_onnx_heads,
    with_onnx_softmax,
)

from solutions import attention

SOURCE = Path(attention.__file__).read_text()
OURS = [with_loops, with_50_digits]
HEADS = [*OURS, with_notebook_12_2, with_onnx_heads]
PROJECTIONS = [*HEADS, with_notebook_12_1]
ATTENTION = [*PROJECTIONS, with_onnx_attention]
SPLIT, CALL = "np.split(W, n_heads)", "self_attention(X, W_q[h], W_k[h], W_v[h])"

# what is wrong: (the piece, its replacement, the comparisons that notice it; all others must not)
BREAKAGES = {
    "heads are columns of W": (SPLIT, "np.split(W.T, n_heads)", HEADS),
    "heads are interleaved rows": (SPLIT, "[W[h::n_heads] for h in range(n_heads)]", HEADS),
    "H rows to a head, not D / H": (SPLIT, "np.split(W, len(W) // n_heads)", HEADS),
    "every head gets the first rows": (CALL, CALL.replace("[h]", "[0]"), HEADS),
    "values of the next head": (CALL, CALL.replace("W_v[h]", "W_v[h - 1]"), HEADS),
    "heads in reverse": ("range(n_heads)", "reversed(range(n_heads))", HEADS),
    "heads stacked on the last axis": ("axis=-3)", "axis=-1)", [*OURS, with_onnx_heads]),
    "outputs interleaved, not joined": (
        "np.concatenate(outputs, axis=-1)",
        "np.stack(outputs, axis=-1).reshape(*X.shape[:-1], -1)",
        HEADS,
    ),
    "no scale": (" / d**0.5", "", ATTENTION),
    "scale d, not its root": ("d**0.5", "d", ATTENTION),
    "scale by D, not d_h": (CALL, CALL.replace("W_q[h]", "W_q[h] / n_heads**0.5"), HEADS),
    "scale by d_v, not d": (
        "d = Q.shape[-1]",
        "d = V.shape[-1]",
        [with_loops, with_onnx_attention, with_onnx_heads],
    ),
    "softmax over the queries": (
        "A = softmax(S)",
        "A = softmax(S.swapaxes(-1, -2)).swapaxes(-1, -2)",
        ATTENTION,
    ),
    "softmax divides by column sums": (
        "E.sum(axis=-1, keepdims=True)",
        "E.sum(axis=-2, keepdims=True)",
        comparisons.ALL,
    ),
    "softmax divides by the total": ("E.sum(axis=-1, keepdims=True)", "E.sum()", comparisons.ALL),
    "queries and keys exchanged": ("Q @ K.swapaxes(-1, -2)", "K @ Q.swapaxes(-1, -2)", ATTENTION),
    "weights transposed": ("return A @ V, A", "return A.swapaxes(-1, -2) @ V, A", ATTENTION),
    "keys from W_q": ("K = X @ W_k.T", "K = X @ W_q.T", PROJECTIONS),
    "values from W_k": ("V = X @ W_v.T", "V = X @ W_k.T", PROJECTIONS),
    "W_q not transposed": ("W_q.T", "W_q", PROJECTIONS),
    "W_k not transposed": ("W_k.T", "W_k", PROJECTIONS),
    "W_v not transposed": ("W_v.T", "W_v", PROJECTIONS),
    "W_o not transposed": ("W_o.T", "W_o", [*OURS, with_notebook_12_2]),
    "W_o left out": (" @ W_o.T", "", [*OURS, with_notebook_12_2]),
    "exp without the shift": ("S - S.max(axis=-1, keepdims=True)", "S", [with_onnx_softmax]),
}


@pytest.mark.parametrize("piece, replacement, noticed_by", list(BREAKAGES.values()), ids=BREAKAGES)
def test_a_breakage_is_noticed(piece, replacement, noticed_by):
    broken = changed(piece, replacement)
    for compare in comparisons.ALL:
        if compare in noticed_by:
            with pytest.raises((AssertionError, ValueError, RuntimeWarning)):
                compare(broken)
        else:
            compare(broken)


def test_an_unbroken_copy_passes():
    for compare in comparisons.ALL:
        compare(changed(SPLIT, SPLIT))


def changed(piece, replacement):
    assert SOURCE.count(piece) == 1, f"{piece!r} must stand once in attention.py"
    broken = ModuleType("broken")
    exec(compile(SOURCE.replace(piece, replacement), "broken", "exec"), broken.__dict__)
    return broken
