"""The claims of Exercise 2: the parameters of T5, its relative bias, and a source of data."""

# Formulas are laid out by hand: a claim is not a call with its arguments in a column.
# fmt: off
from proofs.claims import claim  # noqa: I001
from proofs.notation import (
    E, T, index, independent, letter, number, permuted, plus, several, size, sqrt, times,
    where)

# An encoder-decoder with L layers of each kind, width D, inner width F, and I = heads * their width

B, D, F, inner, L, H = size("B"), size("D"), size("F"), size("I"), size("L"), size("H")
BUCKETS = 32


def stack(attention, scales):
    """L layers, the table of the relative bias, and the last normalisation."""
    layer = plus(times(attention, D, inner), times(2, D, F), times(scales, D))
    return plus(times(L, layer), times(BUCKETS, H), D)



def collected(attention=12, forward=4, scales=5, bias=2 * BUCKETS, last=2):
    return plus(times(B, D), times(L, D, plus(times(attention, inner), times(forward, F), scales)),
                times(bias, H), times(last, D))


PIECES = plus(times(B, D), stack(4, 2), stack(8, 3))
claim("t5-parameters", collected(), PIECES, document="supplement",
      scope="all numbers of layers, widths, heads and tokens",
      twins={"cross-attention forgotten": (collected(attention=8), PIECES),
             "one table of biases": (collected(bias=BUCKETS), PIECES),
             "last scales forgotten": (collected(last=0), PIECES)})

# A bias for each distance

N, d = size("N"), size("d")
i, j = index("i", N), index("j", N)
s_, t_, r = index("i"), index("j"), index("r")
bias = letter("b", (None,))
query, key = letter("q", (N,), (d, 1)), letter("k", (N,), (d, 1))
q, k = letter("q", (), (d, 1))(), letter("k", (), (d, 1))()
SCORE = times(T(q), k)
claim("relative-bias-depends-on-distance",
      SCORE + bias(plus(s_ + r, -(t_ + r))), SCORE + bias(s_ - t_),
      document="supplement", scope="all $d$, all positions and shifts",
      twins={"the other direction": SCORE + bias(t_ - s_),
             "one position moved": (SCORE + bias((s_ + r) - t_), SCORE + bias(s_ - t_))})

s, moved = letter("s", (N, N)), letter("s'", (N, N))
BIASED = where(s(i, j), times(T(query(i)), key(j)) + bias(i - j))
MOVED = where(moved(i, j), times(T(query(permuted(i))), key(permuted(j))) + bias(i - j))
GAP = moved(i, j) - s(permuted(i), permuted(j))
claim("relative-bias-breaks-symmetry", GAP, bias(i - j) - bias(permuted(i) - permuted(j)),
      BIASED, MOVED, document="supplement",
      scope="all $N$ and $d$, every permutation $\\pi$",
      twins={"no bias": 0, "the other way": bias(permuted(i) - permuted(j)) - bias(i - j)})

# A series that predicts itself

c = number("c")
x, noise, after = number("x_t"), number("eps_t"), number("x_{t+1}")
NEXT = where(after, c * x + sqrt(1 - c**2) * noise)
START = independent(x, noise)
claim("autoregression-is-the-pair", several(E(x * after), E(after**2)), several(c, 1), NEXT, START,
      document="supplement", scope="$\\abs{c} \\le 1$",
      twins={"the variance of the noise": several(c, 1 - c**2), "uncorrelated": several(0, 1),
             "nothing known of the two": START})
