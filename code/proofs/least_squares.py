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

from proofs.ledger import Equation, claim
from proofs.matrices import equal

x, y, z, w, b, s, t, u = symbols("x y z w b s t u", real=True)
c = Symbol("c", real=True)
N = Symbol("N", integer=True, positive=True)
SIGMA = Matrix([[1, c], [c, 1]])
GENERATING = exp((s**2 + 2*c*s*t + t**2) / 2)  # of the moments of (x, y); normal-moments proves it


# Notation: what statements are written in. It prints as a textbook does, and means nothing until a check evaluates it ----

def notation(name, template):
    """An unevaluated function, typeset by a template: #1, #2, ... stand for its arguments, #* for all of them."""
    def latex(self, printer, exp=None):
        text = template.replace("#*", r",\, ".join(map(printer._print, self.args)))
        for number, argument in enumerate(self.args, 1):
            text = text.replace(f"#{number}", printer._print(argument))
        return rf"{text}^{{{exp}}}" if exp else text
    return type(name, (Function,), {"_latex": latex})


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


def mean_given_x(expression):
    """E[... | x] of a polynomial in y, for y ~ N(cx, 1 - c^2), which conditional-law proves."""
    _, exponent = integrate_out(t*y - (y - c*x)**2 / (2*(1 - c**2)), y)
    generating = exp(exponent - exponent.subs(t, 0))  # the integral with exp(ty), divided by the one without
    return Add(*(weight * diff(generating, (t, j)).subs(t, 0) for (j,), weight in Poly(expression, y).terms()))


@cache
def mean_of_chi_square(expression, dof):
    """E of a function of one chi-square variable, integrated against the density for `dof` degrees of freedom."""
    S = Symbol("S", positive=True)
    density = S**(dof/2 - 1) * exp(-S/2) / (2**(dof/2) * gamma(dof/2))
    return gammasimp(powsimp(integrate(expression.replace(ChiSquare, lambda _: S) * density, (S, 0, oo))))


def log_density(at_x, at_y, c):
    point = Matrix([at_x, at_y])
    return -log(2*pi) - log(SIGMA.det())/2 - (point.T * SIGMA.inv() * point)[0]/2


def log_normal(at, centre, variance):
    return -log(2*pi)/2 - log(variance)/2 - (at - centre)**2 / (2*variance)


def student_density(at, dof):
    return gamma((dof + 1)/2) / (sqrt(dof*pi) * gamma(dof/2)) * (1 + at**2/dof)**(-(dof + 1)/2)


def value(expression):
    """The expression with log p written out, derivatives carried out and each E evaluated."""
    return expression.replace(LogDensity, log_density).doit().replace(Mean, mean)


# The population -----------------------------------------------------------------------------------------------------------

@claim("normal-moments",
       statement=Equation(Mean(exp(in_order(s*x, t*y))), exp(product(Rational(1, 2), in_order(s**2, 2*c*s*t, t**2)))),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"half the covariance": Equation(Mean(exp(s*x + t*y)), exp((s**2 + c*s*t + t**2)/2)),
                   "no half": Equation(Mean(exp(s*x + t*y)), exp(s**2 + 2*c*s*t + t**2))})
def _(statement):
    point = Matrix([x, y])
    exponent = log(statement.left.args[0]) - (point.T * SIGMA.inv() * point)[0]/2
    from_y, exponent = integrate_out(exponent, y)
    from_x, exponent = integrate_out(exponent, x)
    normaliser = (2*pi)**2 * SIGMA.det()  # squared, like the factors
    return (same(from_y * from_x / normaliser, 1) and same(exponent, log(statement.right))
            and same(log(GENERATING), log(statement.right)))


@claim("covariance-needs-c-up-to-one",
       statement=Equation(Mean(in_order(s*x, t*y)**2), in_order(product(Rational(1, 2), in_order(1, c), in_order(s, t)**2),
                                                                product(Rational(1, 2), in_order(1, -c), in_order(s, -t)**2))),
       scope="general", over=r"all $c, s, t$",
       false_twin={"axes swapped": Equation(Mean((s*x + t*y)**2), (1 - c)*(s + t)**2/2 + (1 + c)*(s - t)**2/2),
                   "axes along x and y": Equation(Mean((s*x + t*y)**2), (1 + c)*s**2 + (1 - c)*t**2)},
       by_hand="A variance is not negative; so neither of the two coefficients is.")
def _(statement):
    return same(value(statement.left), statement.right)


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


@claim("risk-gradient",
       statement=Equation(Gradient(RISK, w, b), Tuple(product(2, in_order(w, -c)), 2*b)),
       scope="general", over=r"all $w, b$, $\abs{c} < 1$",
       false_twin={"half": Equation(Gradient(RISK, w, b), Tuple(w - c, b)),
                   "sign": Equation(Gradient(RISK, w, b), Tuple(2*(c - w), -2*b)),
                   "slope and intercept coupled": Equation(Gradient(RISK, w, b), Tuple(2*(w - c) + b, w + 2*b))})
def _(statement):
    risk, *variables = statement.left.args
    return all(same(diff(value(risk), v), stated) for v, stated in zip(variables, statement.right))


@claim("least-squares-learns-c",
       statement=Equation(Minimiser(RISK, w, b), Tuple(c, Integer(0))),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"the line of x on y": Equation(Minimiser(RISK, w, b), Tuple(1/c, Integer(0))),
                   "the ellipse's axis": Equation(Minimiser(RISK, w, b), Tuple(Integer(1), Integer(0))),
                   "a maximum": Equation(Minimiser(-RISK, w, b), Tuple(c, Integer(0)))})
def _(statement):
    risk, *variables = statement.left.args
    return unique_minimiser(value(risk), variables) == statement.right


def unique_minimiser(risk, variables):
    """The only zero of the gradient, if the Hessian is positive definite; else None."""
    zeros = solve([diff(risk, v) for v in variables], variables, dict=True)
    convex = hessian(risk, variables).is_positive_definite is True
    return Tuple(*(zeros[0].get(v, v) for v in variables)) if convex and len(zeros) == 1 else None


@claim("conditional-law",
       statement=Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, RESIDUAL))),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"variance 1": Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, 1))),
                   "standard deviation": Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, c*x, sqrt(1 - c**2)))),
                   "sign of the mean": Equation(Density(x, y), product(Normal(x, 0, 1), Normal(y, -c*x, 1 - c**2)))},
       by_hand="The first factor is free of $y$ and the second integrates to 1 over $y$, so they are $p(x)$ and $p(y \\mid x)$.")
def _(statement):
    log_ratio = log_density(x, y, c) - Add(*(log_normal(*part.args) for part in Mul.make_args(statement.right)))
    return same(log_ratio, 0)


f = Function("f", real=True)(x)


@claim("best-predictor",
       statement=Equation(MeanGiven(in_order(y, -f)**2, x), in_order(in_order(f, -c*x)**2, 1, -c**2)),
       scope="general", over=r"all $f$, $\abs{c} < 1$",
       false_twin={"sign of the slope": Equation(MeanGiven((y - f)**2, x), (f + c*x)**2 + 1 - c**2),
                   "variance of y, not of y given x": Equation(MeanGiven((y - f)**2, x), (f - c*x)**2 + 1)},
       by_hand="Averaging over $x$.")
def _(statement):
    return same(mean_given_x(statement.left.args[0]), statement.right)


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
    terms = Poly(statement.left.args[0], x, y).terms()
    return same(Add(*(weight * SECOND_MOMENTS[powers] for powers, weight in terms)), statement.right)


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


def law_given_x(mean_of, variance_of, intercept=0):
    """(E, Var) given x of expressions linear in y = c x + intercept + sqrt(1 - c^2) noise; the noise is white."""
    deviation = variance_of.subs(ys, sqrt(1 - c**2) * noise)
    return mean_of.subs(ys, c*xs + intercept*ones), deviation * deviation.T


SLOPE = MatMul(1/S_xx, xs.T, ys)
SLOPE_LAW = Tuple(MeanGiven(SLOPE, xs), VarianceGiven(SLOPE, xs))


@claim("slope-given-x",
       statement=Equation(SLOPE_LAW, Tuple(c, RESIDUAL/S_xx)),
       scope="general", over=r"all $N$, $\vec{x} \ne \vec{0}$",
       false_twin={"biased": Equation(SLOPE_LAW, Tuple(c - c/N, (1 - c**2)/S_xx)),
                   "variance of y, not of y given x": Equation(SLOPE_LAW, Tuple(c, 1/S_xx)),
                   "divided by N": Equation(SLOPE_LAW, Tuple(c, (1 - c**2)/N))})
def _(statement):
    law = law_given_x(statement.left[0].args[0], statement.left[1].args[0])
    return all(equal(got, stated, given={**WHITE, **SUMS}) for got, stated in zip(law, statement.right))


SPREAD = MatMul(xs.T, centring, xs)
CENTRED_LAW = Tuple(*(given(MatMul(xs.T, centring, ys), xs) for given in (MeanGiven, VarianceGiven)))


@claim("centred-slope-given-x",
       statement=Equation(CENTRED_LAW, Tuple(MatMul(c, SPREAD), MatMul(RESIDUAL, SPREAD))),
       scope="general", over=r"all $N$, $\vec{x}$, intercepts",
       false_twin={"not centred": Equation(CENTRED_LAW, Tuple(MatMul(c, xs.T, xs), MatMul(1 - c**2, xs.T, xs))),
                   "variance of y, not of y given x": Equation(CENTRED_LAW, Tuple(MatMul(c, SPREAD), SPREAD))})
def _(statement):
    law = law_given_x(statement.left[0].args[0], statement.left[1].args[0], intercept=b)
    return all(equal(got.subs(centring, CENTRING), stated.subs(centring, CENTRING), given={**WHITE, **ONES})
               for got, stated in zip(law, statement.right))


LIMITS = Tuple(Mean(x*y), Mean(x**2))


@claim("consistency",
       statement=Equation(LIMITS, Tuple(c, Integer(1))),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"as if independent": Equation(LIMITS, Tuple(Integer(0), Integer(1))),
                   "standard deviation for variance": Equation(LIMITS, Tuple(c, sqrt(1 - c**2)))},
       by_hand="The strong law of large numbers.")
def _(statement):
    return all(same(value(got), stated) for got, stated in zip(statement.left, statement.right))


TRANSFORM = Mean(exp(-t*x**2))**N


@claim("sum-of-squares-law",
       statement=Equation(TRANSFORM, Mean(exp(-t*ChiSquare(N)))),
       scope="general", over="all $N$, $t > 0$",
       false_twin={"one degree of freedom less": Equation(TRANSFORM, Mean(exp(-t*ChiSquare(N - 1)))),
                   "half the square": Equation(Mean(exp(-t*x**2/2))**N, Mean(exp(-t*ChiSquare(N))))},
       by_hand="Independence makes the power; the Laplace transform determines the law.")
def _(statement):
    positive, dof = symbols("t nu", positive=True)
    one_square, number = statement.left.base.args[0].subs(t, positive), statement.left.exp
    square, rest = integrate_out(log(one_square) - x**2/2, x)
    transform = sqrt(square / (2*pi))**number * exp(rest)
    function, (chi,) = statement.right.args[0].subs(t, positive), statement.right.atoms(ChiSquare)
    return same_positive(transform, mean_of_chi_square(function.subs(chi, ChiSquare(1)), dof).subs(dof, chi.args[0]))


def over_sums_of_squares(expectation, least):
    """E of a function of one chi-square variable whose degrees of freedom grow with N, for N at least `least`."""
    more = Symbol("m", positive=True)  # N = least - 1 + more, by which SymPy sees that the integral converges
    (chi,) = expectation.atoms(ChiSquare)
    dof = chi.args[0].subs(N, least - 1 + more)
    return mean_of_chi_square(expectation.args[0].subs(chi, ChiSquare(1)), dof).subs(more, N - least + 1)


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
                   "no projection": Equation(Mean(RESIDUAL / ChiSquare(Trace((N - 1)/N * Identity(N)))), (1 - c**2)/(N - 3))},
       by_hand=r"In its own axes a projection leaves as many independent squares as its trace says.")
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
    variance, at, dof = symbols("v u nu", positive=True)
    mixed, scaled = (e.doit().subs({1 - c**2: variance, u: at}) for e in (statement.left.args[0], statement.right))
    normal = mixed.replace(Normal, lambda *args: exp(log_normal(*args)))
    student = scaled.replace(Student, student_density)
    (chi,) = normal.atoms(ChiSquare)
    mixture = mean_of_chi_square(normal.subs(chi, ChiSquare(1)), dof).subs(dof, chi.args[0])
    return same_positive(mixture, student)


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


@claim("fisher-information",
       statement=Equation(PARTS, Tuple(1/RESIDUAL, 2*c**2/RESIDUAL**2, INFORMATION)),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"a square's variance 1, not 2": Equation(PARTS, Tuple(1/RESIDUAL, c**2/RESIDUAL**2, 1/RESIDUAL**2)),
                   "noise of known size": Equation(PARTS, Tuple(1/RESIDUAL, Integer(0), 1/RESIDUAL)),
                   "sign of a square": Equation(PARTS, Tuple(1/RESIDUAL, 2*c**2/RESIDUAL**2, 1/RESIDUAL))})
def _(statement):
    return all(same(value(got), stated) for got, stated in zip(statement.left, statement.right))


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
    total = statement.left.args[0]
    ((_, first, last),) = total.limits
    means = {(0, 0): 1, (2, 0): m_xx, (1, 1): m_xy, (0, 2): m_yy}
    summand = diff(total.function.replace(LogDensity, log_density), c)
    terms = Poly(summand, xn, yn).terms()
    return same((last - first + 1) * Add(*(weight * means[powers] for powers, weight in terms)), statement.right)


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


@claim("limit-variances",
       statement=Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL**2, PRODUCT, BOUND)),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"least squares on the bound": Equation(LIMIT_VARIANCES, Tuple(BOUND, RESIDUAL**2, PRODUCT, BOUND)),
                   "correlation as least squares": Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL, PRODUCT, BOUND)),
                   "product as if independent": Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL**2, Integer(1), BOUND)),
                   "likelihood off the bound": Equation(LIMIT_VARIANCES, Tuple(RESIDUAL, RESIDUAL**2, PRODUCT, RESIDUAL**2))},
       by_hand="The central limit theorem and the delta method.")
def _(statement):
    return all(same(limit_variance(estimator), stated)
               for estimator, stated in zip(statement.left.args, statement.right, strict=True))


EFFICIENCY = LimitVariance(LikelihoodRoot(CUBIC)) / LimitVariance(m_xy/m_xx)


@claim("efficiency",
       statement=Equation(EFFICIENCY, RESIDUAL / in_order(1, c**2)),
       scope="general", over=r"$\abs{c} < 1$",
       false_twin={"fully efficient": Equation(EFFICIENCY, Integer(1)),
                   "upside down": Equation(EFFICIENCY, (1 + c**2)/(1 - c**2))})
def _(statement):
    return same(statement.left.replace(LimitVariance, limit_variance), statement.right)


# Self-supervised learning -------------------------------------------------------------------------------------------------

e_1, e_2, k = symbols("e_1 e_2 k", real=True)
VIEWS = {x: sqrt(c)*z + sqrt(1 - c)*e_1, y: sqrt(c)*z + sqrt(1 - c)*e_2}  # of a hidden z; z, e_1 and e_2 are independent
HEAD = Tuple(Mean(x**2), Mean(x*y), Mean(y**2), Mean(in_order(z, -k*c*x)**2))


@claim("hidden-cause",
       statement=Equation(HEAD, Tuple(Integer(1), c, Integer(1), in_order(in_order(k*c, -sqrt(c))**2, 1, -c))),
       scope="general", over=r"all $k$, $0 < c < 1$",
       false_twin={"weight c for its root": Equation(HEAD, Tuple(Integer(1), c, Integer(1), (k*c - c)**2 + 1 - c)),
                   "the residual of y": Equation(HEAD, Tuple(Integer(1), c, Integer(1), (k*c - sqrt(c))**2 + 1 - c**2)),
                   "covariance of the noise": Equation(HEAD, Tuple(Integer(1), 1 - c, Integer(1), (k*c - sqrt(c))**2 + 1 - c))})
def _(statement):
    def hidden_mean(expression):
        terms = Poly(expression.doit().subs(VIEWS).expand(), z, e_1, e_2).terms()
        return Add(*(weight * Mul(*(moment(i, 0) for i in powers)) for powers, weight in terms)).expand()
    return all(same(got.replace(Mean, hidden_mean), stated.doit().expand())
               for got, stated in zip(statement.left, statement.right))



# x_h is hidden and predicted from the visible x_v by W x_v. Sigma_hv and Sigma_vv are covariances, B = Sigma_hv Sigma_vv^-1
h, v = symbols("h v", integer=True, positive=True)  # how many coordinates are hidden, and visible
Sigma_vv, Lambda_hh = MatrixSymbol("Sigma_vv", v, v), MatrixSymbol("Lambda_hh", h, h)
Sigma_hv, B, W = (MatrixSymbol(name, h, v) for name in ("Sigma_hv", "B", "W"))
SYMMETRIC = (Sigma_vv, Lambda_hh)
EXCESS = in_order(Trace(W * Sigma_vv * W.T), -2*Trace(W * Sigma_hv.T), Trace(Sigma_hv * Inverse(Sigma_vv) * Sigma_hv.T))


def quadratic(deviation):
    return Trace(MatMul(deviation, Sigma_vv, Transpose(deviation)))


@claim("masked-regression",
       statement=Equation(EXCESS, quadratic(MatAdd(W, -Sigma_hv * Inverse(Sigma_vv)))),
       scope="general", over="all numbers hidden, visible",
       false_twin={"covariance for regression": Equation(EXCESS, quadratic(MatAdd(W, -Sigma_hv))),
                   "sign": Equation(EXCESS, quadratic(MatAdd(W, Sigma_hv * Inverse(Sigma_vv))))})
def _(statement):
    return equal(statement.left, statement.right, symmetric=SYMMETRIC)


COVARIANCE = BlockMatrix([[MatAdd(Inverse(Lambda_hh), B * Sigma_vv * B.T), B * Sigma_vv], [Sigma_vv * B.T, Sigma_vv]])


def precision(sign=1, weights=B):
    return BlockMatrix([[Lambda_hh, -sign * Lambda_hh * weights],
                        [-sign * weights.T * Lambda_hh, MatAdd(Inverse(Sigma_vv), weights.T * Lambda_hh * weights)]])


@claim("precision-matrix",
       statement=Equation(Inverse(COVARIANCE), precision()),
       scope="general", over="all numbers hidden, visible",
       false_twin={"sign of the weights": Equation(Inverse(COVARIANCE), precision(sign=-1)),
                   "covariance for weights": Equation(Inverse(COVARIANCE), precision(weights=B * Sigma_vv))})
def _(statement):
    identity = BlockMatrix([[Identity(h), ZeroMatrix(h, v)], [ZeroMatrix(v, h), Identity(v)]])
    return equal(MatMul(statement.left.arg, statement.right), identity, symmetric=SYMMETRIC)
