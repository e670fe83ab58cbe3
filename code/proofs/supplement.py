"""The claims of the supplement."""

# Formulas are laid out by hand: a claim is not a call with its arguments in a column.
# fmt: off
from proofs.attention import softmax  # noqa: I001
from proofs.claims import claim
from proofs.least_squares import INSIDE, PAIR, RESIDUAL, c, chi_square, n, u, x, y
from proofs.notation import (
    INFINITY, E, T, Var, block_matrix, column, covariances, diff, entry, equal, exp, eye,
    independent, index, integral, inverse, joined, letter, log, maximum, merge, neg, norm2, normal,
    number, ones, plus, positive, row, several, size, sqrt, summed, symmetric, times,
    trace, unit, where, zeros)

N, D, d = size("N"), size("D"), size("d")
i, j, l = index("i", N), index("j", N), index("l", N)
SUPPLEMENT = {"document": "supplement"}

# Nearly orthogonal vectors

P = letter("P", (), (N, D))()
ORTHONORMAL = equal(times(P, T(P)), eye(N))
claim("dimension-gap", norm2(eye(D) - times(T(P), P)), D - N, ORTHONORMAL, **SUPPLEMENT,
      scope="all $N$ and $D$",
      twins={"any vectors": ORTHONORMAL, "a sum": D + N,
             "the other product": (norm2(eye(N) - times(P, T(P))), D - N)})

LENGTHS = equal(trace(times(P, T(P))), N)
claim("welch", norm2(times(T(P), P) - times(N / D, eye(D))),
      norm2(times(P, T(P))) - N**2 / D, LENGTHS, **SUPPLEMENT,
      scope="all $N$ and $D$",
      twins={"any lengths": LENGTHS, "exchanged": norm2(times(P, T(P))) - D**2 / N,
             "a sum": norm2(times(P, T(P))) + N**2 / D})

M_SIZE = D + 1
G, ones_ = letter("G", (), (M_SIZE, M_SIZE))(), ones(M_SIZE)
SIMPLEX = where(G, times((D + 1) / D, eye(M_SIZE)) - times(1 / D, ones_, T(ones_)))
claim("simplex", times(G, G), times((D + 1) / D, G), SIMPLEX, **SUPPLEMENT,
      scope="all $D$",
      twins={"a projection": G, "upside down": times(D / (D + 1), G), "any matrix": SIMPLEX})

p, q = letter("p", (), (D, 1))(), letter("q", (), (D, 1))()
RANDOM = independent(p, q, variance=1 / D)
claim("near-orthogonal", Var(times(T(p), q)), 1 / D, RANDOM, **SUPPLEMENT,
      scope="all $D$",
      twins={"squared": 1 / D**2, "one": 1, "entries of any kind": RANDOM})

# Which weights, which embeddings

M = letter("M", (), (D, D))()
a, b = index("i", D), index("j", D)
e_i, e_j = unit(a, D), unit(b, D)
PROBE = times(T(e_i + e_j), M, e_i - e_j)
claim("scalar-necessary", PROBE,
      plus(entry(M, a, a), -entry(M, b, b), -entry(M, a, b), entry(M, b, a)), **SUPPLEMENT,
      scope="all $D$",
      twins={"the diagonal alone": entry(M, a, a) - entry(M, b, b),
             "a sign": plus(entry(M, a, a), entry(M, b, b), -entry(M, a, b), entry(M, b, a))})

content, place = letter("x", (), (D, 1))(), letter("p", (N,), (D, 1))
ROWS = where(place(i), times(T(P), unit(i, N)))
claim("read-out", times(P, content + place(i)), unit(i, N) + times(P, content), ROWS, ORTHONORMAL,
      **SUPPLEMENT, scope="all $N$ and $D$",
      twins={"the content gone": unit(i, N), "any vectors": ORTHONORMAL, "any positions": ROWS})

r_x, r_p = size("r_x"), size("r_p")
U, R = letter("U", (), (D, r_x))(), letter("R", (), (D, r_p))()
L_x, L_p = letter("L_x", (), (r_x, D))(), letter("L_p", (), (r_p, D))()
C, K = letter("C", (), (d, r_x))(), letter("K", (), (d, r_p))()
f, g = letter("f", (), (r_x, 1))(), letter("g", (), (r_p, 1))()
LEFT_INVERSE = equal(times(column(L_x, L_p), row(U, R)),
                     block_matrix((eye(r_x), zeros(r_x, r_p)), (zeros(r_p, r_x), eye(r_p))))
claim("converse", times(row(C, K), column(L_x, L_p), plus(times(U, f), times(R, g))),
      plus(times(C, f), times(K, g)), LEFT_INVERSE, **SUPPLEMENT,
      scope="all $d$ and $D$, subspaces of any dimensions $r_x$ and $r_p$",
      twins={"subspaces of any kind": LEFT_INVERSE, "content only": times(C, f)})

# Hidden coordinates

h, v = size("h"), size("v")
S_hh, S_vv = letter("Sigma_{hh}", (), (h, h))(), letter("Sigma_{vv}", (), (v, v))()
S_hv, B = letter("Sigma_{hv}", (), (h, v))(), letter("B", (), (h, v))()
x_h, x_v = letter("x_h", (), (h, 1))(), letter("x_v", (), (v, 1))()
BLOCKS = covariances((x_h, x_h, S_hh), (x_h, x_v, S_hv), (x_v, x_v, S_vv))
SYMMETRIC = symmetric(S_vv)
OFF = B - times(S_hv, inverse(S_vv))
EXPLAINED = trace(times(S_hv, inverse(S_vv), T(S_hv)))
claim("masked-regression", E(norm2(x_h - times(B, x_v))),
      plus(trace(S_hh), -EXPLAINED, trace(times(OFF, S_vv, T(OFF)))), BLOCKS, **SUPPLEMENT,
      scope="all numbers of hidden and visible coordinates",
      twins={"nothing explained": trace(S_hh) + trace(times(OFF, S_vv, T(OFF))),
             "all explained": trace(times(OFF, S_vv, T(OFF))), "any variables": BLOCKS})

REST = letter("Sigma_{h|v}", (), (h, h))()
PARTS = where(S_hh, REST + times(B, S_vv, T(B))), where(S_hv, times(B, S_vv))
COVARIANCE = block_matrix((S_hh, S_hv), (T(S_hv), S_vv))


def precision(sign):
    return block_matrix((inverse(REST), sign(times(inverse(REST), B))),
                        (sign(times(T(B), inverse(REST))),
                         inverse(S_vv) + times(T(B), inverse(REST), B)))


UNITS = block_matrix((eye(h), zeros(h, v)), (zeros(v, h), eye(v)))
claim("precision-matrix", times(COVARIANCE, precision(neg)), UNITS,
      *PARTS, SYMMETRIC, **SUPPLEMENT,
      scope="all numbers of hidden and visible coordinates",
      twins={"the weights' sign": (times(COVARIANCE, precision(plus)), UNITS),
             "not symmetric": SYMMETRIC, "any covariance": PARTS[1]})

z, e_1, k = number("z"), number("eps_1"), number("k")
VIEW = where(x, sqrt(c) * z + sqrt(1 - c) * e_1)
CAUSES = independent(z, e_1)
claim("hidden-cause", E((z - k * x)**2), plus((k - sqrt(c))**2, 1, -c), VIEW, CAUSES, **SUPPLEMENT,
      scope="all $k$, $0 \\le c \\le 1$",
      twins={"c for its root": plus((k - c)**2, 1, -c), "the error of y": plus(
          (k - sqrt(c))**2, 1, -(c**2)), "causes of any kind": CAUSES})

claim("slope-variance-with-intercept",
      integral(RESIDUAL / u * chi_square(n - 1), u, 0, INFINITY), RESIDUAL / (n - 3),
      positive(n - 3), **SUPPLEMENT,
      scope="$n > 3$",
      argued="the sum of squared deviations has the distribution $\\chi^2_{n-1}$",
      twins={"as without intercept": RESIDUAL / (n - 2), "of n squares": (
          integral(RESIDUAL / u * chi_square(n), u, 0, INFINITY), RESIDUAL / (n - 3))})

DENSITY = log(normal(x, 0, 1) * normal(y, c * x, RESIDUAL))
FROM_MEAN = x * (y - c * x) / RESIDUAL
FROM_NOISE = c * (plus(1, -(c**2), -((y - c * x)**2))) / RESIDUAL**2
claim("log-density-derivative", diff(DENSITY, c), FROM_MEAN + FROM_NOISE, INSIDE, **SUPPLEMENT,
      scope="$\\abs{c} < 1$",
      twins={"the mean alone": FROM_MEAN, "the noise's sign": FROM_MEAN - FROM_NOISE})

claim("fisher-information", E((FROM_MEAN + FROM_NOISE)**2), (1 + c**2) / RESIDUAL**2, PAIR,
      **SUPPLEMENT,
      scope="$\\abs{c} < 1$",
      argued="that no unbiased estimator has a smaller variance than the bound",
      twins={"noise of known size": 1 / RESIDUAL, "a sign": (1 - c**2) / RESIDUAL**2,
             "any pair": PAIR})

# Attention for long inputs: the state of a block is (m, l, o)

WIDTH = size("d")


def state(k):
    return several(number(f"m_{k}"), number(f"l_{k}", tex=r"\ell"),
                   letter(f"o_{k}", (), (WIDTH, 1))())


def block(k):
    """(sum of exponentials, sum of weighted values, as functions of m) of block k."""
    last = size(f"N_{k}")
    key = index("j", last)
    score, value = letter(f"s_{k}", (last,)), letter(f"v_{k}", (last,), (WIDTH, 1))
    return (lambda m: summed(exp(score(key) - m), key),
            lambda m: summed(times(exp(score(key) - m), value(key)), key))


ONE, TWO, THREE = state(1), state(2), state(3)
SUMS = [block(1), block(2)]
STATES = [where(state_.args[part + 1], SUMS[k][part](state_.args[0]))
          for k, state_ in enumerate((ONE, TWO)) for part in (0, 1)]
m = number("m")
LARGEST = where(m, maximum(ONE.args[0], TWO.args[0]))
MERGED = joined(ONE, TWO, m)
claim("merged-state", merge(ONE, TWO), MERGED, LARGEST, **SUPPLEMENT,
      scope="all finite states",
      argued="this is what $\\oplus$ means",
      twins={"the old sum not rescaled": several(
          m, plus(ONE.args[1], times(exp(TWO.args[0] - m), TWO.args[1])), MERGED.args[2]),
          "the old output not rescaled": several(
          *MERGED.args[:2], plus(ONE.args[2], times(exp(TWO.args[0] - m), TWO.args[2])))})
TOGETHER = several(*(plus(*(sums[part](m) for sums in SUMS)) for part in (0, 1)))
claim("merged-state-is-that-of-all-keys",
      TOGETHER, several(*MERGED.args[1:]), *STATES, **SUPPLEMENT,
      scope="blocks of all sizes, any $m$, $m_1$ and $m_2$",
      twins={"the old sum not rescaled": several(
          plus(ONE.args[1], times(exp(TWO.args[0] - m), TWO.args[1])), MERGED.args[2]),
          "any sums": STATES[0]})

claim("merging-is-commutative", merge(ONE, TWO), merge(TWO, ONE), **SUPPLEMENT,
      scope="all finite states",
      twins={"the first alone": ONE, "twice": merge(TWO, TWO)})
claim("merging-is-associative", merge(merge(ONE, TWO), THREE), merge(ONE, merge(TWO, THREE)),
      **SUPPLEMENT, scope="all finite states",
      twins={"one forgotten": merge(ONE, TWO), "one twice": merge(ONE, merge(TWO, TWO))})

s, values = letter("s", (N,)), letter("v", (N,), (WIDTH, 1))
total, output = number("l", tex=r"\ell"), letter("o", (), (WIDTH, 1))()
WHOLE = (where(total, summed(exp(s(j) - m), j)),
         where(output, summed(times(exp(s(j) - m), values(j)), j)))
claim("merging-gives-the-softmax", output / total, summed(times(softmax(s), values(j)), j), *WHOLE,
      **SUPPLEMENT, scope="all $N$ and $d$, any number $m$",
      twins={"not divided": (output, summed(times(softmax(s), values(j)), j)),
             "any sum": WHOLE[0], "the plain average": summed(values(j), j) / N})
