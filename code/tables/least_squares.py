"""Exercise 3: an example in numbers."""

from dataclasses import dataclass

import numpy as np

from solutions import least_squares
from weaving import latex

SIZES = (10, 100, 1000, 10_000)  # pairs that the table of fits draws
SEED = 18


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


def fits(c):
    """Slopes fitted to samples of growing size, with and without an intercept, and their spread."""
    rng = np.random.default_rng(SEED)
    rows = []
    for n in SIZES:
        x, y = least_squares.sample(c, n, rng)
        with_intercept, _ = least_squares.slope_and_intercept(x, y)
        slope = least_squares.slope(x, y)
        spread = np.sqrt((1 - c**2) / (n - 2))
        rows.append(
            [
                latex.thousands(n),
                *(f"{v:.3f}" for v in (slope, abs(slope - c), spread, with_intercept)),
            ]
        )
    header = [
        "pairs $n$",
        r"fitted $\hat w$",
        r"error $\abs{\hat w - c}$",
        r"$\sqrt{(1 - c^2)/(n - 2)}$",
        r"$\hat w$ with an intercept",
    ]
    return latex.table(header, rows, "rrrrr")


def example(c):
    """Raises ValueError unless 0 < |c| < 1."""
    if not 0 < abs(c) < 1:
        raise ValueError(f"c must be between -1 and 1 and not 0, got {c}")
    return Pair(c)


def price_of_least_squares(c):
    """How many times as many pairs least squares needs as the best estimator, in words."""
    return latex.Tex(f"at $c = {c:g}$, ${(1 + c**2) / (1 - c**2):.1f}$ times")
