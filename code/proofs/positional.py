"""The claims of Exercise 1: orthogonal embeddings, addition against concatenation, one-hot and sinusoidal embeddings.

    X, P        (N, D)   contents and positional embeddings, one per row
    x_i, p_i    (D, 1)   the same as columns; E in the place of D where p_i has a length of its own
    W_q, W_k    (d, D)   query and key weights; M = W_q^T W_k
"""

from sympy import (Add, BlockMatrix, Derivative, Identity, Indexed, IndexedBase, Inverse, KroneckerDelta, MatAdd, MatMul, MatPow,
                   Matrix, MatrixSymbol, Mul, S, Sum, Symbol, Trace, Transpose, Tuple, ZeroMatrix, block_collapse, cos, exp,
                   expand, simplify, sin, symbols)

from proofs.ledger import Equation, Worded, claim, shortened
from proofs.matrices import SquaredNorm, equal, notation, pairwise, tex

N, D, E, d = symbols("N D E d", integer=True, positive=True)
I = Identity

X, P = MatrixSymbol("X", N, D), MatrixSymbol("P", N, D)
x_i, x_j, p_i, p_j = (MatrixSymbol(name, D, 1) for name in ("x_i", "x_j", "p_i", "p_j"))
W_q, W_k, W = (MatrixSymbol(name, d, D) for name in ("W_q", "W_k", "W"))
M = MatrixSymbol("M", D, D)
Gram = MatrixSymbol("Lambda", N, N)     # P P^T, diagonal with the squared lengths

ORTHOGONAL = {(P, P.T): Gram}
ORTHONORMAL = {(P, P.T): 1}
ORTHONORMAL_PAIR = {(p_i.T, p_i): 1, (p_j.T, p_j): 1, (p_i.T, p_j): 0}


def plus(*terms):
    """A sum that keeps the order of its terms."""
    return (MatAdd if terms[0].is_Matrix else Add)(*terms, evaluate=False)


def times(*factors):
    """A product that is not multiplied out."""
    return (MatMul if any(f.is_Matrix for f in factors) else Mul)(*factors, evaluate=False)


def column(*blocks):
    return BlockMatrix([[block] for block in blocks])


def row(*blocks):
    return BlockMatrix([list(blocks)])


# 1(a) When do orthogonal embeddings exist?

@claim("orthogonal-independent", scope="general", over="all $N, D$",
       statement=Equation(times(P, times(P.T, Inverse(Gram))), I(N)),
       false_twin={"the lengths forgotten": Equation(times(P, P.T), I(N)),
                   "the inverse forgotten": Equation(times(P, times(P.T, Gram)), I(N))},
       by_hand="A matrix with a right inverse has independent rows, so at most $D$ of them.")
def _(s): return equal(s.left, s.right, given=ORTHOGONAL)


scale = MatrixSymbol("S", N, N)


@claim("scaled-rows", scope="general", over="all $N, D$",
       statement=Equation(times(scale, P, Transpose(times(scale, P))), scale**2),
       false_twin={"scaled once": Equation(times(scale, P, Transpose(times(scale, P))), scale),
                   "scaled on one side": Equation(times(scale, P, P.T), scale**2)},
       by_hand="The first $N \\le D$ rows of an orthogonal matrix are orthonormal.")
def _(s): return equal(s.left, s.right, given=ORTHONORMAL, symmetric=[scale])


padded = column(P, ZeroMatrix(E, D))


def _diagonal_blocks(a, b):
    return BlockMatrix([[a, ZeroMatrix(a.rows, b.cols)], [ZeroMatrix(b.rows, a.cols), b]])


@claim("zero-loophole", scope="general", over="all $N, D, E$",
       statement=Equation(times(padded, Transpose(padded)), _diagonal_blocks(Gram, ZeroMatrix(E, E))),
       false_twin={"zeros of length one": Equation(times(padded, Transpose(padded)), _diagonal_blocks(Gram, I(E))),
                   "lengths forgotten": Equation(times(padded, Transpose(padded)), _diagonal_blocks(I(N), ZeroMatrix(E, E)))})
def _(s): return equal(s.left, s.right, given=ORTHOGONAL)


projection_gap = SquaredNorm(plus(I(D), -P.T * P))


@claim("gap-is-a-norm", scope="general", over="all $N, D$",
       statement=Equation(plus(D, -N), projection_gap),
       false_twin={"a sign": Equation(plus(D, N), projection_gap),
                   "the square of the wrong matrix": Equation(plus(D, -N), SquaredNorm(P.T * P)),
                   "the wrong side": Equation(plus(D, -N), SquaredNorm(plus(I(N), -P * P.T)))})
def _(s): return equal(s.left, s.right, given=ORTHONORMAL)


frame_gap = SquaredNorm(plus(P.T * P, -N / D * I(D)))


@claim("welch-trace", scope="general", over="all $N, D$",
       statement=Equation(frame_gap, plus(SquaredNorm(P * P.T), -N**2 / D)),
       false_twin={"the wrong multiple of the identity": Equation(SquaredNorm(plus(P.T * P, -D / N * I(D))),
                                                                 plus(SquaredNorm(P * P.T), -N**2 / D)),
                   "N and D swapped": Equation(frame_gap, plus(SquaredNorm(P * P.T), -D**2 / N)),
                   "a sign": Equation(frame_gap, plus(SquaredNorm(P * P.T), N**2 / D))})
def _(s): return equal(s.left, s.right, given={Trace(P * P.T): N})


c = Symbol("c", nonnegative=True)     # the largest |cosine|
others = plus(N, S(-1))
slack = plus(N, times(N, others, c**2), -N**2 / D)


def _welch_factored(bound):
    return times(N, others, plus(c**2, times(S(-1), bound)))


@claim("welch-bound", scope="general", over="all $N > D$",
       statement=Equation(slack, _welch_factored(plus(N, -D) / times(D, others))),
       false_twin={"N in the place of D": Equation(slack, _welch_factored(plus(N, -D) / times(N, others))),
                   "one vector more": Equation(slack, _welch_factored(plus(N, -D) / times(D, N)))},
       by_hand="Each of the $N(N-1)$ squared cosines is at most $c^2$.")
def _(s): return equal(s.left, s.right)


ones = MatrixSymbol("1", D + 1, 1)
stretch = plus(D, S.One) / D
simplex_gram = plus(times(stretch, I(D + 1)), -ones * ones.T / D)


@claim("simplex-gram", scope="general", over="all $D$, $N = D+1$",
       statement=Equation(MatPow(simplex_gram, 2, evaluate=False), times(stretch, simplex_gram)),
       false_twin={"the factor inverted": Equation(MatPow(simplex_gram, 2, evaluate=False), times(1 / stretch, simplex_gram)),
                   "idempotent": Equation(MatPow(simplex_gram, 2, evaluate=False), simplex_gram)},
       by_hand="Its eigenvalues are $0$ and $(D+1)/D$ and its trace is $D+1$, so its rank is $D$.")
def _(s): return equal(s.left, s.right, given={(ones.T, ones): D + 1})


k, l = symbols("k l", integer=True, positive=True)
delta_kl = KroneckerDelta(k, l, (1, D))


Mean, Variance = notation("Mean", r"\E\left[#1\right]"), notation("Variance", r"\Var\left[#1\right]")
entry_p, entry_q = IndexedBase("p"), IndexedBase("q")
dot = Sum(times(entry_p[k], entry_q[k]), (k, 1, D))


def expected(product):
    """E of a product of entries of p and q, all independent, of mean 0 and variance 1/D."""
    for entry in (entry_p, entry_q):
        product = product.subs(entry[k] * entry[l], delta_kl / D)
    return product.replace(lambda part: isinstance(part, Indexed), lambda single: S.Zero)


def expected_sum(total, *limits):
    return Sum(expected(total.function), *total.limits, *limits)


def variance_of_sum(total):
    copy = total.function.subs(k, l)
    return expected_sum(Sum(total.function * copy, *total.limits), (l, 1, D)) - expected_sum(total)**2


def cosine_law(mean, variance):
    return Equation(Tuple(Mean(dot), Variance(dot)), Tuple(mean, variance))


@claim("near-orthogonal", scope="general", over="all $D$",
       statement=cosine_law(S.Zero, 1 / D),
       false_twin={"a dimension too many": cosine_law(S.Zero, 1 / D**2), "variance one": cosine_law(S.Zero, S.One),
                   "a mean": cosine_law(1 / D, 1 / D), "the mean of the square": Equation(Tuple(Mean(dot)), Tuple(1 / D)),
                   **shortened(cosine_law(S.Zero, 1 / D))},
       by_hand="Independence splits $\\E(p_k q_k p_l q_l)$ into $\\E(p_k p_l)\\,\\E(q_k q_l)$.")
def _(s):
    values = s.left.replace(Mean, expected_sum).replace(Variance, variance_of_sum)
    return pairwise(lambda got, stated: simplify(got.doit() - stated) == 0, values, s.right)


# 1(b) Addition and concatenation

def four_terms(expansion, first, second):
    """SymPy's expansion in the human order: content-content, content-position, position-content, position-position."""
    return plus(*sorted(expansion.args, key=lambda term: (term.has(first), term.has(second))))


def _without(expression, index):
    return plus(*(term for i, term in enumerate(expression.args) if i != index))


def _added(query, key, first=p_i, second=p_j):
    return times(Transpose(times(query, plus(x_i, first))), times(key, plus(x_j, second)))


added = _added(W_q, W_k)
added_terms = four_terms(added.doit().expand(), p_i, p_j)


@claim("addition-four-terms", scope="general", over="all $D, d$",
       statement=Equation(added, added_terms),
       false_twin={"position-content missing": Equation(added, _without(added_terms, 2)),
                   "queries and keys swapped": Equation(added, four_terms(_added(W_k, W_q).doit().expand(), p_i, p_j)),
                   "positions swapped": Equation(added, four_terms(_added(W_q, W_k, p_j, p_i).doit().expand(), p_j, p_i))})
def _(s): return equal(s.left, s.right)


W_qx, W_kx = MatrixSymbol("W_q^x", d, D), MatrixSymbol("W_k^x", d, D)
W_qp, W_kp = MatrixSymbol("W_q^p", d, E), MatrixSymbol("W_k^p", d, E)
r_i, r_j = MatrixSymbol("p_i", E, 1), MatrixSymbol("p_j", E, 1)     # positions of a length of their own

concatenated = times(Transpose(times(row(W_qx, W_qp), column(x_i, r_i))), times(row(W_kx, W_kp), column(x_j, r_j)))
concatenated_terms = four_terms(block_collapse(concatenated.doit()).expand(), r_i, r_j)


@claim("concatenation-four-terms", scope="general", over="all $D, E, d$",
       statement=Equation(concatenated, concatenated_terms),
       false_twin={"content-position missing": Equation(concatenated, _without(concatenated_terms, 1)),
                   "a block of the wrong matrix": Equation(concatenated, plus(
                       *_without(concatenated_terms, 2).args, r_i.T * W_kp.T * W_kx * x_j)),
                   "a sign": Equation(concatenated, plus(*concatenated_terms.args[:3], -concatenated_terms.args[3]))})
def _(s): return equal(s.left, s.right)


@claim("tied-blocks", scope="general", over="all $D, d$",
       statement=Equation(times(row(W, W), column(x_i, p_i)), times(W, plus(x_i, p_i))),
       false_twin={"a sign": Equation(times(row(W, -W), column(x_i, p_i)), times(W, plus(x_i, p_i))),
                   "not tied": Equation(times(row(W, W_q), column(x_i, p_i)), times(W, plus(x_i, p_i)))})
def _(s): return equal(s.left, s.right)


def _counts(addition, concatenation):
    text = f"${tex(addition)}$ query and key weights under addition, ${tex(concatenation)}$ under concatenation"
    return Worded(text, Tuple(addition, concatenation))


@claim("parameter-count", scope="general", over="all $D, E, d$",
       statement=_counts(times(S(2), d, D), times(S(2), d, plus(D, E))),
       false_twin={"positions not counted": _counts(2 * d * D, 2 * d * D),
                   "keys not counted": _counts(d * D, times(d, plus(D, E))),
                   "keys not concatenated": _counts(2 * d * D, times(d, plus(2 * D, E)))})
def _(s):
    counts = Tuple(*(sum(A.rows * A.cols for A in pair) for pair in ((W_q, W_k), (row(W_qx, W_qp), row(W_kx, W_kp)))))
    return pairwise(lambda count, stated: simplify(count - stated) == 0, counts, s.value)


@claim("orthogonality-not-enough", scope="general", over="all $D \\ge 2$",
       statement=Equation(times(p_i.T, times(p_i, p_j.T), p_j), S.One),
       false_twin={"M the identity": Equation(times(p_i.T, p_j), S.One),
                   "M transposed": Equation(times(p_i.T, times(p_j, p_i.T), p_j), S.One)})
def _(s): return equal(s.left, s.right, given=ORTHONORMAL_PAIR)


alpha = Symbol("alpha")


@claim("scalar-weights", scope="general", over="all $N, D$",
       statement=Equation(times(P, times(alpha, I(D)), P.T), times(alpha, Gram)),
       false_twin={"the factor squared": Equation(times(P, times(alpha, I(D)), P.T), times(alpha**2, Gram)),
                   "any M": Equation(times(P, M, P.T), times(alpha, Gram))},
       by_hand="For $\\alpha \\ne 0$, $\\alpha\\mathbf{I}$ has rank $D$ and $\\mathbf{M}$ at most $d$, so $d \\ge D$ is needed.")
def _(s): return equal(s.left, s.right, given=ORTHOGONAL)


e_i, e_j = MatrixSymbol("e_i", D, 1), MatrixSymbol("e_j", D, 1)
probe = times(Transpose(plus(e_i, e_j)), M, plus(e_i, -e_j))


@claim("only-scalar-weights", scope="general", over="all $D \\ge 2$",
       statement=Equation(probe, plus(e_i.T * M * e_i, -e_j.T * M * e_j)),
       false_twin={"a sign": Equation(probe, plus(e_i.T * M * e_i, e_j.T * M * e_j)),
                   "one entry": Equation(probe, e_i.T * M * e_i),
                   "the other pair": Equation(times(Transpose(plus(e_i, e_j)), M, plus(e_i, e_j)),
                                              plus(e_i.T * M * e_i, -e_j.T * M * e_j))},
       by_hand="The left side is zero by assumption, and so are the cross terms, for all $i \\ne j$.")
def _(s): return equal(s.left, s.right, given={(e_i.T, M, e_j): 0, (e_j.T, M, e_i): 0})


d_x, d_p = symbols("d_x d_p", integer=True, positive=True)     # rows of W kept for content and for position
Q_x, K_x = MatrixSymbol("W_q^x", d_x, D), MatrixSymbol("W_k^x", d_x, D)
Q_p, K_p = MatrixSymbol("W_q^p", d_p, E), MatrixSymbol("W_k^p", d_p, E)
separate = times(Transpose(_diagonal_blocks(Q_x, Q_p)), _diagonal_blocks(K_x, K_p))


@claim("separate-rows", scope="general", over="all $D, E$, any split of $d$",
       statement=Equation(separate, _diagonal_blocks(Q_x.T * K_x, Q_p.T * K_p)),
       false_twin={"queries and keys swapped": Equation(separate, _diagonal_blocks(K_x.T * Q_x, Q_p.T * K_p)),
                   "position lost": Equation(separate, _diagonal_blocks(Q_x.T * K_x, ZeroMatrix(E, E)))},
       by_hand="$\\mathbf{x}\\T\\mathbf{B}\\mathbf{p}$ vanishes for all $\\mathbf{x}, \\mathbf{p}$ only if $\\mathbf{B}$ does.")
def _(s): return equal(s.left, s.right)


def _blockwise(a, b, c, d):
    return times(Transpose(column(x_i, p_i)), BlockMatrix([[a, b], [c, d]]), column(x_j, p_j))


shared = times(Transpose(plus(x_i, p_i)), M, plus(x_j, p_j))


blocks = [MatrixSymbol(name, D, D) for name in "ABCF"]
free = _blockwise(*blocks)


def _and_differences(a, b, c, f):
    return plus(shared, times(x_i.T, plus(a, -M), x_j), times(x_i.T, plus(b, -M), p_j),
                times(p_i.T, plus(c, -M), x_j), times(p_i.T, plus(f, -M), p_j))


@claim("equal-blocks", scope="general", over="all $D$",
       statement=Equation(free, _and_differences(*blocks)),
       false_twin={"a block for another": Equation(free, _and_differences(*blocks[:2], *reversed(blocks[2:]))),
                   "a block transposed": Equation(free, _and_differences(blocks[0], blocks[1].T, *blocks[2:])),
                   "always equal": Equation(free, shared)},
       by_hand="The four last terms add up to zero for all contents and positions only if each of their matrices is zero.")
def _(s): return equal(s.left, s.right)


B = MatrixSymbol("B", d, D)     # another block than W_q, with the same product B^T W_k = W_q^T W_k = M


def _untied(other, key=W_k):
    return times(Transpose(times(row(W_q, other), column(x_i, p_i))), times(row(W_k, key), column(x_j, p_j)))


@claim("tying-not-necessary", scope="general", over="all $D, d$",
       statement=Equation(_untied(B), added),
       false_twin={"any other block": Equation(_untied(W), added),
                   "an untied key as well": Equation(_untied(B, W), added)},
       by_hand="Such a $\\mathbf{B} \\ne \\mathbf{W}_q$ exists exactly when the rank of $\\mathbf{W}_k$ is less than $d$.")
def _(s): return equal(s.left, s.right, given={(B.T, W_k): M, (W_q.T, W_k): M})


dim_x, dim_p = symbols("r s", integer=True, positive=True)     # dimensions of the two spans
U, V = MatrixSymbol("U", D, dim_x), MatrixSymbol("V", D, dim_p)
L_U, L_V = MatrixSymbol("L_U", dim_x, D), MatrixSymbol("L_V", dim_p, D)
a, b = MatrixSymbol("a", dim_x, 1), MatrixSymbol("b", dim_p, 1)
W_x, W_p = MatrixSymbol("W^x", d, D), MatrixSymbol("W^p", d, D)
LEFT_INVERSE = {(L_U, U): 1, (L_U, V): 0, (L_V, U): 0, (L_V, V): 1}


def _simulation(to_content, to_position):
    """(W^x U L_U + W^p V L_V)(x + p) with x = U a and p = V b, against [W^x W^p] [x; p]."""
    return Equation(times(plus(W_x * U * to_content, W_p * V * to_position), plus(U * a, V * b)),
                    times(row(W_x, W_p), column(U * a, V * b)))


@claim("addition-simulates", scope="general", over="all $d$, $r + s \\le D$",
       statement=_simulation(L_U, L_V),
       false_twin={"content read by the transpose": _simulation(U.T, L_V),
                   "position read by the transpose": _simulation(L_U, V.T)},
       by_hand="Independent columns have a left inverse.")
def _(s): return equal(s.left, s.right, given=LEFT_INVERSE)


A, W_v = MatrixSymbol("A", N, N), MatrixSymbol("W_v", d, D)
mixed_values = times(A, plus(X, P), W_v.T)


@claim("value-path", scope="general", over="all $N, D, d$",
       statement=Equation(mixed_values, plus(A * X * W_v.T, A * P * W_v.T)),
       false_twin={"position lost": Equation(mixed_values, A * X * W_v.T),
                   "weights on the wrong side": Equation(mixed_values, plus(A * X * W_v.T, A.T * P * W_v.T))})
def _(s): return equal(s.left, s.right)


code = MatrixSymbol("a", N, 1)


@claim("read-out", scope="general", over="all $N, D$",
       statement=Equation(times(P, plus(x_i, P.T * code)), plus(P * x_i, code)),
       false_twin={"content unseen": Equation(times(P, plus(x_i, P.T * code)), code),
                   "read out twice": Equation(times(P, plus(x_i, P.T * code)), plus(P * x_i, 2 * code))})
def _(s): return equal(s.left, s.right, given=ORTHONORMAL)


# 1(c) One-hot embeddings, and what to use in their place

ONE_HOT = {(e_i.T, e_i): 1, (e_j.T, e_j): 1, (e_i.T, e_j): 0}
difference = plus(e_i, -e_j)


@claim("one-hot-distances", scope="general", over="all $N$",
       statement=Equation(SquaredNorm(difference), S(2)),
       false_twin={"not the square": Equation(SquaredNorm(difference), 2**S.Half),
                   "one vector only": Equation(SquaredNorm(e_i), S(2))})
def _(s): return equal(s.left, s.right, given=ONE_HOT)


i, j = symbols("i j", integer=True, positive=True)
table = IndexedBase("M")
looked_up = Sum(times(KroneckerDelta(k, i, (1, N)), table[k, l], KroneckerDelta(l, j, (1, N))), (k, 1, N), (l, 1, N))


@claim("one-hot-table", scope="general", over="all $N$",
       statement=Equation(looked_up, table[i, j]),
       false_twin={"transposed": Equation(looked_up, table[j, i]), "the diagonal": Equation(looked_up, table[i, i])})
def _(s): return simplify(s.left.doit() - s.right) == 0


up, p = MatrixSymbol("g", d, 1), MatrixSymbol("p", D, 1)
slope = Derivative(Trace(up.T * W * p), W)


@claim("weight-gradient", scope="general", over="all $D, d$",
       statement=Equation(slope, up * p.T),
       false_twin={"zero": Equation(slope, ZeroMatrix(d, D)), "twice": Equation(slope, 2 * up * p.T),
                   "the wrong vector": Equation(slope, up * e_i.T)})
def _(s): return equal(s.left.expr.diff(*s.left.variables), s.right)


@claim("unseen-position", scope="general", over="all $D, d$",
       statement=Equation(times(up * e_i.T, e_j), ZeroMatrix(d, 1)),
       false_twin={"the position seen": Equation(times(up * e_i.T, e_i), ZeroMatrix(d, 1)),
                   "the gradient passed on": Equation(times(up * e_i.T, e_j), up)})
def _(s): return equal(s.left, s.right, given=ONE_HOT)


seen = Transpose(plus(x_i, e_i))     # the gradient is up * seen; its columns j, a position not seen, and i
columns = Equation(Tuple(times(up, seen, e_j), times(up, seen, e_i)),
                   Tuple(times(up, x_i.T, e_j), plus(times(up, x_i.T, e_i), up)))


@claim("added-column-is-trained-by-content", scope="general", over="all $D, d$",
       statement=columns,
       false_twin={"unseen, not at all": Equation(columns.left, Tuple(ZeroMatrix(d, 1), columns.right[1])),
                   "unseen, as a position": Equation(columns.left, Tuple(plus(up * x_i.T * e_j, up), columns.right[1])),
                   "seen, by the content only": Equation(columns.left, Tuple(columns.right[0], up * x_i.T * e_i)),
                   **shortened(columns)})
def _(s): return pairwise(lambda got, stated: equal(got, stated, given=ONE_HOT), s.left, s.right)


def _collision(other, apart=2):
    """The token of another content at position j, and how far that content is from x_i."""
    return Equation(Tuple(times(W, plus(other, e_j)), SquaredNorm(plus(other, -x_i))),
                    Tuple(times(W, plus(x_i, e_i)), S(apart)))


collision = _collision(plus(x_i, e_i, -e_j))


@claim("one-hot-collision", scope="general", over="all $D, d$",
       statement=collision,
       false_twin={"a sign": _collision(plus(x_i, -e_i, e_j)), "the same content": _collision(x_i),
                   "one coordinate": _collision(plus(x_i, e_i, -e_j), apart=1), **shortened(collision)},
       by_hand="$\\mathbf{e}_i - \\mathbf{e}_j$ has two coordinates that are not zero.")
def _(s): return pairwise(lambda got, stated: equal(got, stated, given=ONE_HOT), s.left, s.right)


omega, s, t, h, h1, h2, theta = symbols("omega s t h h_1 h_2 theta", real=True)
m, K = symbols("m K", integer=True, positive=True)


def vanishes(e):
    """True if a trigonometric expression is zero: its exponentials cancel when multiplied out."""
    return expand(e.doit().rewrite(exp)) == 0


def pair(t):
    """One pair of a sinusoidal embedding."""
    return Matrix([sin(times(omega, t)), cos(times(omega, t))])


def rotation(h):
    return Matrix([[cos(times(omega, h)), sin(times(omega, h))], [-sin(times(omega, h)), cos(times(omega, h))]])


@claim("shift-rotates", scope="general", over="all $\\omega, t, h$",
       statement=Equation(pair(plus(t, h)), times(rotation(h), pair(t))),
       false_twin={"the other way round": Equation(pair(plus(t, h)), times(rotation(h).T, pair(t))),
                   "back": Equation(pair(plus(t, -h)), times(rotation(h), pair(t)))})
def _(s): return all(map(vanishes, s.left - s.right.doit()))


Rotation = notation("Rotation", r"\mathbf{R}(#1)")
RotatedBack = notation("RotatedBack", r"\mathbf{R}(#1)^{\mathsf{T}}\, \mathbf{R}(#2)")
ROTATED = {Rotation: rotation, RotatedBack: lambda first, second: rotation(first).T * rotation(second)}


@claim("rotations-compose", scope="general", over="all $\\omega, h_1, h_2$",
       statement=Equation(RotatedBack(h1, h2), Rotation(plus(h2, -h1))),
       false_twin={"the other way round": Equation(RotatedBack(h1, h2), Rotation(plus(h1, -h2))),
                   "a sum": Equation(RotatedBack(h1, h2), Rotation(plus(h1, h2)))})
def _(s):
    left, right = (ROTATED[type(side)](*side.args) for side in (s.left, s.right))
    return all(map(vanishes, left - right))


w = IndexedBase("omega")[m]


def _pairs(summand):
    return Sum(summand, (m, 1, K))


products = _pairs(plus(times(sin(times(w, s)), sin(times(w, t))), times(cos(times(w, s)), cos(times(w, t)))))


@claim("sinusoid-similarity", scope="general", over="all $K, s, t, \\omega_m$",
       statement=Equation(products, _pairs(cos(times(w, plus(s, -t))))),
       false_twin={"a sum in the place of the difference": Equation(products, _pairs(cos(times(w, plus(s, t))))),
                   "sines": Equation(products, _pairs(sin(times(w, plus(s, -t))))),
                   "twice as many pairs": Equation(products, Sum(cos(times(w, plus(s, -t))), (m, 1, 2 * K)))})
def _(s): return s.left.limits == s.right.limits and vanishes(s.left.function - s.right.function)


even, odd = symbols("a b", real=True)     # the weights of the cosine and of the sine
score = times(Transpose(pair(s)), Matrix([[even, odd], [-odd, even]]), pair(t))
lag = times(omega, plus(s, -t))


@claim("relative-score", scope="general", over="all $\\omega, s, t, a, b$",
       statement=Equation(score, plus(even * cos(lag), odd * sin(lag))),
       false_twin={"a sign": Equation(score, plus(even * cos(lag), -odd * sin(lag))),
                   "the sine missing": Equation(score, even * cos(lag))})
def _(s): return vanishes(s.left.doit()[0, 0] - s.right)


def _dirichlet(factor):
    return times(sin(theta / 2), plus(S.One, factor * Sum(cos(times(m, theta)), (m, 1, K))))


@claim("fourier-orthogonal", scope="general", over="all $K, \\theta$",
       statement=Equation(_dirichlet(2), sin(times(plus(2 * K, S.One), theta / 2))),
       false_twin={"cosines counted once": Equation(_dirichlet(1), sin(times(plus(2 * K, S.One), theta / 2))),
                   "one frequency short": Equation(_dirichlet(2), sin(times(plus(2 * K, S(-1)), theta / 2)))},
       by_hand="At $\\theta = 2\\pi h/(2K+1)$ the right side is $\\sin \\pi h = 0$, the first factor on the left is not.")
def _(s):
    """By induction on K: true for the empty sum, and each new cosine adds the same to both sides."""
    (total,), rest = s.left.atoms(Sum), Symbol("rest")
    new = total.function.subs(m, K)
    step = s.left.subs(total, rest + new) - s.left.subs(total, rest) - (s.right - s.right.subs(K, K - 1))
    return total.limits[0] == (m, 1, K) and vanishes(s.left.subs(total, 0) - s.right.subs(K, 0)) and vanishes(step)
