"""The supplement's part on long inputs: what was measured, as sentences, a table and curves."""

import numpy as np

from benchmarks import measurements as measured
from solutions import attention, memory_efficient
from weaving import latex

PRECISIONS = {"single": "float32", "double": "float64"}
RIVALS = {"PyTorch": "torch", "JAX": "jax", "CA 1 (a)": "plain"}
GIB, MIB = 2**30, 2**20


class Measurements:
    """The committed measurements; `make bench` measures another machine."""

    def __init__(self):
        self.results = measured.read()
        self.sizes = measured.sizes(self.results, "float32", "ours")

    def too_much(self):
        longest = max(self.sizes)
        size = measured.HEADS * longest**2 * 4 / GIB
        return (
            f"for {measured.HEADS} heads of {latex.thousands(longest)} tokens, {size:.0f}\\,GiB "
            "in single precision."
        )

    def deviations(self):
        """How far the function in blocks is from the one of CA 1 (a), computed by this build."""
        rng = np.random.default_rng(5)
        Q, K, V = rng.standard_normal((3, 2, 700, 16))
        found = []
        for scale in (1, 300):  # the larger scores overflow without their maximum
            blocks = memory_efficient.memory_efficient_attention(scale * Q, K, V)
            at_once, _ = attention.scaled_dot_product_attention(scale * Q, K, V)
            found.append(float(np.abs(blocks - at_once).max() / np.abs(at_once).max()))
        return (
            "On a random input, the result in blocks differs from that of CA~1~(a) by at most "
            f"{latex.scientific(found[0])} of its size, and with scores 300 times as large by at "
            f"most {latex.scientific(found[1])}."
        )

    def conditions(self):
        machine, runs = self.results["machine"], len(self.results["attention"])
        return (
            f"The times are for {measured.HEADS} heads of width {measured.D}, on "
            f"{latex.escape(machine['processor'])} with {machine['cores']} cores, with NumPy "
            f"{machine['NumPy']}, PyTorch {machine['torch']} and JAX {machine['jax']}. All took "
            f"turns, and each figure is the median over the rounds of {runs} runs. "
            "They were measured once and are kept in a file; only their ratios mean something on "
            r"another machine, and \texttt{make bench} measures yours."
        )

    def scaling(self):
        """What plots.memory.scaling draws."""
        names = ["plain", "jax", "torch", "ours"]
        return {
            "seconds": {name: measured.seconds(self.results, "float32", name) for name in names},
            "limit": {N: measured.limit(self.results, "float32", N) for N in self.sizes},
            "held": {name: measured.bytes_held(self.results, name) for name in names},
            "output": {N: measured.HEADS * N * measured.D * 4 for N in self.sizes},
        }

    def growth(self):
        """How memory grows, and how the times compare from the third size on."""
        held = {name: measured.bytes_held(self.results, name) for name in ("plain", "ours")}
        shortest, longest = min(self.sizes), max(self.sizes)
        ratios = [measured.ratio(self.results, "float32", N, "torch") for N in self.sizes[2:]]
        ours = measured.seconds(self.results, "float32", "ours")
        reached = [measured.limit(self.results, "float32", N) / ours[N] for N in self.sizes[2:]]
        return (
            "Memory beside inputs and output grows as "
            f"$N^{{{measured.slope(held['plain']):.1f}}}$ for the function of CA~1~(a). In blocks "
            rf"it is {held['ours'][shortest] / MIB:.1f}\,MiB at $N = {shortest}$ and "
            rf"{held['ours'][longest] / MIB:.1f}\,MiB at $N = {latex.thousands(longest)}$ "
            rf"(\cref{{fig:scaling}}). From $N = {latex.thousands(self.sizes[2])}$ on, PyTorch "
            f"takes between {min(ratios):.2f} and {max(ratios):.2f} times as long in single "
            r"precision (\cref{tab:ratios}). It multiplies matrices with a library of its own, and "
            "the blocks with NumPy's. Of the speed that NumPy's products and exponentials allow on "
            f"this machine, the blocks reach {100 * min(reached):.0f} to {100 * max(reached):.0f}"
            r"\,\% (\cref{fig:roofline})."
        )

    def ratio_table(self):
        header = ["precision", "$N$", "in blocks, ms", "limit", *RIVALS]
        rows = [self._ratios(precision, N) for precision in PRECISIONS for N in self.sizes]
        return latex.table(header, rows, "l" + "r" * (len(header) - 1))

    def roofline(self):
        """What plots.memory.roofline draws."""
        flops, exponentials, bandwidth = measured.rates(self.results, "float32")
        per_weight = 4 * measured.D  # operations of the two products
        points = {"plain": {}, "ours": {}}
        for name, found in points.items():
            for N, seconds in measured.seconds(self.results, "float32", name).items():
                block = memory_efficient.queries_in_a_block(measured.HEADS, N)
                moved = measured.intensity(N, block=block if name == "ours" else None)
                found[N] = moved, measured.HEADS * per_weight * N**2 / seconds
        with_exp = per_weight / (per_weight / flops + 1 / exponentials)
        return {"flops": flops, "bandwidth": bandwidth, "with_exp": with_exp, "points": points}

    def _ratios(self, precision, N):
        dtype = PRECISIONS[precision]
        ours = measured.seconds(self.results, dtype, "ours")[N]
        ratios = [measured.ratio(self.results, dtype, N, rival) for rival in RIVALS.values()]
        space = r"\addlinespace " if precision != "single" else ""
        return [
            space + precision if self.sizes[0] == N else "",
            latex.thousands(N),
            latex.thousands(round(1e3 * ours, 1)),
            f"{measured.limit(self.results, dtype, N) / ours:.2f}",
            *("--" if np.isnan(ratio) else f"{ratio:.2f}" for ratio in ratios),
        ]
