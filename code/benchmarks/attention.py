"""Attention in blocks beside PyTorch, JAX and the plain function: time, memory, and the limits."""

import itertools
import subprocess
import sys
from collections.abc import Callable

import numpy as np

from benchmarks import measure
from benchmarks.measurements import HEADS, MAX_WHOLE_JAX, D
from solutions import memory_efficient, workers
from solutions.attention import scaled_dot_product_attention

SIZES = (512, 1024, 2048, 4096, 8192, 16384)
MAX_PLAIN = 4096  # inputs: beyond, the weights fill the memory
TYPES = ("float32", "float64")


def contestants(N: int, dtype: str, names=("ours", "torch", "jax", "plain")) -> dict[str, Callable]:
    """{name: function without arguments}; all compute the same outputs (HEADS, N, D)."""
    rng = np.random.default_rng(N)
    Q, K, V = (rng.standard_normal((HEADS, N, D)).astype(dtype) for _ in range(3))
    made = {"ours": lambda: memory_efficient.memory_efficient_attention(Q, K, V)}
    if "torch" in names:
        made["torch"] = torch_attention(Q, K, V)
    if "jax" in names:
        made["jax"] = jax_attention(Q, K, V)
    if "plain" in names and N <= MAX_PLAIN:
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
    if Q.shape[-2] <= MAX_WHOLE_JAX:
        q, k, v = (jax.numpy.asarray(a.swapaxes(0, 1)[None]) for a in (Q, K, V))
        return lambda: attend(q, k, v).block_until_ready()[0].swapaxes(0, 1)
    heads = [[jax.numpy.asarray(a[None, :, None]) for a in head] for head in zip(Q, K, V)]
    return lambda: [attend(*head).block_until_ready()[0, :, 0] for head in heads]


def check_agreement(made: dict[str, Callable], dtype: str) -> None:
    """Raise ValueError unless all compute the same; JAX always takes its scores in float32."""
    ours = made["ours"]()
    for name, run in made.items():
        error = np.abs(np.asarray(run()) - ours).max()
        if not error <= 100 * np.finfo("float32" if name == "jax" else dtype).eps:
            raise ValueError(f"{name} must agree with ours in {dtype}, got a difference of {error}")


def times() -> list[dict]:
    """One entry per type and size: the seconds of each round."""
    entries = []
    for dtype, N in itertools.product(TYPES, SIZES):
        measure.progress(f"{dtype}, N = {N}")
        made = contestants(N, dtype)
        if N <= 1024:
            check_agreement(made, dtype)
        taken = measure.in_turns(made, seconds=5)
        entries.append({"dtype": dtype, "N": N, "seconds": measure.round_all(taken)})
    return entries


def limits() -> dict:
    """What all cores do per second: operations of a large product, exponentials, bytes copied."""
    cores, rates = workers.count(), {}
    for dtype in TYPES:
        measure.progress(f"rates in {dtype}")
        A = np.random.default_rng(0).standard_normal((2048, 2048)).astype(dtype)
        X = np.random.default_rng(1).standard_normal((cores, 2**17)).astype(dtype)
        exponentials = min(seconds_by_row(function, X, 64) for function in (np.exp, np.exp2))
        rates[dtype] = {
            "flops": 2 * 2048**3 / measure.best(lambda A=A: A @ A),
            "exponentials": 64 * X.size / exponentials,
        }
    big = np.zeros((cores, 2**24))  # 128 MiB per core
    copying = seconds_by_row(lambda row, output: np.copyto(output, row), big)
    return measure.round_all(rates | {"bytes": 2 * big.nbytes / copying})


def seconds_by_row(function: Callable, X: np.ndarray, times: int = 1) -> float:
    """The shortest time of calling function(row, output) on each row of X, one row to a core."""
    outputs = np.empty_like(X)

    def work(rows):
        for row in rows:
            for _ in range(times):
                function(X[row], outputs[row])

    return measure.best(lambda: workers.run(work, range(len(X))))


def memory() -> list[dict]:
    """One entry per size: the most bytes held beside inputs and output, float32.

    Each is measured in a process of its own.
    """
    entries = []
    for N in SIZES:
        held = {}
        most = {"ours": N, "torch": N, "jax": MAX_WHOLE_JAX, "plain": MAX_PLAIN}
        for name in most:
            if most[name] >= N:
                measure.progress(f"memory, N = {N}, {name}")
                command = [sys.executable, "-m", "benchmarks.footprint", name, str(N)]
                held[name] = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        entries.append({"N": N, "bytes": held})
    return entries
