"""The claims of Exercise 3: least squares learns the covariance c."""

# Formulas are laid out by hand: a claim is not a call with its arguments in a column.
# fmt: off
from proofs.claims import claim  # noqa: I001
from proofs.notation import (
    CIRCLE, INFINITY, E, any_moments, exp, gamma, gaussian_pair, given, index,
    independent, integral, letter, minimiser, moments, neg, node, normal, number, plus,
    positive, several, size, sqrt, summed, where)

c, w, w_0 = number("c"), number("w"), number("w_0")
x, y, noise = number("x"), number("y"), number("eps")
PAIR = gaussian_pair(x, y, c)
RESIDUAL = 1 - c**2                        # the variance of y that x does not explain

FIVE = several(E(x), E(y), E(x**2), E(x * y), E(y**2))
claim("gaussian-moments", FIVE, several(0, 0, 1, c, 1), PAIR,
      scope="$\\abs{c} < 1$",
      twins={"independent": several(0, 0, 1, 0, 1), "any two variables": PAIR,
             "residual for variance": several(0, 0, 1, c, RESIDUAL)})

SECOND = moments((x, 0), (y, 0), (x**2, 1), (x * y, c), (y**2, 1))
RISK = E((plus(y, -(w * x), -w_0))**2)
SQUARES = plus((w - c)**2, w_0**2, 1, -(c**2))
claim("population-risk", RISK, SQUARES, SECOND,
      scope="all $w$ and $w_0$",
      twins={"no intercept": plus((w - c)**2, 1, -(c**2)), "the residual's sign":
             plus((w - c)**2, w_0**2, 1, c**2), "other moments": SECOND})

claim("least-squares-learns-c", minimiser(RISK, w, w_0), several(c, 0), SECOND,
      scope="all $c$",
      twins={"the other slope": several(1 / c, 0), "nothing": several(0, 0),
             "no moments": SECOND})

FORM = (plus(x**2, -(2 * c * x * y), y**2)) / RESIDUAL
claim("exponent-completes-the-square", FORM, x**2 + (y - c * x)**2 / RESIDUAL,
      scope="$\\abs{c} < 1$",
      twins={"the slope's sign": x**2 + (y + c * x)**2 / RESIDUAL,
             "not divided": x**2 + (y - c * x)**2})

INSIDE = positive(RESIDUAL)
JOINT = 1 / (2 * CIRCLE * sqrt(RESIDUAL)) * exp(
    neg(plus(x**2, -(2 * c * x * y), y**2) / (2 * RESIDUAL)))
claim("density-factorises", JOINT, normal(x, 0, 1) * normal(y, c * x, RESIDUAL),
      scope="$\\abs{c} < 1$",
      twins={"independent": normal(x, 0, 1) * normal(y, 0, 1),
             "variance one": normal(x, 0, 1) * normal(y, c * x, 1),
             "the mean's sign": normal(x, 0, 1) * normal(y, -(c * x), RESIDUAL)})

f = number("f(x)")
FROM_X = where(y, c * x + sqrt(RESIDUAL) * noise)
UNSEEN = independent(noise, of=(x, f))
ANY = any_moments(x, f)
claim("best-predictor", E((y - f)**2), E((f - c * x)**2) + 1 - c**2, FROM_X, UNSEEN, ANY,
      scope="every $f$ with $\\E f(x)^2 < \\infty$",
      twins={"no error left": E((f - c * x)**2), "variance one": E((f - c * x)**2) + 1,
             "noise of any kind": UNSEEN})

claim("other-direction", E((plus(x, -(w * y), -w_0))**2), SQUARES, SECOND,
      scope="all $w$ and $w_0$",
      twins={"the slope 1/c": plus((w - 1 / c)**2, w_0**2, 1, -(c**2)), "other moments": SECOND})

# A sample

n = size("n")
i, j = index("i", n), index("j", n)
xs, ys, es = letter("x", (n,)), letter("y", (n,)), letter("eps", (n,))
S_xx, S_xy = summed(xs(i)**2, i), summed(xs(i) * ys(i), i)
ERRORS = summed((ys(i) - w * xs(i))**2, i)
claim("sample-least-squares", ERRORS,
      plus(S_xx * (w - S_xy / S_xx)**2, summed(ys(i)**2, i), -(S_xy**2 / S_xx)),
      scope="all $n$, not all $x_i = 0$",
      twins={"the other regression": plus(S_xx * (w - S_xy / summed(ys(i)**2, i))**2,
                                          summed(ys(i)**2, i), -(S_xy**2 / S_xx)),
             "nothing explained": plus(S_xx * (w - S_xy / S_xx)**2, summed(ys(i)**2, i))})

x_bar, y_bar, w_hat = number("bar x"), number("bar y"), number("hat w")
MEANS = where(x_bar, summed(xs(i), i) / n), where(y_bar, summed(ys(i), i) / n)
CENTRED = summed((xs(i) - x_bar)**2, i)
SLOPE = summed((xs(i) - x_bar) * (ys(i) - y_bar), i) / CENTRED
FIT = minimiser(summed((plus(ys(i), -(w * xs(i)), -w_0))**2, i), w, w_0)
claim("sample-with-intercept",
      FIT, several(SLOPE, y_bar - SLOPE * x_bar), *MEANS, positive(CENTRED),
      scope="all $n$, $x_i$ not all equal",
      twins={"through the origin": several(S_xy / S_xx, 0),
             "the intercept's sign": several(SLOPE, y_bar + SLOPE * x_bar),
             "all x equal": positive(CENTRED)})

SLOPE_0 = where(w_hat, S_xy / S_xx)
LINES = where(ys(i), c * xs(i) + sqrt(RESIDUAL) * es(i))
NOISE = independent(es(i), of=(xs(i),))
claim("slope-error", w_hat, c + sqrt(RESIDUAL) * (summed(xs(i) * es(i), i) / S_xx), SLOPE_0, LINES,
      scope="all $n$, not all $x_i = 0$",
      twins={"no error": c, "the variance of the noise": c + RESIDUAL * (
          summed(xs(i) * es(i), i) / S_xx), "any y": LINES})

claim("slope-mean-given-x", given("E", w_hat, xs(i)), c, SLOPE_0, LINES, NOISE,
      scope="all $n$, not all $x_i = 0$",
      twins={"biased": c + 1 / n, "the wrong way round": 1 / c, "noise of any kind": NOISE})

claim("slope-variance-given-x", given("Var", w_hat, xs(i)), RESIDUAL / S_xx, SLOPE_0, LINES, NOISE,
      scope="all $n$, not all $x_i = 0$",
      twins={"of one pair": RESIDUAL, "of the y": 1 / S_xx, "noise of any kind": NOISE})

u = number("u", "positive")
MORE_THAN_TWO = positive(n - 2)


def chi_square(k):
    """The density at u of the sum of k squared standard normal variables."""
    return (u**(k / 2 - 1) * exp(-(u / 2))) / (node(2)**(k / 2) * gamma(k / 2))


claim("slope-variance",
      integral(RESIDUAL / u * chi_square(n), u, 0, INFINITY), RESIDUAL / (n - 2),
      MORE_THAN_TWO,
      scope="$n > 2$",
      argued="the sum of $n$ squared standard normal variables has this density, $\\chi^2_n$; "
             "the law of total variance",
      twins={"divided by the mean": RESIDUAL / n, "one degree of freedom": RESIDUAL / (n - 1),
             "any number of pairs": MORE_THAN_TWO})

mean_x, mean_y = number("mu_x"), number("mu_y")
s_xx, s_yy = number("sigma_{xx}", "positive"), number("sigma_{yy}", "positive")
s_xy = number("sigma_{xy}")
ANY_SECOND = moments((x, mean_x), (y, mean_y), (x**2, s_xx + mean_x**2),
                     (x * y, s_xy + mean_x * mean_y), (y**2, s_yy + mean_y**2))
claim("any-distribution", RISK,
      plus(s_xx * (w - s_xy / s_xx)**2, (plus(w_0, -mean_y, w * mean_x))**2, s_yy,
           -(s_xy**2 / s_xx)),
      ANY_SECOND,
      scope="all $w$ and $w_0$",
      twins={"means forgotten": plus(s_xx * (w - s_xy / s_xx)**2, w_0**2, s_yy, -(s_xy**2 / s_xx)),
             "the covariance itself": plus(s_xx * (w - s_xy)**2,
                                           (plus(w_0, -mean_y, w * mean_x))**2, s_yy,
                                           -(s_xy**2 / s_xx)),
             "other moments": ANY_SECOND})
