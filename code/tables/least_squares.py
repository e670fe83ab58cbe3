"""Exercise 3: an example in numbers."""

from dataclasses import dataclass

import numpy as np

from solutions import least_squares
from weaving import latex

SIZES = (10, 100, 1000, 10_000)  # pairs that the table of fits draws


@dataclass(frozen=True)
class Pair:
    """The correlation of the example, and what follows from it, as LaTeX."""

    c_value: float

    @property
    def c(self):
        return latex.Tex(f"{self.c_value:g}")

    @property
    def residual(self):
        return latex.Tex(f"{1 - self.c_value**2:g}")

    def prediction(self, x):
        return latex.Tex(f"{self.c_value * x:g}")


def fits(c, seed=18):
    """Slopes fitted to samples of growing size, with and without an intercept, and their spread."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in SIZES:
        x, y = least_squares.sample(c, n, rng)
        with_intercept, _ = least_squares.slope_and_intercept(x, y)
        spread = np.sqrt((1 - c**2) / (n - 2))
        rows.append(
            [
                latex.thousands(n),
                f"{least_squares.slope(x, y):.3f}",
                f"{with_intercept:.3f}",
                f"{spread:.3f}",
            ]
        )
    header = ["pairs $n$", r"fitted $\hat w$", "with an intercept", r"$\sqrt{(1 - c^2)/(n - 2)}$"]
    return latex.table(header, rows, "rrrr")


def example(c):
    """Raises ValueError unless 0 < |c| < 1."""
    if not 0 < abs(c) < 1:
        raise ValueError(f"c must be between -1 and 1 and not 0, got {c}")
    return Pair(c)


def price_of_least_squares(c):
    """How many times as many pairs least squares needs as the best estimator, in words."""
    return latex.Tex(f"at $c = {c:g}$, ${(1 + c**2) / (1 - c**2):.1f}$ times")
