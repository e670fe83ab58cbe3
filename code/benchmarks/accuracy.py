"""How far from the truth? The attention functions beside PyTorch's CPU kernels, all against 50-digit arithmetic.

    PYTHONPATH=code python -m benchmarks.accuracy

Each entry: the median and the largest error of an output, in units in the last place of the largest output of its row.
PyTorch is left out where it is not installed; this project does not depend on it.
"""

import mpmath
import numpy as np

from solutions.attention import multi_head_self_attention, scaled_dot_product_attention

mpmath.mp.dps = 50
N, D, H, DRAWS = 16, 12, 3, 5
digits, exp = np.frompyfunc(lambda x: mpmath.mpf(float(x)), 1, 1), np.frompyfunc(mpmath.exp, 1, 1)


def inputs(kind, rng):
    """X (N, D) and W_q, W_k, W_v, W_o (D, D)."""
    X, *W = (rng.standard_normal((n, D)) for n in (N, D, D, D, D))
    if kind == "logits to 1e4":
        W[0] *= 1e4 * D ** 0.5 / np.abs(X @ W[0].T @ W[1] @ X.T).max()
    if kind == "near ties at 1e4":  # one direction gives every logit the same large share
        X[:, 0] = 1
        W[0] = W[1] = np.diag([(1e4 * D ** 0.5) ** 0.5] + [1] * (D - 1))
    if kind == "tiny":
        X, W = X * 1e-9, [w * 1e-6 for w in W]
    if kind == "ill-scaled":
        scales = 10.0 ** rng.integers(-4, 5, D)
        X, W = X * scales, [*(w / scales for w in W[:3]), W[3]]
    return [X, *W]


def exact_attention(Q, K, V):
    S = Q @ K.T / mpmath.sqrt(Q.shape[1])
    E = exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True) @ V


def exact_heads(X, W_q, W_k, W_v, W_o):
    heads = zip(*(np.split(X @ W.T, H, axis=1) for W in (W_q, W_k, W_v)))
    return np.concatenate([exact_attention(*head) for head in heads], axis=1) @ W_o.T


ONE = {"this code": lambda *QKV: scaled_dot_product_attention(*QKV)[0]}
SEVERAL = {"this code": lambda *arrays: multi_head_self_attention(*arrays, H)[0]}
try:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import multi_head_attention_forward, scaled_dot_product_attention as attend

    def torch_by(backend, Q, K, V):
        with sdpa_kernel(backend):
            return attend(*(torch.from_numpy(a)[None, None] for a in (Q, K, V)))[0, 0].numpy()

    def torch_heads(X, W_q, W_k, W_v, W_o):
        X, W_o, W_in = map(torch.from_numpy, (X, W_o, np.vstack([W_q, W_k, W_v])))
        return multi_head_attention_forward(X, X, X, D, H, W_in, *[None] * 3, False, 0.0, W_o, None, training=False)[0].numpy()

    ONE |= {f"torch {b.name}": lambda *QKV, b=b: torch_by(b, *QKV) for b in (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH)}
    SEVERAL |= {"torch": torch_heads}
except ImportError:
    print("PyTorch is not installed: without it")

for title, functions, exact in (("scaled dot-product attention", ONE, exact_attention), ("multi-head", SEVERAL, exact_heads)):
    print(f"\n{title:34}" + "".join(f"{name:>24}" for name in functions))
    for kind in ("random", "logits to 1e4", "near ties at 1e4", "tiny", "ill-scaled"):
        for dtype in (np.float32, np.float64):
            draws = [[a.astype(dtype) for a in inputs(kind, np.random.default_rng(seed))] for seed in range(DRAWS)]
            if functions is ONE:
                draws = [[X @ W.T for W in weights[:3]] for X, *weights in draws]
            truths = [exact(*map(digits, arrays)) for arrays in draws]
            cells = ""
            for function in functions.values():
                ulps = np.concatenate([np.abs(digits(function(*a)) - Y) / np.spacing(np.abs(Y).max(axis=1)[:, None].astype(dtype))
                                       for a, Y in zip(draws, truths)]).astype(float)
                cells += f"{f'{np.median(ulps):.2g} / {ulps.max():.2g}':>24}"
            print(f"{kind:20}{dtype.__name__:14}{cells}")
