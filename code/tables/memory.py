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

    HEADS, D = measured.HEADS, measured.D

    def __init__(self):
        self.results = measured.read()
        self.sizes = measured.sizes(self.results, "float32", "ours")
        self.shortest, self.longest = min(self.sizes), max(self.sizes)
        self.machine, self.runs = self.results["machine"], len(self.results["attention"])

    def size_of_weights(self):
        """The weights of all heads for the longest input, in single precision."""
        return f"{self.HEADS * self.longest**2 * 4 / GIB:.0f}\\,GiB"

    def deviation(self, scale):
        """How far the function in blocks is from the one of CA 1 (a), computed by this build.

        scale: of the queries; large scores overflow unless their maximum is subtracted.
        """
        Q, K, V = np.random.default_rng(5).standard_normal((3, 2, 700, 16))
        blocks = memory_efficient.memory_efficient_attention(scale * Q, K, V)
        at_once, _ = attention.scaled_dot_product_attention(scale * Q, K, V)
        return latex.scientific(float(np.abs(blocks - at_once).max() / np.abs(at_once).max()))

    def scaling(self):
        """What plots.memory.scaling draws."""
        names = ["plain", "jax", "torch", "ours"]
        return {
            "seconds": {name: measured.seconds(self.results, "float32", name) for name in names},
            "limit": {N: measured.limit(self.results, "float32", N) for N in self.sizes},
            "held": {name: measured.bytes_held(self.results, name) for name in names},
            "output": {N: measured.HEADS * N * measured.D * 4 for N in self.sizes},
        }

    def growth_of_plain(self):
        """The power of N by which the memory of the function of CA 1 (a) grows."""
        return f"{measured.slope(measured.bytes_held(self.results, 'plain')):.1f}"

    def held(self, N):
        """The memory in blocks, beside inputs and output."""
        return f"{measured.bytes_held(self.results, 'ours')[N] / MIB:.1f}\\,MiB"

    def ratios_of_torch(self):
        """The least and the largest ratio from the third size on, in single precision."""
        ratios = [measured.ratio(self.results, "float32", N, "torch") for N in self.sizes[2:]]
        return f"{min(ratios):.2f} and {max(ratios):.2f}"

    def speed_reached(self):
        """The speed in blocks from the third size on, in per cent of the limit."""
        ours = measured.seconds(self.results, "float32", "ours")
        reached = [measured.limit(self.results, "float32", N) / ours[N] for N in self.sizes[2:]]
        return rf"{100 * min(reached):.0f} to {100 * max(reached):.0f}\,\%"

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
