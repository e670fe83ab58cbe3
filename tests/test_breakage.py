"""The attention functions broken on purpose, one way at a time: the comparisons must notice.

Each breakage replaces one piece of the source text of code/solutions/attention.py and runs what comes out.
"""

from pathlib import Path
from types import ModuleType

import pytest

import comparisons
from comparisons import (with_50_digits, with_loops, with_notebook_12_1, with_notebook_12_2, with_onnx_attention,
                         with_onnx_heads, with_onnx_softmax)
from solutions import attention

SOURCE = Path(attention.__file__).read_text()
OURS = [with_loops, with_50_digits]
HEADS = [*OURS, with_notebook_12_2, with_onnx_heads]
PROJECTIONS = [*HEADS, with_notebook_12_1]
EVERY_ATTENTION = [*PROJECTIONS, with_onnx_attention]
SPLIT = "np.split(W, n_heads)"

# what is wrong: (the piece, its replacement, the comparisons that notice it; all others must not)
BREAKAGES = {
    "heads are columns of W": (SPLIT, "np.split(W.T, n_heads)", HEADS),
    "heads are interleaved rows": (SPLIT, "[W[h::n_heads] for h in range(n_heads)]", HEADS),
    "H rows to a head, not D / H": (SPLIT, "np.split(W, len(W) // n_heads)", HEADS),
    "every head gets the first rows": (SPLIT, "[W[:len(W) // n_heads] for h in range(n_heads)]", HEADS),
    "heads in reverse": ("(self_attention(X, *head) for head in heads)",
                         "[self_attention(X, *head) for head in heads][::-1]", HEADS),
    "heads stacked on the last axis": ("axis=-3)", "axis=-1)", [*OURS, with_onnx_heads]),
    "outputs interleaved, not joined": ("np.concatenate(Ys, axis=-1)", "np.stack(Ys, axis=-1).reshape(*X.shape[:-1], -1)", HEADS),
    "no scale": (" / math.sqrt(d_k)", "", EVERY_ATTENTION),
    "scale d, not its root": ("math.sqrt(d_k)", "d_k", EVERY_ATTENTION),
    "scale by D, not d_h": ("self_attention(X, *head)", "self_attention(X, head[0] / math.sqrt(n_heads), *head[1:])", HEADS),
    "scale by d_v, not d_k": ("d_k = Q.shape[-1]", "d_k = V.shape[-1]", [with_loops, with_onnx_attention, with_onnx_heads]),
    "softmax over the queries": ("A = softmax(S) ", "A = softmax(S.swapaxes(-1, -2)).swapaxes(-1, -2) ", EVERY_ATTENTION),
    "softmax divides by column sums": ("E.sum(axis=-1, keepdims=True)", "E.sum(axis=-2, keepdims=True)", comparisons.ALL),
    "softmax divides by the total": ("E.sum(axis=-1, keepdims=True)", "E.sum()", comparisons.ALL),
    "queries and keys exchanged": ("Q @ K.swapaxes(-1, -2)", "K @ Q.swapaxes(-1, -2)", EVERY_ATTENTION),
    "weights transposed": ("return A @ V, A", "return A.swapaxes(-1, -2) @ V, A", EVERY_ATTENTION),
    "keys from W_q": ("K = X @ W_k.T", "K = X @ W_q.T", PROJECTIONS),
    "values from W_k": ("V = X @ W_v.T", "V = X @ W_k.T", PROJECTIONS),
    "W_q not transposed": ("W_q.T", "W_q", PROJECTIONS),
    "W_k not transposed": ("W_k.T", "W_k", PROJECTIONS),
    "W_v not transposed": ("W_v.T", "W_v", PROJECTIONS),
    "W_o not transposed": ("W_o.T", "W_o", [*OURS, with_notebook_12_2]),
    "W_o left out": (" @ W_o.T", "", [*OURS, with_notebook_12_2]),
    "exp without the shift": ("np.exp(S - top)", "np.exp(S)", [with_onnx_softmax]),
}


@pytest.mark.parametrize("piece, replacement, noticed_by", list(BREAKAGES.values()), ids=BREAKAGES)
def test_a_breakage_is_noticed(piece, replacement, noticed_by):
    broken = break_it(piece, replacement)
    for compare in comparisons.ALL:
        if compare in OURS and compare in noticed_by:  # wrong numbers or sizes, not merely an error from NumPy
            with pytest.raises(AssertionError):
                compare(broken)
        elif compare in noticed_by:
            with pytest.raises((AssertionError, ValueError, RuntimeWarning)):
                compare(broken)
        else:
            compare(broken)


def test_an_unbroken_copy_passes():
    for compare in comparisons.ALL:
        compare(break_it(SPLIT, SPLIT))


def break_it(piece, replacement):
    assert SOURCE.count(piece) == 1, f"{piece!r} stands {SOURCE.count(piece)} times in attention.py, once is needed"
    broken = ModuleType("broken")
    exec(compile(SOURCE.replace(piece, replacement), "broken attention.py", "exec"), broken.__dict__)
    return broken
