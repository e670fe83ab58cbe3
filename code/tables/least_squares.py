"""Exercise 3: an example in numbers."""

import numpy as np

from solutions import least_squares
from weaving import latex

SIZES = (10, 100, 1000, 10_000)  # pairs that the table of fits draws
SEED = 18


def fits(c):
    """Slopes fitted to samples of growing size, with and without an intercept, and their spread."""
    rng = np.random.default_rng(SEED)
    rows = []
    for n in SIZES:
        x, y = least_squares.sample(c, n, rng)
        with_intercept, _ = least_squares.slope_and_intercept(x, y)
        slope = least_squares.slope(x, y)
        spread = np.sqrt((1 - c**2) / (n - 2))
        numbers = slope, abs(slope - c), spread, with_intercept
        rows.append([latex.thousands(n), *(f"{number:.3f}" for number in numbers)])
    header = [
        "pairs $n$",
        r"fitted $\hat w$",
        r"error $\abs{\hat w - c}$",
        r"$\sqrt{(1 - c^2)/(n - 2)}$",
        "slope with an intercept",
    ]
    return latex.table(header, rows, "rrrrr")


def price_of_least_squares(c):
    """How many times as many pairs least squares needs as the best estimator, in words."""
    return f"at $c = {c:g}$, ${(1 + c**2) / (1 - c**2):.1f}$ times"
