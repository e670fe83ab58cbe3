"""Exercise 3: least squares on pairs (x, y) with means 0, variances 1 and covariance c."""

import numpy as np


def sample(c: float, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n independent pairs: x is standard normal, and y is c x plus noise of variance 1 - c^2.

    Returns: x and y, each (n,).
    Raises: ValueError unless -1 <= c <= 1.
    """
    if not -1 <= c <= 1:
        raise ValueError(f"c must be a covariance of two variables of variance 1, got {c}")
    x = rng.standard_normal(n)
    return x, c * x + np.sqrt(1 - c**2) * rng.standard_normal(n)


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The w that minimises sum (y_i - w x_i)^2: sum x_i y_i / sum x_i^2.

    x and y: each (n,).
    Raises: ValueError if the lengths differ or every x_i is 0.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"x and y must be 1-D and of one length, got {x.shape} and {y.shape}")
    if not x.any():
        raise ValueError(
            f"x must not be 0 throughout, got {len(x)} zeros: the slope is undetermined"
        )
    return float(x @ y / (x @ x))


def slope_and_intercept(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The w and w_0 that minimise sum (y_i - w x_i - w_0)^2.

    x, y and errors: as for slope. Raises: ValueError also if all x_i are equal.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if np.ptp(x) == 0:
        raise ValueError(f"x must not be {x[0]:g} throughout: slope and intercept are undetermined")
    w = slope(x - x.mean(), y - y.mean())
    return w, float(y.mean() - w * x.mean())
