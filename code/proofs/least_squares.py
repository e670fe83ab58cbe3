"""Exercise 3: what least squares learns from pairs (x, y) ~ N(0, Sigma), Sigma = [[1, c], [c, 1]].

No moment is assumed: `normal-moments` integrates the density to the generating function of the moments, and `mean` reads
each moment off its derivatives. Every equation is rational in c and the data, or is made so by taking logarithms, so that
`same` decides it.
"""

from functools import cache

from sympy import (Add, BlockMatrix, Derivative, Function, Identity, IndexedBase, Integer, Inverse, MatAdd, MatMul, Matrix,
                   MatrixSymbol, Mul, Poly, Rational, Sum, Symbol, Trace, Transpose, Tuple, ZeroMatrix, cancel, diff, exp,
                   expand_log, factor, gamma, gammasimp, hessian, integrate, log, nan, oo, pi, powsimp, solve, sqrt, symbols,
                   sympify)

from proofs.ledger import Equation, claim, shortened
from proofs.matrices import SquaredNorm, equal, notation, pairwise

x, y, z, w, b, s, t, u = symbols("x y z w b s t u", real=True)
c = Symbol("c", real=True)
N = Symbol("N", integer=True, positive=True)
SIGMA = Matrix([[1, c], [c, 1]])
GENERATING = exp((s**2 + 2*c*s*t + t**2) / 2)  # of the moments of (x, y); normal-moments proves it


# Notation: what statements are written in. It prints as a textbook does, and means nothing until a check evaluates it ----
Mean = notation("Mean", r"\E\left[#1\right]")
MeanGiven = notation("MeanGiven", r"\E\left[#1 \,\middle|\, #2\right]")
VarianceGiven = notation("VarianceGiven", r"\Var\left[#1 \,\middle|\, #2\right]")
Minimiser = notation("Minimiser", r"\operatorname*{arg\,min}_{#2, #3}\, #1")
Gradient = notation("Gradient", r"\nabla_{#2, #3}\, #1")
Density = notation("Density", r"p(#*)")                 # of the sheet's law, at x and y
LogDensity = notation("LogDensity", r"\log p(#1, #2)")  # the same; the third argument, c, is not printed
Normal = notation("Normal", r"\mathcal{N}\left(#1;\, #2,\, #3\right)")  # the density at #1 for mean #2 and variance #3
Student = notation("Student", r"t_{#2}\left(#1\right)")  # the density at #1 for #2 degrees of freedom
ChiSquare = notation("ChiSquare", r"\chi^2_{#1}")        # the sum of the squares of #1 independent standard normals
LimitVariance = notation("LimitVariance", r"\operatorname{avar}\left(#*\right)")  # of sqrt(N) (estimator - c) as N grows
LikelihoodRoot = notation("LikelihoodRoot", r"\hat{c}_{\mathrm{ML}}")             # the c at which the argument is 0


def in_order(*terms):
    """A sum that is typeset in the order given."""
    return Add(*terms, evaluate=False)


def product(*factors):
    """A product that is typeset in the order given."""
    return Mul(*factors, evaluate=False)


RESIDUAL = in_order(1, -c**2)


# Evaluation ---------------------------------------------------------------------------------------------------------------

def same(left, right):
    """True if left = right: SymPy decides this for rational functions; a logarithm or a root counts as one more variable."""
    if isinstance(left, Tuple) or isinstance(right, Tuple):
        return pairwise(same, left, right)
    return cancel((sympify(left) - sympify(right)).doit()) == 0


def same_positive(left, right):
    """The same for products of positive factors with symbolic exponents, by their logarithms."""
    def logarithm(e):
        return expand_log(log(factor(e)), force=True)  # force: SymPy need not find out that the factors are positive
    return same(logarithm(left).replace(log, logarithm) - logarithm(right).replace(log, logarithm), 0)


def integrate_out(exponent, variable):
    """The integral of exp(exponent) over the real line is sqrt(square) exp(rest); returns square and rest.

    The exponent is a quadratic in the variable, -(v - h)^2 / r + rest with r > 0; shifting v by h leaves the bell to integrate.
    """
    a, h, g = (Poly(exponent, variable).coeff_monomial(variable**power) for power in (2, 1, 0))
    r = Symbol("r", positive=True)
    bell = integrate(exp(-u**2 / r), (u, -oo, oo))
    return cancel((bell**2).subs(r, -1/a)), cancel(g - h**2 / (4*a))


@cache
def moment(i, j):
    """E[x^i y^j], a derivative of the generating function at 0."""
    return diff(GENERATING, (s, i), (t, j)).subs({s: 0, t: 0}).expand()


def mean(expression):
    """E of a polynomial in x and y."""
    return Add(*(weight * moment(i, j) for (i, j), weight in Poly(expression, x, y).terms()))


def mean_given(expression, known):
    """E[... | x] of a polynomial in y, for y ~ N(cx, 1 - c^2), which conditional-law proves; nan if not x is known."""
    if known != x:
        return nan
    _, exponent = integrate_out(t*y - (y - c*x)**2 / (2*(1 - c**2)), y)
    generating = exp(exponent - exponent.subs(t, 0))  # the integral with exp(ty), divided by the one without
    return Add(*(weight * diff(generating, (t, j)).subs(t, 0) for (j,), weight in Poly(expression, y).terms()))


def variance_given(expression, known):
    return mean_given(expression**2, known) - mean_given(expression, known)**2


@cache
def mean_of_chi_square(expression, dof):
    """E of a function of one chi-square variable, integrated against the density for `dof` degrees of freedom."""
    S = Symbol("S", positive=True)
    density = S**(dof/2 - 1) * exp(-S/2) / (2**(dof/2) * gamma(dof/2))
    return gammasimp(powsimp(integrate(expression.replace(ChiSquare, lambda _: S) * density, (S, 0, oo))))


def log_density(at_x, at_y, _=c):  # c stands in SIGMA; the argument is there for the derivative
    point = Matrix([at_x, at_y])
    return -log(2*pi) - log(SIGMA.det())/2 - (point.T * SIGMA.inv() * point)[0]/2


def log_normal(at, centre, variance):
    return -log(2*pi)/2 - log(variance)/2 - (at - centre)**2 / (2*variance)


def log_product(densities):
    """The logarithm of a product of densities; the law of x alone, or of y alone, is N(0, 1)."""
    logarithms = {Normal: log_normal, Density: lambda *at: log_density(*at) if len(at) == 2 else log_normal(*at, 0, 1)}
    return Add(*(logarithms[type(part)](*part.args) if type(part) in logarithms else log(part)
                 for part in Mul.make_args(densities)))


def student_density(at, dof):
    return gamma((dof + 1)/2) / (sqrt(dof*pi) * gamma(dof/2)) * (1 + at**2/dof)**(-(dof + 1)/2)


def value(expression):
    """The expression with log p written out, derivatives carried out and each E, Var, gradient and minimiser evaluated."""
    expression = expression.replace(LogDensity, log_density).doit().replace(Mean, mean)
    for node, meaning in ((MeanGiven, mean_given), (VarianceGiven, variance_given), (Gradient, gradient),
                          (Minimiser, unique_minimiser)):
        expression = expression.replace(node, meaning)
    return expression


# The population -----------------------------------------------------------------------------------------------------------

@claim("normal-moments",
       statement=Equation(Mean(exp(in_order(s*x, t*y))), exp(product(Rational(1, 2), in_order(s**2, 2*c*s*t, t**2)))),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"half the covariance": Equation(Mean(exp(s*x + t*y)), exp((s**2 + c*s*t + t**2)/2)),
                   "no half": Equation(Mean(exp(s*x + t*y)), exp(s**2 + 2*c*s*t + t**2))})
def _(statement):
    def by_integration(expression):
        point = Matrix([x, y])
        from_y, exponent = integrate_out(log(expression) - (point.T * SIGMA.inv() * point)[0]/2, y)
        from_x, exponent = integrate_out(exponent, x)
        normaliser = (2*pi)**2 * SIGMA.det()  # squared, like the factors
        return sqrt(cancel(from_y * from_x / normaliser)) * exp(exponent)
    return (same(log(statement.left.replace(Mean, by_integration)), log(statement.right))
            and same(log(GENERATING), log(statement.right)))


MOMENTS = Equation(Tuple(Mean(x), Mean(y), Mean(x**2), Mean(y**2), Mean(x*y)),
                   Tuple(Integer(0), Integer(0), Integer(1), Integer(1), c))


@claim("gaussian-moments",
       statement=MOMENTS,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"independent": Equation(MOMENTS.left, Tuple(*MOMENTS.right[:4], Integer(0))),
                   "variance 1 - c^2": Equation(MOMENTS.left, Tuple(*MOMENTS.right[:3], 1 - c**2, c)),
                   **shortened(MOMENTS)})
def _(statement):
    return same(value(statement.left), statement.right)


VARIANCE = in_order(s**2, 2*c*s*t, t**2)  # of sx + ty


@claim("covariance-needs-c-up-to-one",
       statement=Equation(VARIANCE, in_order(product(Rational(1, 2), in_order(1, c), in_order(s, t)**2),
                                             product(Rational(1, 2), in_order(1, -c), in_order(s, -t)**2))),
       scope="general", over=r"all $c, s, t$",
       false_twin={"axes swapped": Equation(VARIANCE, (1 - c)*(s + t)**2/2 + (1 + c)*(s - t)**2/2),
                   "axes along x and y": Equation(VARIANCE, (1 + c)*s**2 + (1 - c)*t**2)},
       by_hand=r"The left side is $\Var(sx + ty)$, which is not negative; so neither of the two coefficients is.")
def _(statement):
    return same(statement.left, statement.right)


def stretched(vector, by):
    """Sigma v = by v, not multiplied out."""
    return Equation(MatMul(SIGMA, vector), MatMul(by, vector))


DIAGONAL = Matrix([1, 1])


@claim("the-long-axis",
       statement=stretched(DIAGONAL, in_order(1, c)),
       scope="general", over=r"all $c$",
       false_twin={"the other axis": stretched(DIAGONAL, in_order(1, -c)),
                   "the line of least squares": stretched(Matrix([1, c]), in_order(1, c))},
       by_hand="The axes of the ellipse are the eigenvectors of its matrix, and the larger eigenvalue belongs to the longer one.")
def _(statement):
    return pairwise(same, Tuple(*statement.left.as_explicit()), Tuple(*statement.right.as_explicit()))


RISK = Mean(in_order(y, -w*x, -b)**2)
SOLVED = in_order(in_order(w, -c)**2, b**2, 1, -c**2)


@claim("population-risk",
       statement=Equation(RISK, SOLVED),
       scope="general", over=r"all $w, b$, $\abs{c} < 1$",
       false_twin={"sign of c": Equation(RISK, (w + c)**2 + b**2 + 1 - c**2),
                   "residual 1 - c": Equation(RISK, (w - c)**2 + b**2 + 1 - c),
                   "no residual": Equation(RISK, (w - c)**2 + b**2)})
def _(statement):
    return same(value(statement.left), statement.right)


RISK_GRADIENT = Equation(Gradient(RISK, w, b), Tuple(product(2, in_order(w, -c)), 2*b))


@claim("risk-gradient",
       statement=RISK_GRADIENT,
       scope="general", over=r"all $w, b$, $\abs{c} < 1$",
       false_twin={"half": Equation(Gradient(RISK, w, b), Tuple(w - c, b)),
                   "sign": Equation(Gradient(RISK, w, b), Tuple(2*(c - w), -2*b)),
                   "slope and intercept coupled": Equation(Gradient(RISK, w, b), Tuple(2*(w - c) + b, w + 2*b)),
                   "its zero for the gradient": Equation(Minimiser(RISK, w, b), RISK_GRADIENT.right),
                   **shortened(RISK_GRADIENT)})
def _(statement):
    return same(value(statement.left), statement.right)


def gradient(risk, *variables):
    return Tuple(*(diff(risk, v) for v in variables))


LEARNT = Equation(Minimiser(RISK, w, b), Tuple(c, Integer(0)))


@claim("least-squares-learns-c",
       statement=LEARNT,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"the line of x on y": Equation(Minimiser(RISK, w, b), Tuple(1/c, Integer(0))),
                   "the ellipse's axis": Equation(Minimiser(RISK, w, b), Tuple(Integer(1), Integer(0))),
                   "a maximum": Equation(Minimiser(-RISK, w, b), Tuple(c, Integer(0))),
                   "the intercept c": Equation(LEARNT.left, Tuple(c, c)),
                   "the gradient": Equation(Gradient(RISK, w, b), LEARNT.right), **shortened(LEARNT)})
def _(statement):
    return same(value(statement.left), statement.right)


def unique_minimiser(risk, *variables):
    """The only zero of the gradient, if the Hessian is positive definite; else nan."""
    zeros = solve(list(gradient(risk, *variables)), variables, dict=True)
    convex = hessian(risk, variables).is_positive_definite is True
    return Tuple(*(zeros[0][v] for v in variables)) if convex and len(zeros) == 1 else nan


@claim("conditional-law",
       statement=Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, RESIDUAL))),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"variance 1": Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, 1))),
                   "standard deviation": Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, sqrt(1 - c**2)))),
                   "sign of the mean": Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, -c*x, 1 - c**2))),
                   "p(y) for p(x, y)": Equation(Density(y), product(Normal(x, 0, 1), Normal(y, c*x, 1 - c**2))),
                   "twice": Equation(2*Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, 1 - c**2)))},
       by_hand="The first factor is free of $y$ and the second integrates to 1 over $y$, so they are $p(x)$ and $p(y \\mid x)$.")
def _(statement):
    return same(log_product(statement.left), log_product(statement.right))


f = Function("f", real=True)(x)


@claim("best-predictor",
       statement=Equation(MeanGiven(in_order(y, -f)**2, x), in_order(in_order(f, -c*x)**2, 1, -c**2)),
       scope="general", over=r"all $f$, $\abs{c} < 1$",
       false_twin={"sign of the slope": Equation(MeanGiven((y - f)**2, x), (f + c*x)**2 + 1 - c**2),
                   "variance of y, not of y given x": Equation(MeanGiven((y - f)**2, x), (f - c*x)**2 + 1),
                   "given y": Equation(MeanGiven((y - f)**2, y), (f - c*x)**2 + 1 - c**2),
                   "Var for E": Equation(VarianceGiven((y - f)**2, x), (f - c*x)**2 + 1 - c**2)},
       by_hand="Averaging over $x$.")
def _(statement):
    return same(value(statement.left), statement.right)


@claim("masking-x",
       statement=Equation(Mean(in_order(x, -w*y, -b)**2), SOLVED),
       scope="general", over=r"all $w, b$, $\abs{c} < 1$",
       false_twin={"slope 1/c": Equation(Mean((x - w*y - b)**2), (w - 1/c)**2 + b**2 + 1 - c**2),
                   "sign of c": Equation(Mean((x - w*y - b)**2), (w + c)**2 + b**2 + 1 - c**2)})
def _(statement):
    return same(value(statement.left), statement.right)


# What normality is needed for ---------------------------------------------------------------------------------------------

mu_x, mu_y, sigma_xx, sigma_xy, sigma_yy = symbols("mu_x mu_y sigma_xx sigma_xy sigma_yy", real=True)
SECOND_MOMENTS = {(0, 0): 1, (1, 0): mu_x, (0, 1): mu_y,
                  (2, 0): sigma_xx + mu_x**2, (1, 1): sigma_xy + mu_x*mu_y, (0, 2): sigma_yy + mu_y**2}


@claim("second-moments-suffice",
       statement=Equation(RISK, in_order(product(sigma_xx, in_order(w, -sigma_xy/sigma_xx)**2), in_order(b, w*mu_x, -mu_y)**2,
                                         sigma_yy, -sigma_xy**2/sigma_xx)),
       scope="general", over=r"every law with $\sigma_{xx} > 0$",
       false_twin={"correlation for slope": Equation(RISK, sigma_xx*(w - sigma_xy/sqrt(sigma_xx*sigma_yy))**2
                                                     + (b + w*mu_x - mu_y)**2 + sigma_yy - sigma_xy**2/sigma_xx),
                   "means forgotten": Equation(RISK, sigma_xx*(w - sigma_xy/sigma_xx)**2 + b**2
                                               + sigma_yy - sigma_xy**2/sigma_xx)})
def _(statement):
    def from_second_moments(expression):
        return Add(*(weight * SECOND_MOMENTS[powers] for powers, weight in Poly(expression, x, y).terms()))
    return same(statement.left.replace(Mean, from_second_moments), statement.right)


def parabola(size, power=2):
    """A y that is a function of x, so not Gaussian beside it; with size 1/2 it has mean 0, variance 1 and covariance c."""
    return c*x, product(sqrt(product(size, RESIDUAL)), in_order(x**power, -1))


@claim("non-gaussian-twin",
       statement=Equation(Mean(in_order(*parabola(Rational(1, 2)), -w*x, -b)**2), SOLVED),
       scope="general", over=r"all $w, b$, $\abs{c} < 1$",
       false_twin={"wrong scale": Equation(Mean(in_order(*parabola(1), -w*x, -b)**2), SOLVED),
                   "cubic": Equation(Mean(in_order(*parabola(Rational(1, 2), power=3), -w*x, -b)**2), SOLVED)})
def _(statement):
    return same(value(statement.left), statement.right)


# A finite sample: x and y are now vectors of N observations; S_xx = x^T x, S_xy = x^T y, S_yy = y^T y ----------------------

xs, ys, ones, noise = (MatrixSymbol(name, N, 1) for name in ("x", "y", "1", "epsilon"))
centring = MatrixSymbol("C", N, N)
CENTRING = Identity(N) - ones * ones.T / N
S_xx, S_xy, S_yy = symbols("S_xx S_xy S_yy", positive=True)
SUMS = {(xs.T, xs): S_xx, (xs.T, ys): S_xy, (ys.T, ys): S_yy}
WHITE = {(noise, noise.T): 1}  # E[noise noise^T] = I
ONES = {(ones.T, ones): N}
SQUARES = MatMul(Transpose(MatAdd(ys, -w*xs)), MatAdd(ys, -w*xs))


@claim("sample-least-squares",
       statement=Equation(SQUARES, in_order(product(S_xx, in_order(w, -S_xy/S_xx)**2), S_yy, -S_xy**2/S_xx)),
       scope="general", over=r"all $N$, $w$, $\vec{y}$, $\vec{x} \ne \vec{0}$",
       false_twin={"x and y swapped": Equation(SQUARES, S_xx*(w - S_xy/S_yy)**2 + S_yy - S_xy**2/S_yy),
                   "a correlation for the slope": Equation(SQUARES, S_xx*(w - S_xy/sqrt(S_xx*S_yy))**2 + S_yy - S_xy**2/S_xx)})
def _(statement):
    return equal(statement.left, statement.right.doit(), given=SUMS)


def law_given_x(node, intercept=0):
    """E or Var given x of an expression linear in y = c x + intercept + sqrt(1 - c^2) noise, the noise white; else nan."""
    linear, *known = node.args
    if known != [xs]:
        return nan
    deviation = linear.subs(ys, sqrt(1 - c**2) * noise)
    return {MeanGiven: linear.subs(ys, c*xs + intercept*ones), VarianceGiven: deviation * deviation.T}.get(type(node), nan)


SLOPE = MatMul(1/S_xx, xs.T, ys)
SLOPE_LAW = Tuple(MeanGiven(SLOPE, xs), VarianceGiven(SLOPE, xs))
SLOPE_GIVEN_X = Equation(SLOPE_LAW, Tuple(c, RESIDUAL/S_xx))


@claim("slope-given-x",
       statement=SLOPE_GIVEN_X,
       scope="general", over=r"all $N$, $\vec{x} \ne \vec{0}$",
       false_twin={"biased": Equation(SLOPE_LAW, Tuple(c - c/N, (1 - c**2)/S_xx)),
                   "variance of y, not of y given x": Equation(SLOPE_LAW, Tuple(c, 1/S_xx)),
                   "divided by N": Equation(SLOPE_LAW, Tuple(c, (1 - c**2)/N)),
                   "given y": Equation(Tuple(MeanGiven(SLOPE, ys), VarianceGiven(SLOPE, ys)), SLOPE_GIVEN_X.right),
                   "E and Var swapped": Equation(Tuple(*reversed(SLOPE_LAW)), SLOPE_GIVEN_X.right),
                   **shortened(SLOPE_GIVEN_X)})
def _(statement):
    return pairwise(lambda node, stated: equal(law_given_x(node), stated, given={**WHITE, **SUMS}),
                    statement.left, statement.right)


SPREAD = MatMul(xs.T, centring, xs)
CENTRED_LAW = Tuple(*(given(MatMul(xs.T, centring, ys), xs) for given in (MeanGiven, VarianceGiven)))
CENTRED_GIVEN_X = Equation(CENTRED_LAW, Tuple(MatMul(c, SPREAD), MatMul(RESIDUAL, SPREAD)))


@claim("centred-slope-given-x",
       statement=CENTRED_GIVEN_X,
       scope="general", over=r"all $N$, $\vec{x}$, intercepts",
       false_twin={"not centred": Equation(CENTRED_LAW, Tuple(MatMul(c, xs.T, xs), MatMul(1 - c**2, xs.T, xs))),
                   "variance of y, not of y given x": Equation(CENTRED_LAW, Tuple(MatMul(c, SPREAD), SPREAD)),
                   **shortened(CENTRED_GIVEN_X)})
def _(statement):
    def agree(node, stated):
        law = law_given_x(node, intercept=b)
        return equal(law.subs(centring, CENTRING), stated.subs(centring, CENTRING), given={**WHITE, **ONES})
    return pairwise(agree, statement.left, statement.right)


LIMITS = Equation(Tuple(Mean(x*y), Mean(x**2)), Tuple(c, Integer(1)))


@claim("consistency",
       statement=LIMITS,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"as if independent": Equation(LIMITS.left, Tuple(Integer(0), Integer(1))),
                   "standard deviation for variance": Equation(LIMITS.left, Tuple(c, sqrt(1 - c**2))),
                   "p for E": Equation(Tuple(Density(x*y), Density(x**2)), LIMITS.right), **shortened(LIMITS)},
       by_hand="The strong law of large numbers.")
def _(statement):
    return same(value(statement.left), statement.right)


TRANSFORM = Mean(exp(-t*x**2))**N


@claim("sum-of-squares-law",
       statement=Equation(TRANSFORM, Mean(exp(-t*ChiSquare(N)))),
       scope="general", over="all $N$, $t > 0$",
       false_twin={"one degree of freedom less": Equation(TRANSFORM, Mean(exp(-t*ChiSquare(N - 1)))),
                   "half the square": Equation(Mean(exp(-t*x**2/2))**N, Mean(exp(-t*ChiSquare(N))))},
       by_hand="Independence makes the power; the Laplace transform determines the law.")
def _(statement):
    positive = symbols("t", positive=True)

    def transform(expression):
        if expression.has(ChiSquare):
            return mean_of_one_chi_square(expression)
        square, rest = integrate_out(log(expression) - x**2/2, x)
        return sqrt(square / (2*pi)) * exp(rest)
    return same_positive(*(side.subs(t, positive).replace(Mean, transform) for side in (statement.left, statement.right)))


def mean_of_one_chi_square(expression):
    """E of a function of one chi-square variable with any degrees of freedom."""
    dof = Symbol("nu", positive=True)
    (chi,) = expression.atoms(ChiSquare)
    return mean_of_chi_square(expression.subs(chi, ChiSquare(1)), dof).subs(dof, chi.args[0])


def over_sums_of_squares(expectation, least):
    """Each E of a function of one chi-square variable whose degrees of freedom grow with N evaluated, for N at least `least`."""
    more = Symbol("m", positive=True)  # N = least - 1 + more, by which SymPy sees that the integral converges

    def integral(expression):
        (chi,) = expression.atoms(ChiSquare)
        dof = chi.args[0].subs(N, least - 1 + more)
        return mean_of_chi_square(expression.subs(chi, ChiSquare(1)), dof).subs(more, N - least + 1)
    return expectation.replace(Mean, integral)


ERROR = product(sqrt(2/pi), Mean(sqrt(RESIDUAL/ChiSquare(N))))  # E |w^ - c|: given x it is the mean size of a normal number


def mean_error(less, residual=sqrt(RESIDUAL)):
    return product(residual, 1/sqrt(pi), gamma(product(Rational(1, 2), in_order(N, -less))), 1/gamma(N/2))


@claim("slope-has-a-mean",
       statement=Equation(ERROR, mean_error(1)),
       scope="general", over="$N > 1$",
       false_twin={"two pairs more": Equation(ERROR, mean_error(-1)), "as the variance": Equation(ERROR, mean_error(2)),
                   "no root": Equation(ERROR, mean_error(1, residual=RESIDUAL))},
       by_hand=r"The left side is $\E\abs{\hat w - c}$, as a normal number of variance $v$ has the mean size $\sqrt{2v/\pi}$.")
def _(statement):
    return same_positive(over_sums_of_squares(statement.left, least=2), statement.right)


SLOPE_VARIANCE = Mean(RESIDUAL / ChiSquare(N))


@claim("slope-variance",
       statement=Equation(SLOPE_VARIANCE, RESIDUAL / in_order(N, -2)),
       scope="general", over="$N > 2$",
       false_twin={"divided by the mean of S_xx": Equation(SLOPE_VARIANCE, (1 - c**2)/N),
                   "one degree of freedom": Equation(SLOPE_VARIANCE, (1 - c**2)/(N - 1)),
                   "as if efficient": Equation(SLOPE_VARIANCE, (1 - c**2)**2/(1 + c**2)/N)},
       by_hand=r"The law of total variance: $\E[\hat w \mid \vec{x}]$ is constant.")
def _(statement):
    return same(over_sums_of_squares(statement.left, least=3), statement.right)


CENTRED_VARIANCE = Mean(RESIDUAL / ChiSquare(Trace(centring)))


@claim("centred-slope-variance",
       statement=Equation(CENTRED_VARIANCE, RESIDUAL / in_order(N, -3)),
       scope="general", over="$N > 3$",
       false_twin={"as without intercept": Equation(CENTRED_VARIANCE, (1 - c**2)/(N - 2)),
                   "of rank N": Equation(Mean(RESIDUAL / ChiSquare(Trace(Identity(N)))), (1 - c**2)/(N - 3)),
                   "one more": Equation(CENTRED_VARIANCE, (1 - c**2)/(N - 4)),
                   "no residual": Equation(CENTRED_VARIANCE, 1/(N - 3))},
       by_hand=r"In its own axes a projection leaves as many independent squares as its trace says; the law of total variance.")
def _(statement):
    (trace,) = statement.left.atoms(Trace)
    projection = trace.arg.subs(centring, CENTRING).doit()
    is_projection = equal(projection.T * projection, projection, given=ONES)  # says that it is symmetric, too
    has_rank = equal(Trace(projection), N - 1, given=ONES)
    expectation = statement.left.subs(trace, N - 1)
    return is_projection and has_rank and same(over_sums_of_squares(expectation, least=4), statement.right)


SCALE = sqrt(N) / sqrt(RESIDUAL)
MIXTURE = Mean(Normal(u, 0, RESIDUAL / ChiSquare(N)))


@claim("student-law",
       statement=Equation(MIXTURE, product(SCALE, Student(SCALE * u, N))),
       scope="general", over=r"all $N$, $\abs{c} < 1$",
       false_twin={"one degree of freedom less": Equation(MIXTURE, product(SCALE, Student(SCALE * u, N - 1))),
                   "scale upside down": Equation(MIXTURE, product(1/SCALE, Student(u / SCALE, N))),
                   "scale forgotten": Equation(MIXTURE, Student(SCALE * u, N))},
       by_hand="Both densities are even, so $u > 0$ is enough.")
def _(statement):
    variance, at = symbols("v u", positive=True)
    mixed, scaled = (e.doit().subs({1 - c**2: variance, u: at}) for e in (statement.left, statement.right))
    normal = mixed.replace(Normal, lambda *args: exp(log_normal(*args)))
    return same_positive(normal.replace(Mean, mean_of_one_chi_square), scaled.replace(Student, student_density))


# Efficiency: m_xx, m_xy and m_yy are the sample means of x^2, xy and y^2 --------------------------------------------------

m_xx, m_xy, m_yy = symbols("m_xx m_xy m_yy", positive=True)
FROM_MEAN = product(x, in_order(y, -c*x), 1/RESIDUAL)
FROM_NOISE = product(c, in_order(1, -c**2, -in_order(y, -c*x)**2), RESIDUAL**-2)
SCORE = Derivative(LogDensity(x, y, c), c)


@claim("score-split",
       statement=Equation(SCORE, in_order(FROM_MEAN, FROM_NOISE)),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"the mean alone": Equation(SCORE, FROM_MEAN),
                   "sign of the noise": Equation(SCORE, FROM_MEAN - FROM_NOISE)})
def _(statement):
    return same(value(statement.left), statement.right)


PARTS = Tuple(Mean(FROM_MEAN**2), Mean(FROM_NOISE**2), Mean(SCORE**2))
INFORMATION = in_order(1, c**2) / RESIDUAL**2
FISHER = Equation(PARTS, Tuple(1/RESIDUAL, 2*c**2/RESIDUAL**2, INFORMATION))


@claim("fisher-information",
       statement=FISHER,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"a square's variance 1, not 2": Equation(PARTS, Tuple(1/RESIDUAL, c**2/RESIDUAL**2, 1/RESIDUAL**2)),
                   "noise of known size": Equation(PARTS, Tuple(1/RESIDUAL, Integer(0), 1/RESIDUAL)),
                   "sign of a square": Equation(PARTS, Tuple(1/RESIDUAL, 2*c**2/RESIDUAL**2, 1/RESIDUAL)),
                   "information of the noise": Equation(PARTS, Tuple(2*c**2/RESIDUAL**2, *FISHER.right[1:])),
                   **shortened(FISHER)},
       by_hand="That no unbiased estimator is below the bound is Cauchy--Schwarz")
def _(statement):
    return same(value(statement.left), statement.right)


CURVATURE = Derivative(LogDensity(x, y, c), (c, 2))
SCORE_MEANS = Equation(Tuple(Mean(SCORE), Mean(CURVATURE)), Tuple(Integer(0), -INFORMATION))


@claim("score-mean-zero",
       statement=SCORE_MEANS,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"sign of the curvature": Equation(SCORE_MEANS.left, Tuple(Integer(0), INFORMATION)),
                   "not centred": Equation(SCORE_MEANS.left, Tuple(c, -INFORMATION)),
                   "the square's mean": Equation(Tuple(Mean(SCORE**2), Mean(CURVATURE)), SCORE_MEANS.right),
                   **shortened(SCORE_MEANS)})
def _(statement):
    return same(value(statement.left), statement.right)


n = Symbol("n", integer=True)
xn, yn = IndexedBase("x")[n], IndexedBase("y")[n]
CUBIC = in_order(c, -c**3, product(in_order(1, c**2), m_xy), -product(c, in_order(m_xx, m_yy)))
LIKELIHOOD_SLOPE = Derivative(Sum(LogDensity(xn, yn, c), (n, 1, N)), c)


@claim("likelihood-equation",
       statement=Equation(LIKELIHOOD_SLOPE, product(N / RESIDUAL**2, CUBIC)),
       scope="general", over=r"all $N$, data",
       false_twin={"sign of a term": Equation(LIKELIHOOD_SLOPE, N/(1 - c**2)**2 * (c - c**3 + (1 + c**2)*m_xy + c*(m_xx + m_yy))),
                   "normaliser forgotten": Equation(LIKELIHOOD_SLOPE, N/(1 - c**2)**2 * ((1 + c**2)*m_xy - c*(m_xx + m_yy)))})
def _(statement):
    means = {(0, 0): 1, (2, 0): m_xx, (1, 1): m_xy, (0, 2): m_yy}

    def by_means(summand, limits):
        _, first, last = limits
        terms = Poly(diff(summand, c), xn, yn).terms()
        return (last - first + 1) * Add(*(weight * means[powers] for powers, weight in terms))
    total = statement.left.replace(LogDensity, log_density)
    if not isinstance(total, Derivative) or total.variables != (c,):
        return False
    return same(total.expr.replace(Sum, by_means), statement.right)


def limit_variances(*estimators):
    return Tuple(*map(limit_variance, estimators)) if len(estimators) > 1 else limit_variance(*estimators)


def limit_variance(estimator):
    """g^T V g: V is the covariance of (xy, x^2, y^2), g the estimator's gradient at their means (the delta method).

    It is nan for an estimator that does not tend to c.
    """
    products = {m_xy: x*y, m_xx: x**2, m_yy: y**2}
    V = Matrix([[mean(p*q) - mean(p)*mean(q) for q in products.values()] for p in products.values()])
    truth = {m: mean(p) for m, p in products.items()}
    if isinstance(estimator, LikelihoodRoot):  # F(c, m) = 0, so dc/dm = - F_m / F_c
        (F,) = estimator.args
        limit = c + F.subs(truth)
        gradient = [-diff(F, m) / diff(F, c) for m in products]
    else:
        limit = estimator.subs(truth)
        gradient = [diff(estimator, m) for m in products]
    g = Matrix([entry.subs(truth) for entry in gradient])
    return (g.T * V * g)[0] if same(limit, c) else nan


LIMIT_VARIANCES = LimitVariance(m_xy/m_xx, m_xy/sqrt(m_xx*m_yy), m_xy, LikelihoodRoot(CUBIC))
PRODUCT, BOUND = in_order(1, c**2), 1/INFORMATION
VARIANCES = Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL**2, PRODUCT, BOUND))


@claim("limit-variances",
       statement=VARIANCES,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"least squares on the bound": Equation(LIMIT_VARIANCES, Tuple(BOUND, RESIDUAL**2, PRODUCT, BOUND)),
                   "correlation as least squares": Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL, PRODUCT, BOUND)),
                   "product as if independent": Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL**2, Integer(1), BOUND)),
                   "likelihood off the bound": Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL**2, PRODUCT, RESIDUAL**2)),
                   "p for avar": Equation(Density(*LIMIT_VARIANCES.args), VARIANCES.right), **shortened(VARIANCES)},
       by_hand="The central limit theorem, the delta method and, for the root, the implicit function theorem; that the likeliest "
               "root is the consistent one.")
def _(statement):
    return same(statement.left.replace(LimitVariance, limit_variances), statement.right)


TIMES_INFORMATION = Tuple(*(product(INFORMATION, LimitVariance(estimator)) for estimator in LIMIT_VARIANCES.args))
RATIOS = Equation(TIMES_INFORMATION, Tuple(PRODUCT/RESIDUAL, PRODUCT, PRODUCT**2/RESIDUAL**2, Integer(1)))


@claim("bound-ratios",
       statement=RATIOS,
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"least squares on the bound": Equation(TIMES_INFORMATION, Tuple(Integer(1), *RATIOS.right[1:])),
                   "the correlation on the bound": Equation(TIMES_INFORMATION,
                                                            Tuple(RATIOS.right[0], Integer(1), *RATIOS.right[2:])),
                   "no square": Equation(TIMES_INFORMATION, Tuple(*RATIOS.right[:2], PRODUCT/RESIDUAL, Integer(1))),
                   "likelihood below the bound": Equation(TIMES_INFORMATION, Tuple(*RATIOS.right[:3], RESIDUAL)),
                   **shortened(RATIOS)},
       by_hand="As for the variances themselves.")
def _(statement):
    return same(statement.left.replace(LimitVariance, limit_variances), statement.right)


EFFICIENCY = LimitVariance(LikelihoodRoot(CUBIC)) / LimitVariance(m_xy/m_xx)


@claim("efficiency",
       statement=Equation(EFFICIENCY, RESIDUAL / in_order(1, c**2)),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"fully efficient": Equation(EFFICIENCY, Integer(1)),
                   "upside down": Equation(EFFICIENCY, (1 + c**2)/(1 - c**2))})
def _(statement):
    return same(statement.left.replace(LimitVariance, limit_variances), statement.right)


# Self-supervised learning -------------------------------------------------------------------------------------------------

e_1, e_2, k = symbols("e_1 e_2 k", real=True)
VIEWS = {x: sqrt(c)*z + sqrt(1 - c)*e_1, y: sqrt(c)*z + sqrt(1 - c)*e_2}  # of a hidden z; z, e_1 and e_2 are independent
HEAD = Tuple(Mean(x**2), Mean(x*y), Mean(y**2), Mean(in_order(z, -k*c*x)**2))
HIDDEN_CAUSE = Equation(HEAD, Tuple(Integer(1), c, Integer(1), in_order(in_order(k*c, -sqrt(c))**2, 1, -c)))


@claim("hidden-cause",
       statement=HIDDEN_CAUSE,
       scope="general", over=r"all $k$, $0 < c < 1$",
       false_twin={"weight c for its root": Equation(HEAD, Tuple(Integer(1), c, Integer(1), (k*c - c)**2 + 1 - c)),
                   "the residual of y": Equation(HEAD, Tuple(Integer(1), c, Integer(1), (k*c - sqrt(c))**2 + 1 - c**2)),
                   "covariance of the noise": Equation(HEAD, Tuple(Integer(1), 1 - c, Integer(1), (k*c - sqrt(c))**2 + 1 - c)),
                   "x twice as wide": Equation(HEAD, Tuple(Integer(2), *HIDDEN_CAUSE.right[1:])),
                   "y of variance c": Equation(HEAD, Tuple(*HIDDEN_CAUSE.right[:2], c, HIDDEN_CAUSE.right[3])),
                   **shortened(HIDDEN_CAUSE)},
       by_hand="$x$ and $y$ are jointly normal, so these moments are their law; the best predictor of $z$ is linear.")
def _(statement):
    def hidden_mean(expression):
        terms = Poly(expression.doit().subs(VIEWS).expand(), z, e_1, e_2).terms()
        return Add(*(weight * Mul(*(moment(i, 0) for i in powers)) for powers, weight in terms)).expand()
    return same(statement.left.replace(Mean, hidden_mean), Tuple(*(stated.doit().expand() for stated in statement.right)))


# x_h is hidden and predicted from the visible x_v by W x_v. Sigma_hv and Sigma_vv are covariances, B = Sigma_hv Sigma_vv^-1
h, v = symbols("h v", integer=True, positive=True)  # how many coordinates are hidden, and visible
Sigma_hh, Sigma_vv, Lambda_hh = (MatrixSymbol(*shape) for shape in [("Sigma_hh", h, h), ("Sigma_vv", v, v), ("Lambda_hh", h, h)])
Sigma_hv, B, W = (MatrixSymbol(name, h, v) for name in ("Sigma_hv", "B", "W"))
SYMMETRIC = (Sigma_hh, Sigma_vv, Lambda_hh)
x_h, x_v = MatrixSymbol("x_h", h, 1), MatrixSymbol("x_v", v, 1)
EXPECTED = {(x_h, x_h.T): Sigma_hh, (x_h, x_v.T): Sigma_hv, (x_v, x_v.T): Sigma_vv}  # E of the products on the left
MASKED_ERROR = Mean(SquaredNorm(MatAdd(x_h, -W * x_v)))
LEAST_ERROR = (Trace(Sigma_hh), -Trace(Sigma_hv * Inverse(Sigma_vv) * Sigma_hv.T))


def quadratic(deviation):
    return Trace(MatMul(deviation, Sigma_vv, Transpose(deviation)))


@claim("masked-regression",
       statement=Equation(MASKED_ERROR, in_order(*LEAST_ERROR, quadratic(MatAdd(W, -Sigma_hv * Inverse(Sigma_vv))))),
       scope="general", over="all numbers hidden, visible",
       false_twin={"covariance for regression": Equation(MASKED_ERROR, in_order(*LEAST_ERROR, quadratic(MatAdd(W, -Sigma_hv)))),
                   "sign": Equation(MASKED_ERROR, in_order(*LEAST_ERROR, quadratic(MatAdd(W, Sigma_hv * Inverse(Sigma_vv))))),
                   "all of it explained": Equation(MASKED_ERROR, quadratic(MatAdd(W, -Sigma_hv * Inverse(Sigma_vv)))),
                   "no mean": Equation(MASKED_ERROR.args[0], in_order(
                       *LEAST_ERROR, quadratic(MatAdd(W, -Sigma_hv * Inverse(Sigma_vv))))),
                   "nothing explained": Equation(MASKED_ERROR, in_order(
                       LEAST_ERROR[0], quadratic(MatAdd(W, -Sigma_hv * Inverse(Sigma_vv)))))},
       by_hand=r"$\E$ is linear, so each product on the left may be replaced by its mean; $\boldsymbol{\Sigma}_{vv}$ is positive "
               r"definite, so the last trace is zero for one $\mathbf{W}$ only.")
def _(statement):
    if not isinstance(statement.left, Mean):
        return False
    return equal(statement.left.args[0], statement.right, given=EXPECTED, symmetric=SYMMETRIC)


COVARIANCE = BlockMatrix([[MatAdd(Inverse(Lambda_hh), B * Sigma_vv * B.T), B * Sigma_vv], [Sigma_vv * B.T, Sigma_vv]])


def precision(sign=1, weights=B):
    return BlockMatrix([[Lambda_hh, -sign * Lambda_hh * weights],
                        [-sign * weights.T * Lambda_hh, MatAdd(Inverse(Sigma_vv), weights.T * Lambda_hh * weights)]])


@claim("precision-matrix",
       statement=Equation(Inverse(COVARIANCE), precision()),
       scope="general", over="all numbers hidden, visible",
       false_twin={"sign of the weights": Equation(Inverse(COVARIANCE), precision(sign=-1)),
                   "covariance for weights": Equation(Inverse(COVARIANCE), precision(weights=B * Sigma_vv)),
                   "the transpose for the inverse": Equation(Transpose(COVARIANCE), precision())})
def _(statement):
    """True if both sides are the same matrix, or the left one inverts a matrix that the right one takes to the identity."""
    if not isinstance(statement.left, Inverse):
        return equal(statement.left, statement.right, symmetric=SYMMETRIC)
    identity = BlockMatrix([[Identity(h), ZeroMatrix(h, v)], [ZeroMatrix(v, h), Identity(v)]])
    return equal(MatMul(statement.left.arg, statement.right), identity, symmetric=SYMMETRIC)
