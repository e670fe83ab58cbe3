"""The claims of the computer assignment: softmax, heads, and the order of the inputs."""

# Formulas are laid out by hand: a claim is not a call with its arguments in a column.
# fmt: off
from proofs.claims import claim  # noqa: I001
from proofs.notation import (
    E, T, Var, beside, delta, diff, exp, independent, index, letter, log, permuted,
    plus, product, several, size, sqrt, stacked, summed, times, unit, where)

N, D, d, H = size("N"), size("D"), size("d"), size("H")
i, j, l = index("i", N), index("j", N), index("l", N)
s, a = letter("s", (N, N)), letter("a", (N, N))
ALL = "all $N$"


def softmax(scores, j=j, l=l):
    """exp(scores(j)) over the sum of exp(scores(l))."""
    return exp(scores(j)) / summed(exp(scores(l)), l)


WEIGHTS = where(a(i, j), softmax(lambda j: s(i, j)))
claim("weights-sum-to-one", summed(softmax(lambda j: s(i, j)), j), 1,
      scope=ALL,
      twins={"to the number of keys": N,
             "scores instead of exponentials": (summed(s(i, j) / summed(exp(s(i, l)), l), j), 1),
             "without the sum": (softmax(lambda j: s(i, j)), 1)})

r = letter("r", (N,))
claim("softmax-ignores-a-shift", softmax(lambda j: s(i, j) + r(i)), softmax(lambda j: s(i, j)),
      scope=ALL,
      twins={"a factor": (softmax(lambda j: s(i, j) * r(i)), softmax(lambda j: s(i, j))),
             "a number for each key": (softmax(lambda j: s(i, j) + r(j)),
                                       softmax(lambda j: s(i, j)))})

claim("softmax-jacobian", diff(a(i, j), s(i, l)), a(i, j) * (delta(j, l) - a(i, l)), WEIGHTS,
      scope=ALL,
      twins={"the wrong weight": a(i, j) * (delta(j, l) - a(i, j)),
             "without the others": a(i, j) * delta(j, l), "any weights": WEIGHTS})

# Queries, keys, and their size

X, W_q = letter("X", (), (N, D))(), letter("W_q", (), (d, D))()
x = letter("x", (N,), (D, 1))
ROWS = where(x(i), times(T(X), unit(i, N)))
claim("queries-are-rows", times(T(unit(i, N)), X, T(W_q)), T(times(W_q, x(i))), ROWS,
      scope="all $N$, $D$ and $d$",
      twins={"any vectors": ROWS, "another row": T(times(W_q, x(j)))})

q, k = letter("q", (), (d, 1))(), letter("k", (), (d, 1))()
SPREAD = independent(q, k)
DOT = times(T(q), k)
claim("dot-product-variance", several(E(DOT), Var(DOT)), several(0, d), SPREAD,
      scope="all $d$",
      twins={"its root": several(0, sqrt(d)), "its square": several(0, d**2), "one": several(0, 1),
             "entries of any kind": SPREAD})
claim("scaled-dot-product-variance", Var(DOT / sqrt(d)), 1, SPREAD,
      scope="all $d$",
      twins={"scaled by d": (Var(DOT / d), 1), "not scaled": (Var(DOT), 1),
             "entries of any kind": SPREAD})

# Heads: d_h = D / H rows of the weights for each

d_h = size("d_h")
h, g = index("h", H), index("g", H)
W_qh = letter("W_q", (H,), (d_h, D))
READ = times(X, T(stacked(W_qh(h), h)))
claim("each-head-reads-every-column", READ, beside(times(X, T(W_qh(h))), h),
      scope="all $H$, $N$, $D$ and $d_h$",
      twins={"transposed wrongly": beside(times(X, T(W_qh(1))), h),
             "twice": beside(times(2, X, T(W_qh(h))), h)})

Y, W_o = letter("Y", (H,), (N, d_h)), letter("W_o", (H,), (D, d_h))
claim("concatenation-is-a-sum-over-heads", times(beside(Y(h), h), T(beside(W_o(h), h))),
      summed(times(Y(h), T(W_o(h))), h),
      scope="all $H$, $N$, $D$ and $d_h$",
      twins={"one matrix for all": summed(times(Y(h), T(W_o(1))), h),
             "the mean": summed(times(Y(h), T(W_o(h))), h) / H})

q_h, k_h = letter("q", (H, N), (d_h, 1)), letter("k", (H, N), (d_h, 1))
s_h, a_h = letter("s", (H, N, N)), letter("a", (H, N, N))
ONE_HEAD = times(T(stacked(q_h(h, i), h)), stacked(k_h(h, j), h)) / sqrt(times(H, d_h))
SUM_OF_HEADS = (1 / sqrt(H)) * summed(s_h(h, i, j), h)
HEADS = where(s_h(h, i, j), times(T(q_h(h, i)), k_h(h, j)) / sqrt(d_h))
claim("score-is-a-sum-over-heads", s(i, j), SUM_OF_HEADS, where(s(i, j), ONE_HEAD), HEADS,
      scope="all $H$, $N$ and $d_h$",
      twins={"the mean": summed(s_h(h, i, j), h) / H, "the plain sum": summed(s_h(h, i, j), h),
             "any heads": HEADS})

ADDED_UP = where(s(i, j), SUM_OF_HEADS)
EACH = where(a_h(h, i, j), softmax(lambda j: s_h(h, i, j)))


def pool(power):
    return product(a_h(h, i, j)**power, h) / summed(product(a_h(h, i, l)**power, h), l)


claim("one-head-is-a-pool", a(i, j), pool(1 / sqrt(H)), WEIGHTS, EACH, ADDED_UP,
      scope="all $H$ and $N$",
      twins={"the geometric mean": pool(1 / H), "not normalised": product(
          a_h(h, i, j)**(1 / sqrt(H)), h), "the arithmetic mean": summed(a_h(h, i, j), h) / H,
          "any scores": ADDED_UP})

other, b = letter("s_h", (N, N)), letter("a_h", (N, N))
OTHER = where(b(i, j), softmax(lambda j: other(i, j)))
claim("divergence-by-scores",
      summed((a(i, j) - b(i, j)) * (log(a(i, j)) - log(b(i, j))), j),
      summed((a(i, j) - b(i, j)) * (s(i, j) - other(i, j)), j), WEIGHTS, OTHER,
      scope="all $N$",
      twins={"zero": 0, "scores of one alone": summed((a(i, j) - b(i, j)) * s(i, j), j),
             "a sum of the weights": summed((a(i, j) + b(i, j)) * (s(i, j) - other(i, j)), j)})

rest = letter("r", (H, N))
SAME_WEIGHTS = where(s_h(h, i, j), s(i, j) + rest(h, i))
GAP = (1 / sqrt(H)) * summed(s_h(h, i, j) - s_h(h, i, l), h)
claim("agreement-forces-equal-scores", GAP - (s(i, j) - s(i, l)),
      (sqrt(H) - 1) * (s(i, j) - s(i, l)), SAME_WEIGHTS,
      scope="all $H$ and $N$",
      argued="the left side is zero",
      twins={"without the root": (H - 1) * (s(i, j) - s(i, l)), "nothing": 0,
             "any heads": SAME_WEIGHTS})

shared = letter("theta", (N, N))
SHARPENED = softmax(lambda j: sqrt(H) * shared(i, j))
ALIKE = where(a_h(h, i, j), softmax(lambda j: shared(i, j)))
claim("heads-that-agree-are-sharpened", pool(1 / sqrt(H)), SHARPENED, ALIKE,
      scope="all $H$ and $N$",
      twins={"by H": softmax(lambda j: H * shared(i, j)),
             "not at all": softmax(lambda j: shared(i, j)), "heads of any kind": ALIKE})

# Another order of the inputs: place i holds the input pi(i)

M, W_v = letter("M", (), (D, D))(), letter("W_v", (), (d, D))()
y, s_new, a_new, y_new = (letter("y", (N,), (d, 1)), letter("s'", (N, N)), letter("a'", (N, N)),
                          letter("y'", (N,), (d, 1)))
NEW_WEIGHTS = where(a_new(i, j), softmax(lambda j: s_new(i, j)))


def score(first, second):
    return times(T(first), M, second)


SCORES = where(s(i, j), score(x(i), x(j)))
NEW_SCORES = where(s_new(i, j), score(x(permuted(i)), x(permuted(j))))
MOVED = SCORES, WEIGHTS, NEW_SCORES, NEW_WEIGHTS
EVERY = "all $N$ and $D$, every permutation $\\pi$"
claim("weights-move-along", a_new(i, j), a(permuted(i), permuted(j)), *MOVED,
      scope=EVERY,
      twins={"only the rows": a(permuted(i), j), "only the columns": a(i, permuted(j)),
             "transposed": a(permuted(j), permuted(i)), "unmoved": a(i, j)})

OUTPUTS = where(y(i), summed(times(a(i, j), W_v, x(j)), j))
NEW_OUTPUTS = where(y_new(i), summed(times(a_new(i, j), W_v, x(permuted(j))), j))
claim("outputs-move-along", y_new(i), y(permuted(i)), *MOVED, OUTPUTS, NEW_OUTPUTS,
      scope=EVERY,
      twins={"unmoved": y(i), "moved twice": y(permuted(permuted(i))), "any output": OUTPUTS})

p = letter("p", (N,), (D, 1))
PLACED = where(s(i, j), score(x(i) + p(i), x(j) + p(j)))
NEW_PLACED = where(s_new(i, j), score(x(permuted(i)) + p(i), x(permuted(j)) + p(j)))


def gap():
    pi, pj = permuted(i), permuted(j)
    return plus(times(T(x(pi)), M, p(j) - p(pj)), times(T(p(i) - p(pi)), M, x(pj)),
                times(T(p(i)), M, p(j)), -times(T(p(pi)), M, p(pj)))


DIFFERENCE = s_new(i, j) - s(permuted(i), permuted(j))
claim("positions-break-the-symmetry", DIFFERENCE, gap(), PLACED, NEW_PLACED,
      scope=EVERY,
      twins={"the symmetry is kept": 0, "contents only": gap().args[0] + gap().args[1],
             "no positions": (s_new(i, j) - s(i, j), gap())})
