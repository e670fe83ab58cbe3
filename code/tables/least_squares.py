"""Exercise 3: an example in numbers."""

from dataclasses import dataclass

from weaving import latex


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


def example(c):
    """Raises ValueError unless 0 < |c| < 1."""
    if not 0 < abs(c) < 1:
        raise ValueError(f"c must be between -1 and 1 and not 0, got {c}")
    return Pair(c)


def price_of_least_squares(c):
    """How many times as many pairs least squares needs as the best estimator, in words."""
    return latex.Tex(f"at $c = {c:g}$, ${(1 + c**2) / (1 - c**2):.1f}$ times")
