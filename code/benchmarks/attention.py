"""Attention in blocks beside PyTorch, JAX and the plain function: time, memory, and how close to what the machine can do."""

import contextlib
import subprocess
import sys

import numpy as np

from benchmarks import measure
from benchmarks.measurements import D, HEADS, JAX_WHOLE_UP_TO, WIDE, WIDE_N
from solutions import memory_efficient, workers
from solutions.attention import multi_head_self_attention, scaled_dot_product_attention

SIZES = (512, 1024, 2048, 4096, 8192, 16384)
QUICK = (512, 2048)
PLAIN_UP_TO = 4096          # further up its weights fill the memory
TYPES = ("float32", "float64")


def inputs(N, dtype, heads=HEADS, scale=1):
    rng = np.random.default_rng(N)
    Q, K, V = (rng.standard_normal((heads, N, D)).astype(dtype) for _ in range(3))
    return (scale * Q).astype(dtype), K, V


def contestants(N, dtype, names=("ours", "torch", "jax", "plain"), scale=1):
    """Functions without arguments that compute the same (HEADS, N, D) outputs and give them back in their own type of array."""
    Q, K, V = inputs(N, dtype, scale=scale)
    made = {"ours": lambda: memory_efficient.memory_efficient_attention(Q, K, V)}
    if "torch" in names:
        made["torch"] = torch_attention(Q, K, V)
    if "jax" in names:
        made["jax"] = jax_attention(Q, K, V)
    if "plain" in names and N <= PLAIN_UP_TO:
        made["plain"] = lambda: scaled_dot_product_attention(Q, K, V)[0]
    return made


def torch_attention(Q, K, V):
    import torch
    torch.set_num_threads(workers.count())
    q, k, v = (torch.from_numpy(a)[None] for a in (Q, K, V))

    def run():
        with torch.inference_mode():
            return torch.nn.functional.scaled_dot_product_attention(q, k, v)[0]
    return run


def jax_attention(Q, K, V):
    import jax
    jax.config.update("jax_enable_x64", True)
    attend = jax.jit(jax.nn.dot_product_attention)  # (batch, N, heads, d)
    if Q.shape[-2] <= JAX_WHOLE_UP_TO:
        q, k, v = (jax.numpy.asarray(a.swapaxes(0, 1)[None]) for a in (Q, K, V))
        return lambda: attend(q, k, v).block_until_ready()[0].swapaxes(0, 1)
    heads = [[jax.numpy.asarray(a[None, :, None]) for a in head] for head in zip(Q, K, V)]
    return lambda: [attend(*head).block_until_ready()[0, :, 0] for head in heads]


def check_agreement(made, dtype):
    """Raise ValueError unless all compute the same: a fast wrong answer is no answer. JAX takes its logits in float32, whatever it is given."""
    ours = made["ours"]()
    for name, run in made.items():
        error, eps = np.abs(np.asarray(run()) - ours).max(), np.finfo("float32" if name == "jax" else dtype).eps
        if not error <= 100 * eps:
            raise ValueError(f"{name} and ours differ by {error:.1e} in {dtype}")


def times(quick):
    """One entry a type and size: the seconds of each round; and one with logits too wide to leave the maximum out."""
    cases = [(dtype, N, 1) for dtype in TYPES for N in (QUICK if quick else SIZES)]
    cases += [(dtype, 2048 if quick else WIDE_N, WIDE) for dtype in TYPES]
    entries = []
    for dtype, N, scale in cases:
        label = f"{dtype}, N = {N}" + ", wide logits" * (scale > 1)
        measure.progress(label)
        made = contestants(N, dtype, ("ours", "torch", "jax", "plain") if scale == 1 else ("ours", "torch"), scale)
        if N <= 1024:
            check_agreement(made, dtype)
        taken = measure.in_turns(made, 2 if quick else 5, label, least=3, patience=1)
        entries.append({"dtype": dtype, "N": N, "scale": scale, "seconds": rounded(taken)})
    return entries


def limits():
    """What the machine can do, on all its cores: multiplications and additions of a large product, exponentials, bytes copied, a second."""
    import torch
    torch.set_num_threads(workers.count())
    rates = {}
    for dtype in TYPES:
        measure.progress(f"rates in {dtype}")
        A = np.random.default_rng(0).standard_normal((2048, 2048)).astype(dtype)
        T = torch.from_numpy(A)
        product = min(measure.best(lambda: A @ A), measure.best(lambda: T @ T))
        X = np.random.default_rng(1).standard_normal((workers.count(), 2**17)).astype(dtype)

        def all_rows(function):
            def work(rows):
                for row in rows:
                    out = np.empty_like(X[row])
                    for _ in range(64):
                        function(X[row], out=out)
            return lambda: workers.run(work, range(len(X)))
        exponentials = min(measure.best(all_rows(np.exp)), measure.best(all_rows(np.exp2)))
        rates[dtype] = {"flops": 2 * 2048**3 / product, "exponentials": 64 * X.size / exponentials}
    big = np.zeros((workers.count(), 2**24))  # 128 MiB a core
    other = np.empty_like(big)

    def copy(rows):
        for row in rows:
            np.copyto(other[row], big[row])
    rates["bytes"] = 2 * big.nbytes / measure.best(lambda: workers.run(copy, range(len(big))))
    return {key: rounded(value) for key, value in rates.items()}


def memory(quick):
    """One entry a size: the bytes that each held at most beside its inputs and output, float32. Each is measured in a process of its own."""
    entries = []
    for N in QUICK if quick else SIZES:
        held = {}
        for name in ("ours", "torch", "jax", "plain"):
            if name in ("ours", "torch") or N <= JAX_WHOLE_UP_TO // (2 if name == "plain" else 1):
                measure.progress(f"memory, N = {N}, {name}")
                command = [sys.executable, "-m", "benchmarks.footprint", name, str(N)]
                held[name] = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        entries.append({"N": N, "bytes": held})
    return entries


def sheet(quick):
    """The sheet's case, N = 5 and D = 6: microseconds a call of multi-head attention and of PyTorch's module, float64."""
    import torch
    torch.set_num_threads(workers.count())
    rng, entries = np.random.default_rng(5), []
    X, *W = (rng.standard_normal(shape) for shape in [(5, 6)] + [(6, 6)] * 4)
    for H in (1, 3):
        module = torch.nn.MultiheadAttention(6, H, bias=False, batch_first=True, dtype=torch.float64).eval()
        module.load_state_dict({"in_proj_weight": torch.from_numpy(np.vstack(W[:3])), "out_proj.weight": torch.from_numpy(W[3])})
        x, calls = torch.from_numpy(X)[None], 200

        def ours():
            for _ in range(calls):
                Y, A = multi_head_self_attention(X, *W, H)
            return Y, A

        def theirs():
            with torch.inference_mode():
                for _ in range(calls):
                    Y, A = module(x, x, x, average_attn_weights=False)
            return Y[0], A[0]
        for a, b in zip(ours(), theirs()):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        taken = measure.in_turns({"ours": ours, "torch": theirs}, 1 if quick else 4, f"N = 5, D = 6, H = {H}")
        entries.append({"H": H, "seconds": rounded({name: [t / calls for t in values] for name, values in taken.items()})})
    return entries


def without(quick):
    """What each step brings: the time without it, N = 2048. Keys: what was done instead."""
    entries = []
    for dtype in TYPES:
        Q, K, V = inputs(1024 if quick else 2048, dtype)
        run = lambda: memory_efficient.memory_efficient_attention(Q, K, V)
        made = {"ours": run}
        for name, (module, attribute, value) in instead().items():
            made[name] = lambda change=(module, attribute, value): changed(*change, run)
        taken = measure.in_turns(made, 2 if quick else 4, f"without, {dtype}", least=3, patience=1)
        entries.append({"dtype": dtype, "N": len(Q[0]), "seconds": rounded(taken)})
    return entries


def instead():
    """{what is done instead: (module, attribute, its other value)}"""
    def exp_for_exp2(X, out):
        return np.exp(X, out=out)  # other weights, the same work

    class NumPyWithExp:
        exp2 = staticmethod(exp_for_exp2)

        def __getattr__(self, name):
            return getattr(np, name)
    return {
        "the listing above, always": (memory_efficient, "without_maximum", lambda *arguments: None),
        "exp instead of exp2": (memory_efficient, "np", NumPyWithExp()),
        "blocks of 128 x 128": (memory_efficient, ("QUERIES", "BLOCK"), (128, 128 * 128 * 4)),
        "one worker, the BLAS with all threads": (workers, "_BLAS", Free(1)),
        "the BLAS not held": (workers, "_BLAS", Free(workers.count())),
    }


class Free:
    """Instead of a hold on the BLAS: it says how many workers are wanted, and leaves the BLAS all its threads."""

    def __init__(self, count):
        self.num_threads, self.lib_controllers = count, [self]

    @contextlib.contextmanager
    def limit(self, limits):
        self.num_threads, before = limits, self.num_threads
        yield
        self.num_threads = before


def changed(module, attributes, values, run):
    if isinstance(attributes, str):
        attributes, values = (attributes,), (values,)
    before = [getattr(module, name) for name in attributes]
    try:
        for name, value in zip(attributes, values):
            setattr(module, name, value)
        return run()
    finally:
        for name, value in zip(attributes, before):
            setattr(module, name, value)


def rounded(values):
    """Numbers to 4 significant digits, for the file; nan as None."""
    if isinstance(values, dict):
        return {key: rounded(value) for key, value in values.items()}
    if isinstance(values, list):
        return [rounded(value) for value in values]
    return None if np.isnan(values) else float(f"{values:.4g}")
