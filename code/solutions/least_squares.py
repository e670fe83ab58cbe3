"""Exercise 3: estimators of c from pairs (x, y) ~ N(0, [[1, c], [c, 1]]), and their variances.

    c     number or array, -1 <= c <= 1
    x, y  (..., N)  N observations on the last axis; leading axes are independent data sets
    each estimator returns an array of shape (...), one estimate per data set

The means are 0 and the variances 1, and both are known: only c is to be estimated.
"""

import numpy as np


def sample(c, size, rng):
    """Draws from the law of (x, y): x standard normal, y = c x + sqrt(1 - c^2) times fresh noise.

    Parameters: c, one number; size, N or a shape (..., N); rng, a numpy.random.Generator.
    Returns: x and y, each of that shape.
    Raises: ValueError if |c| > 1.
    """
    c = _checked(c)
    x = rng.standard_normal(size)
    return x, c * x + np.sqrt(1 - c**2) * rng.standard_normal(size)


def slope(x, y):
    """Least squares through the origin: the w that minimises sum (y - w x)^2, which is S_xy / S_xx.

    Raises: ValueError if the shapes differ, a value is not finite, or every x of a data set is 0.
    """
    x, y = _observations(x, y)
    S_xx = (x**2).sum(axis=-1)   # (...)
    S_xy = (x * y).sum(axis=-1)  # (...)
    if (S_xx == 0).any():
        raise ValueError(f"all {x.shape[-1]} values of x are 0, so the slope is not determined")
    return S_xy / S_xx


def slope_with_intercept(x, y):
    """Least squares with a free intercept: the w and b that minimise sum (y - w x - b)^2.

    Returns: w (...) and b (...).
    Raises: as slope; also if all values of x in a data set are equal.
    """
    x, y = _observations(x, y)
    if (np.ptp(x, axis=-1) == 0).any():
        raise ValueError(f"all {x.shape[-1]} values of x are equal, so the slope is not determined")
    x_mean, y_mean = x.mean(axis=-1, keepdims=True), y.mean(axis=-1, keepdims=True)  # (..., 1)
    w = slope(x - x_mean, y - y_mean)  # (...)
    return w, y_mean[..., 0] - w * x_mean[..., 0]


def correlation(x, y):
    """S_xy / sqrt(S_xx S_yy): the correlation about the known means 0.

    Raises: as slope; also if every y of a data set is 0.
    """
    x, y = _observations(x, y)
    S_xx, S_xy, S_yy = (x**2).sum(axis=-1), (x * y).sum(axis=-1), (y**2).sum(axis=-1)
    if (S_xx == 0).any() or (S_yy == 0).any():
        raise ValueError(f"all {x.shape[-1]} values of x or of y are 0, so the correlation is not determined")
    return S_xy / np.sqrt(S_xx * S_yy)


def mean_product(x, y):
    """The mean of x y: the covariance about the known means 0."""
    x, y = _observations(x, y)
    return (x * y).mean(axis=-1)


def maximum_likelihood(x, y):
    """The c of largest likelihood, a root of c^3 - m_xy c^2 + (m_xx + m_yy - 1) c - m_xy = 0.

    The cubic can have three real roots, so the likelihood is compared at all of them. The real part of a complex root and
    a root outside (-1, 1), moved to its edge, may join the comparison: neither can win, as the maximum is at a root inside.

    Raises: as slope; also if y = x or y = -x throughout a data set: the likelihood then grows without limit towards |c| = 1.
    """
    x, y = _observations(x, y)
    if ((x == y).all(axis=-1) | (x == -y).all(axis=-1)).any():
        raise ValueError(f"y is x or -x in all {x.shape[-1]} observations, so the likelihood has no maximum")
    m_xy, m_squares = (x * y).mean(axis=-1), (x**2 + y**2).mean(axis=-1)  # (...)
    companion = np.zeros((*m_xy.shape, 3, 3))  # its eigenvalues are the roots of the cubic
    companion[..., 0, 0], companion[..., 0, 1], companion[..., 0, 2] = m_xy, 1 - m_squares, m_xy
    companion[..., 1, 0] = companion[..., 2, 1] = 1
    edge = 1 - np.finfo(float).epsneg
    roots = np.clip(np.linalg.eigvals(companion).real, -edge, edge)  # (..., 3)
    v = (1 - roots) * (1 + roots)
    log_likelihood = -np.log(v) - (m_squares[..., None] - 2 * m_xy[..., None] * roots) / v  # (..., 3), times 2 / N
    best = log_likelihood.argmax(axis=-1, keepdims=True)
    return np.take_along_axis(roots, best, axis=-1)[..., 0]


ESTIMATORS = {
    "least squares": slope,
    "correlation": correlation,
    "mean product": mean_product,
    "maximum likelihood": maximum_likelihood,
}


def slope_variance(c, n, intercept=False):
    """The exact variance of the slope: (1 - c^2) / (N - 2), with an intercept (1 - c^2) / (N - 3).

    Raises: ValueError if |c| > 1 or N is too small for a finite variance.
    """
    least = 4 if intercept else 3
    if n < least:
        raise ValueError(f"N is {n}, the variance of the slope is finite from N = {least} on")
    return (1 - _checked(c)**2) / (n - least + 1)


def limit_variances(c):
    """The limit of N times the variance of each of ESTIMATORS, as {name: array of c's shape}."""
    c = _checked(c)
    return {
        "least squares": 1 - c**2,
        "correlation": (1 - c**2)**2,
        "mean product": 1 + c**2,
        "maximum likelihood": cramer_rao_bound(c),
    }


def cramer_rao_bound(c):
    """The inverse Fisher information of one observation: no unbiased estimator from N has a variance below this / N."""
    c = _checked(c)
    return (1 - c**2)**2 / (1 + c**2)


def simulated_variances(c, n, repeats, rng):
    """N times the empirical variance of each of ESTIMATORS over `repeats` data sets of N = n observations."""
    x, y = sample(c, (repeats, n), rng)  # (repeats, N)
    return {name: n * estimator(x, y).var(ddof=1) for name, estimator in ESTIMATORS.items()}


def _checked(c):
    """c as a float array with -1 <= c <= 1: beyond that the matrix [[1, c], [c, 1]] is no covariance."""
    c = np.asarray(c, dtype=float)
    wrong = c[~(abs(c) <= 1)]  # NaN is wrong, too
    if wrong.size:
        raise ValueError(f"c is {wrong[0]}, a covariance of two unit-variance variables lies between -1 and 1")
    return c


def _observations(x, y):
    """x and y as float arrays of one shape (..., N) with N >= 1."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape}, y has shape {y.shape}")
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x and y have shape {x.shape}, at least 1 observation on the last axis is needed")
    for name, values in dict(x=x, y=y).items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds {values[~np.isfinite(values)][0]}, finite numbers are needed")
    return x, y
