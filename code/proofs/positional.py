"""The claims of Exercise 1: orthogonal, added, concatenated, one-hot and sinusoidal embeddings."""

# Formulas are laid out by hand: a claim is not a call with its arguments in a column.
# fmt: off
from proofs.claims import claim  # noqa: I001
from proofs.notation import (
    T, block_matrix, column, cos, delta, diff, differ, entry, equal, eye, index, letter, node,
    norm2, number, orthogonal, part, plus, row, sin, size, stacked, summed, times, unit,
    where, zeros)

N, D, D_p, d = size("N"), size("D"), size("D_p"), size("d")
i, j = index("i", N), index("j", N)
a, b = index("i", D), index("j", D)          # i and j again, as places of unit vectors
x, p = letter("x", (N,), (D, 1)), letter("p", (N,), (D, 1))
x_i, x_j, p_i, p_j = x(i), x(j), p(i), p(j)
W_q, W_k, W = (letter(name, (), (d, D))() for name in ("W_q", "W_k", "W"))
M = letter("M", (), (D, D))()
weight = letter("lambda", (N,))

COMBINATION = times(T(summed(weight(i) * p_i, i)), p_j)
claim("orthogonal-combination", COMBINATION, weight(j) * norm2(p_j), orthogonal(p_i, p_j),
      scope="all $N$ and $D$",
      twins={"not orthogonal": orthogonal(p_i, p_j), "the length forgotten": weight(j),
             "all terms left": summed(weight(i) * norm2(p_i), i)})

claim("unit-vectors-are-orthogonal", times(T(unit(a, D)), unit(b, D)), delta(a, b),
      scope="all $D$",
      twins={"all the same": 1, "all zero": 0})

# Addition and concatenation

ADDED = times(T(times(W_q, plus(x_i, p_i))), times(W_k, plus(x_j, p_j)))
M_MEANS = where(M, times(T(W_q), W_k))


def four_terms(xx, xp, px, pp, p_i=p_i, p_j=p_j):
    return plus(times(T(x_i), xx, x_j), times(T(x_i), xp, p_j),
                times(T(p_i), px, x_j), times(T(p_i), pp, p_j))


claim("addition-expands", ADDED, four_terms(M, M, M, M), M_MEANS,
      scope="all $D$ and $d$",
      twins={"a term forgotten": plus(*four_terms(M, M, M, M).args[:3]),
             "queries and keys exchanged": four_terms(*[times(T(W_k), W_q)] * 4),
             "any matrix between": M_MEANS})

r = letter("p", (N,), (D_p, 1))              # a position with D_p numbers of its own
r_i, r_j = r(i), r(j)
Q_x, K_x = (letter(name, (), (d, D))() for name in ("W_q^x", "W_k^x"))
Q_p, K_p = (letter(name, (), (d, D_p))() for name in ("W_q^p", "W_k^p"))
PARTS = {"x": (Q_x, K_x, D), "p": (Q_p, K_p, D_p)}
BLOCKS = {f + g: letter("M^{" + f + g + "}", (), (PARTS[f][2], PARTS[g][2]))()
          for f in "xp" for g in "xp"}
BLOCKS_MEAN = [where(BLOCKS[f + g], times(T(PARTS[f][0]), PARTS[g][1])) for f in "xp" for g in "xp"]
JOINED = times(T(times(row(Q_x, Q_p), column(x_i, r_i))), times(row(K_x, K_p), column(x_j, r_j)))
APART = four_terms(*BLOCKS.values(), r_i, r_j)
claim("concatenation-expands", JOINED, APART, *BLOCKS_MEAN,
      scope="all $D$, $D_p$ and $d$",
      twins={"a block exchanged": four_terms(BLOCKS["xx"], BLOCKS["xp"],
                                             times(T(K_p), Q_x), BLOCKS["pp"], r_i, r_j),
             "position with position forgotten": plus(*APART.args[:3]),
             "any matrix between": BLOCKS_MEAN[1]})

claim("tied-blocks", times(row(W, W), column(x_i, p_i)), times(W, plus(x_i, p_i)),
      scope="all $D$ and $d$",
      twins={"not tied": (times(row(W, W_q), column(x_i, p_i)), times(W, plus(x_i, p_i))),
             "a sign": times(W, x_i - p_i)})

u = letter("u", (), (D, 1))()
claim("addition-merges", plus(x_i + u, p_i - u), x_i + p_i,
      scope="all $D$",
      twins={"moved twice": (plus(x_i + u, p_i - 2 * u), x_i + p_i),
             "moved one way only": (plus(x_i + u, p_i), x_i + p_i)})

d_x, d_p = size("d_x"), size("d_p")          # rows of the weights for content and for position
B_q, B_k = (letter(name, (), (d_x, D))() for name in ("B_q", "B_k"))
C_q, C_k = (letter(name, (), (d_p, D_p))() for name in ("C_q", "C_k"))


def apart(content, position):
    return block_matrix((content, zeros(d_x, D_p)), (zeros(d_p, D), position))


SEPARATE = times(T(times(apart(B_q, C_q), column(x_i, r_i))),
                 times(apart(B_k, C_k), column(x_j, r_j)))
claim("separate-rows", SEPARATE,
      plus(times(T(x_i), T(B_q), B_k, x_j), times(T(r_i), T(C_q), C_k, r_j)),
      scope="all dimensions",
      twins={"content only": times(T(x_i), T(B_q), B_k, x_j),
             "queries and keys exchanged": plus(times(T(x_i), T(B_k), B_q, x_j),
                                                times(T(r_i), T(C_q), C_k, r_j))})

UNIT_LENGTHS = equal(times(T(p_i), p_i), 1), equal(times(T(p_j), p_j), 1)
claim("position-terms-survive", times(T(p_i), times(p_i, T(p_j)), p_j), 1, *UNIT_LENGTHS,
      scope="all $D$",
      twins={"any length": UNIT_LENGTHS[0], "they vanish": 0,
             "the matrix transposed": (times(T(p_i), times(p_j, T(p_i)), p_j), 1)})

alpha = number("alpha")
ORTHOGONAL_PAIR = equal(times(T(p_i), p_j), 0)
claim("scalar-weights", times(T(p_i), times(alpha, eye(D)), p_j), 0, ORTHOGONAL_PAIR,
      scope="all $D$",
      twins={"any two vectors": ORTHOGONAL_PAIR, "any matrix": (times(T(p_i), M, p_j), 0)})

claim("parameter-count", times(2, d, D + D_p) - times(2, d, D), times(2, d, D_p),
      scope="all $D$, $D_p$ and $d$",
      twins={"keys forgotten": times(d, D_p), "as wide as the token": times(2, d, D)})

W_v = letter("W_v", (), (d, D))()
share = letter("a", (N, N))(i, j)
claim("values-under-addition", summed(times(share, W_v, plus(x_j, p_j)), j),
      summed(times(share, W_v, x_j), j) + summed(times(share, W_v, p_j), j),
      scope="all $N$, $D$ and $d$",
      twins={"content only": summed(times(share, W_v, x_j), j),
             "positions not weighted": summed(times(share, W_v, x_j), j)
             + summed(times(W_v, p_j), j)})

# One-hot embeddings

e_i, e_j = unit(a, D), unit(b, D)
claim("one-hot-distance", norm2(e_i - e_j), 2, differ(a, b),
      scope="all $D$",
      twins={"also for i = j": differ(a, b), "not squared": 1, "a sum": (norm2(e_i + 2 * e_j), 2)})

claim("one-hot-table", times(T(e_i), M, e_j), entry(M, a, b),
      scope="all $D$",
      twins={"transposed": entry(M, b, a), "the diagonal": entry(M, a, a)})

g, v = letter("g", (), (d, 1))(), letter("p", (), (D, 1))()
k, l = index("k", d), index("l", D)
claim("weight-gradient", diff(times(T(g), W, v), entry(W, k, l)),
      times(part(g, k), part(v, l)),
      scope="all $d$ and $D$",
      twins={"the position alone": part(v, l),
             "the weight itself": times(part(g, k), entry(W, k, l), part(v, l))})

x_0 = letter("x", (), (D, 1))()
claim("one-hot-collision", x_0 + e_i, plus(plus(x_0, e_i, -e_j), e_j),
      scope="all $D$",
      twins={"the content kept": plus(x_0, e_j), "a sign": plus(plus(x_0, e_i, e_j), e_j)})

# Sinusoids

m = index("m", D / 2)
omega = letter("omega", (D / 2,))(m)
s, t, shift = index("s"), index("t"), index("r")
PAIRS = "copies", D / 2, ("blocks", (node(1), node(1)))     # D entries as D / 2 pairs
wave = letter("p", (None,), (PAIRS, 1))


def pair_at(position):
    return column(sin(times(omega, position)), cos(times(omega, position)))


WAVES = where(wave(t), stacked(pair_at(t), m))
SIMILAR = times(T(wave(s)), wave(t))
claim("sinusoid-similarity", SIMILAR, summed(cos(times(omega, s - t)), m), WAVES,
      scope="all even $D$, all frequencies, all positions",
      twins={"the sum of the positions": summed(cos(times(omega, s + t)), m),
             "sines": summed(sin(times(omega, s - t)), m), "any embeddings": WAVES})


def turn(angle):
    return block_matrix((cos(angle), sin(angle)), (-sin(angle), cos(angle)))


claim("sinusoid-shift", pair_at(t + shift), times(turn(times(omega, shift)), pair_at(t)),
      scope="all $\\omega_m$, $t$ and $r$",
      twins={"the other way round": times(T(turn(times(omega, shift))), pair_at(t)),
             "by the position": times(turn(times(omega, t)), pair_at(t))})

mu, nu = letter("mu", (D / 2,))(m), letter("nu", (D / 2,))(m)
claim("relative-score", times(T(pair_at(s)), block_matrix((mu, nu), (-nu, mu)), pair_at(t)),
      mu * cos(times(omega, s - t)) + nu * sin(times(omega, s - t)),
      scope="all frequencies and positions, any two numbers for each frequency",
      twins={"the sine's sign": mu * cos(times(omega, s - t)) - nu * sin(times(omega, s - t)),
             "cosines alone": mu * cos(times(omega, s - t))},
      document="supplement")
