"""Exercise 3: the estimators against brute force and other people's least squares, their variances against simulation,
and the claims against pairings, quadrature and their own statements with a term left out.
"""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sympy import Add, MatAdd, MatrixSymbol, Mul, Pow, Rational, S, Symbol, Tuple, exp, expand, lambdify, nan, sqrt

from proofs import least_squares as claims
from proofs.ledger import CLAIMS, Equation, verify
from proofs.matrices import equal
from solutions import least_squares as ls

MINE = [name for name, claim in CLAIMS.items() if claim.exercise == "least_squares"]

X = np.array([1.0, 2.0, -3.0])
Y = np.array([2.0, 3.0, -7.0])  # S_xx = 14, S_xy = 29, S_yy = 62


@pytest.fixture
def rng():
    return np.random.default_rng(3)


# Samples ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("c", [-0.8, 0.0, 0.35])
def test_sample_has_the_sheets_moments(c, rng):
    n = 200_000
    x, y = ls.sample(c, n, rng)
    sd = {"mean": 1 / n, "variance": 2 / n, "covariance": (1 + c**2) / n}  # variances of the sample moments
    for got, true, kind in [(x.mean(), 0, "mean"), (y.mean(), 0, "mean"), ((x**2).mean(), 1, "variance"),
                            ((y**2).mean(), 1, "variance"), ((x * y).mean(), c, "covariance")]:
        assert abs(got - true) < 5 * math.sqrt(sd[kind])


def test_sample_at_the_ends_is_a_line(rng):
    x, y = ls.sample(-1, (2, 5), rng)
    assert x.shape == y.shape == (2, 5)
    assert (y == -x).all() and (x != 0).all()


@pytest.mark.parametrize("c", [1.2, -1.0001, math.nan, math.inf])
@pytest.mark.parametrize("function", [lambda c: ls.sample(c, 4, np.random.default_rng(0)), lambda c: ls.slope_variance(c, 9),
                                      ls.limit_variances, ls.cramer_rao_bound])
def test_no_covariance_beyond_one(function, c):
    with pytest.raises(ValueError, match=f"^c is {c}, .* between -1 and 1$"):
        function(c)


def test_the_first_bad_c_of_an_array_is_named():
    with pytest.raises(ValueError, match="^c is -3.0,"):
        ls.limit_variances([0.5, -3, 2])


# Estimators -------------------------------------------------------------------------------------------------------------

def test_values_by_hand():
    assert ls.slope(X, Y) == 29 / 14
    assert ls.correlation(X, Y) == 29 / math.sqrt(14 * 62)
    assert ls.mean_product(X, Y) == 29 / 3
    assert ls.slope([1, 2], [0, 1]) == 0.4  # whole numbers
    w, b = ls.slope_with_intercept([0, 1, 3], [1, 3, 7])
    assert (w, b) == (2, 1)


def test_as_lstsq(rng):
    x, y = rng.standard_normal((2, 4, 7))  # four data sets of seven
    w, b = ls.slope_with_intercept(x, y)
    for i in range(4):
        assert np.allclose(ls.slope(x, y)[i], np.linalg.lstsq(x[i, :, None], y[i])[0], rtol=1e-12)
        assert np.allclose([w[i], b[i]], np.linalg.lstsq(np.stack([x[i], np.ones(7)], axis=1), y[i])[0], rtol=1e-11)


def test_the_slope_is_the_best_of_a_grid():
    grid = np.linspace(1, 3, 20_001)  # step 1e-4
    squares = ((Y - grid[:, None] * X)**2).sum(axis=1)
    assert abs(grid[squares.argmin()] - ls.slope(X, Y)) <= 1e-4


def test_slopes_are_not_symmetric_and_not_inverse():
    assert ls.slope(X, Y) != ls.slope(Y, X) and ls.slope(Y, X) == 29 / 62
    assert math.isclose(ls.slope(X, Y) * ls.slope(Y, X), ls.correlation(X, Y)**2)


def test_scales():
    """The slope carries y's unit over x's, the correlation none."""
    assert ls.slope(2 * X, 8 * Y) == 4 * ls.slope(X, Y)
    assert math.isclose(ls.correlation(2 * X, 8 * Y), ls.correlation(X, Y))
    assert ls.mean_product(2 * X, 8 * Y) == 16 * ls.mean_product(X, Y)


def test_the_intercept_takes_up_a_shift():
    w, b = ls.slope_with_intercept(X, Y)
    shifted_w, shifted_b = ls.slope_with_intercept(X + 3, Y - 5)
    assert math.isclose(shifted_w, w) and math.isclose(shifted_b, b - 5 - 3 * w)
    assert not math.isclose(ls.slope(X + 3, Y - 5), ls.slope(X, Y), rel_tol=0.1)


def log_likelihood(c, x, y):
    """Of all observations, from the density written with Sigma's inverse; c (M,)."""
    points = np.stack([x, y])                                             # (2, N)
    Sigma = np.array([[[1, value], [value, 1]] for value in c])           # (M, 2, 2)
    squares = np.einsum("in,mij,jn->m", points, np.linalg.inv(Sigma), points)
    return -len(x) / 2 * np.log(np.linalg.det(Sigma)) - squares / 2


@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([0.1, 0.5, 1.0, 3.0]))
def test_no_c_is_likelier_than_the_maximum_likelihood_one(seed, n, scale):
    """Few points, drawn without any regard to the model: small ones give the cubic three roots."""
    x, y = scale * np.random.default_rng(seed).standard_normal((2, n))
    best = ls.maximum_likelihood(x, y)
    rivals = log_likelihood(np.linspace(-0.999, 0.999, 1999), x, y)
    assert -1 < best < 1
    assert log_likelihood([best], x, y)[0] >= rivals.max() - 1e-9 * abs(rivals.max())


@pytest.mark.parametrize("sign", [1, -1])
def test_the_likeliest_of_three_roots(sign):
    """m_xy = 0.001 and m_xx + m_yy = 0.02: roots near 0.99 and -0.99, the likeliest has the sign of m_xy, and one between."""
    x, y = np.array([0.1, 0.1, 0.1, 0.1]), sign * np.array([0.1, 0.1, -0.1, -0.06])
    m_xy, m_squares = (x * y).mean(), (x**2 + y**2).mean()
    roots = np.roots([1, -m_xy, m_squares - 1, -m_xy])
    assert np.isreal(roots).all() and (abs(roots) < 1).all()
    likeliest = roots[log_likelihood(roots, x, y).argmax()]
    assert math.copysign(1, likeliest) == sign and abs(likeliest) > 0.9
    assert math.isclose(ls.maximum_likelihood(x, y), likeliest, rel_tol=1e-12)


def test_maximum_likelihood_of_several_data_sets(rng):
    x, y = ls.sample(0.6, (3, 2, 9), rng)
    together = ls.maximum_likelihood(x, y)
    assert together.shape == (3, 2)
    assert np.allclose(together, [[ls.maximum_likelihood(x[i, j], y[i, j]) for j in range(2)] for i in range(3)], rtol=1e-14)
    assert len(set(together.ravel())) == 6


def test_maximum_likelihood_close_to_the_end(rng):
    x, noise = rng.standard_normal((2, 50))
    assert 1 - 1e-9 < ls.maximum_likelihood(x, x + 1e-6 * noise) < 1


@pytest.mark.parametrize("y", [X, -X])
def test_a_line_has_no_likeliest_c(y):
    with pytest.raises(ValueError, match="in all 3 observations, so the likelihood has no maximum"):
        ls.maximum_likelihood(X, y)
    x = np.stack([X, X])
    with pytest.raises(ValueError, match="in all 3 observations"):  # one data set of several
        ls.maximum_likelihood(x, np.stack([Y, y]))


@pytest.mark.parametrize("estimator", [*ls.ESTIMATORS.values(), ls.slope_with_intercept])
def test_bad_observations(estimator):
    with pytest.raises(ValueError, match=r"^x has shape \(3,\), y has shape \(2,\)$"):
        estimator(X, Y[:2])
    with pytest.raises(ValueError, match=r"^x and y have shape \(2, 0\), at least 1 observation"):
        estimator(np.ones((2, 0)), np.ones((2, 0)))
    with pytest.raises(ValueError, match=r"^x and y have shape \(\), at least 1 observation"):
        estimator(1.0, 2.0)
    with pytest.raises(ValueError, match="^y holds inf, finite numbers are needed$"):
        estimator(X, [1, np.inf, 2])
    with pytest.raises(ValueError, match="^x holds nan,"):
        estimator([1, np.nan, 2], Y)


def test_no_slope_through_nothing():
    with pytest.raises(ValueError, match="^all 3 values of x are 0,"):
        ls.slope(np.zeros(3), Y)
    with pytest.raises(ValueError, match="^all 3 values of x are 0,"):
        ls.slope(np.stack([X, np.zeros(3)]), np.stack([Y, Y]))
    with pytest.raises(ValueError, match="^all 3 values of x are equal,"):
        ls.slope_with_intercept(np.full(3, 0.1), Y)
    for x, y in [(np.zeros(3), Y), (X, np.zeros(3))]:
        with pytest.raises(ValueError, match="^all 3 values of x or of y are 0,"):
            ls.correlation(x, y)


# Variances --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("intercept, dof", [(False, 12), (True, 11)])
def test_exact_variance_by_simulation(intercept, dof, rng):
    """The slope is c plus a multiple of Student's t, so an empirical variance has the relative variance (kurtosis - 1) / R."""
    n, repeats, c = 12, 40_000, 0.6
    x, y = ls.sample(c, (repeats, n), rng)
    w = ls.slope_with_intercept(x, y)[0] if intercept else ls.slope(x, y)
    exact = ls.slope_variance(c, n, intercept)
    kurtosis = 3 + 6 / (dof - 4)
    relative_sd = math.sqrt((kurtosis - 1) / repeats)
    assert abs(w.mean() - c) < 5 * math.sqrt(exact / repeats)
    assert abs(w.var() / exact - 1) < 5 * relative_sd < 0.05  # a degree of freedom more or less changes it by 9 %


def test_exact_variance_by_hand():
    assert ls.slope_variance(0.5, 5) == 0.25
    assert ls.slope_variance(0.5, 6, intercept=True) == 0.25
    assert ls.slope_variance(-1, 3) == 0
    assert np.array_equal(ls.slope_variance([0, 0.5], 3), [1, 0.75])
    with pytest.raises(ValueError, match="^N is 2, .* finite from N = 3 on$"):
        ls.slope_variance(0.5, 2)
    with pytest.raises(ValueError, match="^N is 3, .* finite from N = 4 on$"):
        ls.slope_variance(0.5, 3, intercept=True)


def test_limit_variances_by_hand():
    """c = 1/2: 1 - 1/4, its square, 1 + 1/4, and 9/16 over 5/4."""
    assert ls.limit_variances(0.5) == {"least squares": 0.75, "correlation": 0.5625, "mean product": 1.25,
                                       "maximum likelihood": 0.45}
    assert list(ls.limit_variances(0.5)) == list(ls.ESTIMATORS)


def test_limit_variances_are_those_of_the_claim():
    stated = CLAIMS["limit-variances"].statement.right
    for c in (-0.9, 0.3, 0.7):
        for got, right in zip(ls.limit_variances(c).values(), stated, strict=True):
            assert math.isclose(got, float(right.subs(claims.c, c)), rel_tol=1e-14)


@pytest.mark.parametrize("c", [0.0, 0.7])
def test_limit_variances_by_simulation(c, rng):
    """Near-normal estimates: an empirical variance has the relative variance 2 / R; N = 400 shifts it by about 1 %."""
    repeats = 4000
    simulated, limits = ls.simulated_variances(c, 400, repeats, rng), ls.limit_variances(c)
    for name, limit in limits.items():
        assert abs(simulated[name] / limit - 1) < 5 * math.sqrt(2 / repeats) + 0.01, name


def test_simulated_variances_are_n_times_the_unbiased_ones():
    simulated = ls.simulated_variances(0.4, 3, 5, np.random.default_rng(8))
    x, y = ls.sample(0.4, (5, 3), np.random.default_rng(8))
    products = (x * y).mean(axis=1)  # (5,)
    assert math.isclose(simulated["mean product"], 3 * ((products - products.mean())**2).sum() / 4)
    assert list(simulated) == list(ls.limit_variances(0.4))


@given(st.floats(-1, 1))
def test_nothing_beats_the_bound_and_only_c_0_ties(c):
    limits = ls.limit_variances(c)
    bound = limits.pop("maximum likelihood")
    assert bound == ls.cramer_rao_bound(c)
    assert bound <= limits["correlation"] <= limits["least squares"] <= limits["mean product"]
    if abs(c) > 1e-6:
        assert bound < limits["mean product"]


# Claims -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", MINE)
def test_claim_holds_and_rejects_its_twins(name):
    outcome = verify(CLAIMS[name])
    assert outcome.holds, outcome.problems
    assert outcome.rejected == len(CLAIMS[name].false_twins) >= 2


@pytest.mark.parametrize("name", MINE)
def test_no_term_factor_or_power_can_be_left_out(name):
    """One survivor: the square of x in the information of the mean, which has mean 1 and is independent of the residual."""
    check, statement = CLAIMS[name].check, CLAIMS[name].statement
    shorter = [Equation(left, statement.right) for left in without_one(statement.left)]
    shorter += [Equation(statement.left, right) for right in without_one(statement.right)]
    survivors = [each for each in shorter if not turns_red(check, each)]
    assert len(shorter) >= 3
    assert len(survivors) == (name == "fisher-information"), [each.latex() for each in survivors]


def turns_red(check, statement):
    """The check says no, or finds that the statement has lost its shape."""
    try:
        return check(statement) is False
    except (TypeError, ValueError, AttributeError):
        return True


def without_one(e):
    """The expression without one component of a tuple, one term of a sum, one factor of a product (signs apart) or one power,
    anywhere in it."""
    if isinstance(e, Tuple):
        yield from (Tuple(*e[:i], *e[i + 1:]) for i in range(len(e)))
    if isinstance(e, (Add, MatAdd)):
        for i in range(len(e.args)):
            rest = e.args[:i] + e.args[i + 1:]
            yield rest[0] if len(rest) == 1 else e.func(*rest)
    if isinstance(e, Mul):
        yield from (Mul(*e.args[:i], *e.args[i + 1:]) for i, factor in enumerate(e.args) if factor != -1)
    if isinstance(e, Pow):
        yield e.base
    if not e.is_Atom and not isinstance(e, MatrixSymbol):
        for i, part in enumerate(e.args):
            for shorter in without_one(part):
                try:
                    yield e.func(*e.args[:i], shorter, *e.args[i + 1:])
                except (TypeError, ValueError):
                    pass  # the rest does not fit together


def isserlis(letters):
    """E of a product of zero-mean Gaussians: the sum over all pairings of the products of covariances."""
    if not letters:
        return S.One
    covariance = lambda a, b: S.One if a == b else claims.c
    first, rest = letters[0], letters[1:]
    return expand(sum(covariance(first, rest[i]) * isserlis(rest[:i] + rest[i + 1:]) for i in range(len(rest))))


def test_moments_are_sums_over_pairings():
    for i in range(5):
        for j in range(4):
            assert claims.moment(i, j) == isserlis("x" * i + "y" * j), (i, j)


def test_mean_of_a_polynomial():
    c, x, y, w = claims.c, claims.x, claims.y, claims.w
    assert expand(claims.mean(3 + w * x**2 - 2 * x * y + x**2 * y**2 + x) - (4 + w - 2 * c + 2 * c**2)) == 0
    assert expand(claims.mean_given(y**3, x) - ((c * x)**3 + 3 * c * x * (1 - c**2))) == 0
    assert expand(claims.variance_given(y**2, x) - 2 * (1 - c**2)**2 - 4 * (c * x)**2 * (1 - c**2)) == 0
    assert claims.mean_given(y**3, y) is claims.variance_given(y**3, y) is nan


def test_integrate_out_against_quadrature():
    square, rest = claims.integrate_out(-3 * claims.y**2 + 2 * claims.y + claims.x, claims.y)
    grid = np.linspace(-12, 12, 20_001)
    area = np.exp(-3 * grid**2 + 2 * grid + 0.4).sum() * (grid[1] - grid[0])
    assert math.isclose(area, math.sqrt(square) * math.exp(rest.subs(claims.x, 0.4)), rel_tol=1e-12)


def test_mean_of_chi_square():
    chi = claims.ChiSquare(1)
    for k in (3, 8):
        assert claims.mean_of_chi_square(chi, S(k)) == k
        assert claims.mean_of_chi_square(chi**2, S(k)) == k**2 + 2 * k
    assert claims.mean_of_chi_square(1 / chi, S(5)) == Rational(1, 3)


def test_densities():
    u = Symbol("u", real=True)
    assert claims.same(claims.student_density(u, S.One), 1 / (S.Pi * (1 + u**2)))  # Cauchy's
    assert math.isclose(claims.log_normal(0.3, -1.0, 4.0), math.log(math.exp(-1.3**2 / 8) / math.sqrt(8 * math.pi)))
    Sigma = np.array([[1, 0.6], [0.6, 1]])
    point = np.array([0.2, -0.5])
    density = math.exp(-point @ np.linalg.inv(Sigma) @ point / 2) / (2 * math.pi * math.sqrt(np.linalg.det(Sigma)))
    assert math.isclose(claims.log_density(0.2, -0.5, claims.c).subs(claims.c, 0.6), math.log(density), rel_tol=1e-12)
    alone = claims.log_product(claims.Density(claims.y)).subs(claims.y, 0.4)  # standard normal
    assert math.isclose(alone, math.log(math.exp(-0.4**2 / 2) / math.sqrt(2 * math.pi)), rel_tol=1e-12)


def test_a_minimiser_must_be_unique():
    w, b, c = claims.w, claims.b, claims.c
    assert claims.unique_minimiser((w - c)**2 + 3 * (b + w)**2, w, b) == Tuple(c, -c)
    assert claims.unique_minimiser((w - c)**2 - b**2, w, b) is nan   # a saddle
    assert claims.unique_minimiser((w - c - b)**2, w, b) is nan      # a valley
    assert claims.unique_minimiser(w**2 + b**2 * w, w, b) is nan     # not convex
    assert claims.unique_minimiser(exp(w) + b**2, w, b) is nan       # no minimum


def test_the_law_of_y_given_x():
    """Its mean is the line with its intercept; nothing is said of what is neither a mean nor a variance."""
    mean = claims.law_given_x(claims.MeanGiven(claims.ys, claims.xs), intercept=claims.b)
    assert equal(mean, claims.c * claims.xs + claims.b * claims.ones)
    assert claims.law_given_x(claims.Density(claims.ys, claims.xs)) is nan


def test_limit_variances_are_given_one_by_one():
    of_slope, of_product = claims.limit_variance(claims.m_xy / claims.m_xx), claims.limit_variance(claims.m_xy)
    assert claims.limit_variances(claims.m_xy / claims.m_xx) == of_slope != of_product
    assert claims.limit_variances(claims.m_xy / claims.m_xx, claims.m_xy) == Tuple(of_slope, of_product)


def test_an_estimator_of_something_else_has_no_limit_variance():
    assert claims.limit_variance(claims.m_xy**2) is nan
    assert claims.limit_variance(claims.LikelihoodRoot(claims.CUBIC + 1)) is nan


@pytest.mark.parametrize("name, left", [
    ("conditional-law", claims.Density(claims.x, -claims.y)), ("conditional-law", S.Zero),
    ("conditional-law", 7 * claims.Density(claims.x, claims.y)),
    ("slope-variance", claims.Density(claims.RESIDUAL / claims.ChiSquare(claims.N))),
    ("slope-variance", 2 * claims.SLOPE_VARIANCE), ("student-law", 2 * claims.MIXTURE),
    ("second-moments-suffice", claims.Density(claims.RISK.args[0])),
    ("second-moments-suffice", 2 * claims.RISK),
    ("sum-of-squares-law", claims.Density(claims.TRANSFORM.base.args[0])**claims.N),
    ("likelihood-equation", claims.LIKELIHOOD_SLOPE.expr),
    ("precision-matrix", claims.COVARIANCE),
    ("fisher-information", Tuple(*map(claims.Density, claims.PARTS))),
    ("efficiency", claims.Density(claims.m_xy, claims.m_xx))])
def test_the_left_side_is_read(name, left):
    """Another function, or a factor, before what a claim is about."""
    check, statement = CLAIMS[name].check, CLAIMS[name].statement
    assert turns_red(check, Equation(left, statement.right))


def test_same():
    c, x = claims.c, claims.x
    assert claims.same((1 - c**2) / (1 - c), 1 + c)
    assert not claims.same(sqrt(1 - c**2), 1 - c**2)
    assert claims.same_positive(2 * S(2)**(claims.N - 1), S(2)**claims.N)
    assert not claims.same_positive(S(2)**(claims.N - 1), S(2)**claims.N)
    assert not claims.same(x, x + S(10)**-30)
    assert claims.same_positive((x * claims.y)**claims.s, x**claims.s * claims.y**claims.s)  # true of positive x and y


def test_sums_and_products_stay_as_they_are_written():
    assert claims.in_order(claims.c, -claims.c).args == (claims.c, -claims.c)
    assert claims.product(S(2), claims.c + 1).args == (2, claims.c + 1)


def test_the_parabola_in_numbers(rng):
    """A y that is a function of x, as the ledger has it: its least squares line has slope c all the same."""
    c, x = 0.7, rng.standard_normal(200_000)
    y = lambdify(claims.x, Add(*claims.parabola(Rational(1, 2))).doit().subs(claims.c, c))(x)
    residual = y - ls.slope(x, y) * x
    sd = math.sqrt(10 * (1 - c**2) / 2 / len(x))  # of the slope: E[x^2 (x^2 - 1)^2] = 15 - 6 + 1 = 10
    assert abs(ls.slope(x, y) - c) < 5 * sd < 0.02
    assert math.isclose(y[0], c * x[0] + math.sqrt((1 - c**2) / 2) * (x[0]**2 - 1), rel_tol=1e-12)
    assert np.corrcoef(residual, x**2)[0, 1] > 0.99  # what the line leaves is a function of x


def test_the_precision_matrix_in_numbers(rng):
    """The ledger's blocks, filled from a random covariance of five variables, two of them hidden, against its inverse."""
    root = rng.standard_normal((5, 5))
    Sigma = root @ root.T
    hidden, visible = [1, 4], [0, 2, 3]
    order = hidden + visible
    Lambda = np.linalg.inv(Sigma[np.ix_(order, order)])
    B = np.linalg.solve(Sigma[np.ix_(visible, visible)], Sigma[np.ix_(visible, hidden)]).T  # (2, 3), by regression
    values = {claims.Sigma_vv: Sigma[np.ix_(visible, visible)], claims.Lambda_hh: Lambda[:2, :2], claims.B: B}
    filled = [[lambdify(list(values), block)(*values.values()) for block in row] for row in claims.precision().blocks.tolist()]
    assert np.allclose(np.block(filled), Lambda, rtol=1e-8)
    alone = np.linalg.solve(np.delete(np.delete(Sigma, 1, 0), 1, 1), np.delete(Sigma[1], 1))  # one hidden: -L_ij / L_ii
    L = np.linalg.inv(Sigma)
    assert np.allclose(alone, -np.delete(L[1], 1) / L[1, 1], rtol=1e-8)
