"""Exercise 3: the fitted slope against NumPy's own, and against its mean and variance."""

import numpy as np
import pytest

from solutions import least_squares


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def pairs(rng):
    return least_squares.sample(0.6, 50, rng)


def test_slope_by_hand():
    assert least_squares.slope([1, 2], [2, 2]) == pytest.approx(6 / 5)


def test_slope_is_that_of_numpy(pairs):
    x, y = pairs
    (expected,), *_ = np.linalg.lstsq(x[:, None], y, rcond=None)
    assert least_squares.slope(x, y) == pytest.approx(expected)


def test_slope_and_intercept_are_those_of_numpy(pairs):
    x, y = pairs
    assert least_squares.slope_and_intercept(x, y + 3) == pytest.approx(np.polyfit(x, y + 3, 1))


def test_regression_on_y_learns_c_and_not_its_inverse(rng):
    x, y = least_squares.sample(0.5, 200_000, rng)
    assert least_squares.slope(x, y) == pytest.approx(0.5, abs=0.02)
    assert least_squares.slope(y, x) == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fit, lost",
    [(least_squares.slope, 2), (lambda x, y: least_squares.slope_and_intercept(x, y)[0], 3)],
)
def test_mean_and_variance_of_the_slope_are_those_of_the_text(fit, lost, rng):
    c, n, repeats = 0.6, 12, 20_000
    slopes = np.array([fit(*least_squares.sample(c, n, rng)) for _ in range(repeats)])
    assert slopes.mean() == pytest.approx(c, abs=0.01)
    assert slopes.var() == pytest.approx((1 - c**2) / (n - lost), rel=0.06)


@pytest.mark.parametrize("c", [-1, 1])
def test_one_pair_determines_c_at_the_ends(c, rng):
    assert least_squares.slope(*least_squares.sample(c, 1, rng)) == pytest.approx(c)


@pytest.mark.parametrize(
    "call, numbers",
    [
        (lambda: least_squares.sample(1.5, 3, np.random.default_rng(0)), ["1.5"]),
        (lambda: least_squares.slope([1, 2], [1, 2, 3]), ["(2,)", "(3,)"]),
        (lambda: least_squares.slope([0, 0], [1, 2]), ["2"]),
        (lambda: least_squares.slope_and_intercept([7, 7], [1, 2]), ["7"]),
    ],
)
def test_undetermined_slopes_are_refused(call, numbers):
    with pytest.raises(ValueError) as refusal:
        call()
    assert all(number in str(refusal.value) for number in numbers)
