"""Computer assignment 1: the claims about self-attention, each with its check and its false twins.

Three ways of checking. Products of matrices, and of blocks, become words (proofs.matrices). A softmax is a sum over an
index, and `settle` brings such sums to one form. What the NumPy functions do is tried on a small random case.

    s[i, j]    logit of query i and key j;      s[h, i, j]    the same for head h
    a[i, j]    softmax over j of s[i, j];       a[h, i, j]    the same for head h
    x[p(i)]    the token that a permutation p of 1 ... N puts in place i
"""

from itertools import permutations

import numpy as np
from sympy import (Add, BlockMatrix, Derivative, Dummy, Function, Indexed, IndexedBase, KroneckerDelta, MatMul,
                   MatrixSymbol, Max, Mul, Product, Sum, Symbol, Transpose, exp, expand, expand_log, fraction, log, oo, sqrt,
                   symbols, sympify, together)

from proofs.ledger import Equation, Worded, claim
from proofs.matrices import equal, notation, tex
from solutions.attention import multi_head_self_attention

N, D, D_1, D_2, H, d, d_h, d_1, d_2, M, M_1, M_2, M_3 = symbols("N D D_1:3 H d d_h d_1:3 M M_1:4", integer=True, positive=True)
b, c, h, i, j, k, l, r = symbols("b c h i j k l r", integer=True, positive=True)
t = symbols("t", real=True)
a, s, q, key, x, y, v, w, z, W = (IndexedBase(name) for name in ["a", "s", "q", "k", "x", "y", "v", "w", "z", "W"])
p = Function("p")


# Sums -------------------------------------------------------------------------------------------------------------------

def same(left, right):
    """True if left = right as quotients of polynomials in settled sums and exponentials."""
    numerator, _ = fraction(together(settle(sympify(left)) - settle(sympify(right))))
    return expand(numerator) == 0


def settle(e):
    """The expression with its sums in one form. An index runs over the whole range of any sum it meets.

    sum (f + g) = sum f + sum g; sum_k c f(k) = c sum_k f(k); sum_k delta_kj f(k) = f(j); prod f = exp sum log f, for f > 0;
    sum_i f(p(i)) = sum_i f(i) over 1 ... N; bound indices get new names.
    """
    if isinstance(e, Product):
        return settle(exp(Sum(log(e.function), *e.limits)))
    if isinstance(e, Sum):
        f = settle(e.function)
        for limits in e.limits:
            f = Add(*(_settled_sum(term, *limits) for term in Add.make_args(f)))
        return f
    if e.has(Sum, Product):
        e = e.func(*(settle(part) for part in e.args))
    unknowns = {total: Dummy() for total in e.atoms(Sum)}  # else expand would turn exp of a sum into a product again
    expanded = expand(expand_log(e.xreplace(unknowns), force=True))
    return expanded.xreplace({unknown: total for total, unknown in unknowns.items()})


def _settled_sum(term, index, first, last):
    """The sum of one term over one index."""
    factor, f = term.as_independent(index)
    if f == 1:
        return factor * (last - first + 1)
    for delta in Mul.make_args(f):
        if isinstance(delta, KroneckerDelta):
            other, = set(delta.args) - {index}
            return factor * settle(f.xreplace({index: other}))  # in which the delta is 1
    if (first, last) == (1, N) and not f.xreplace({p(index): 1}).has(index):
        f = f.xreplace({p(index): index})
    bound = {name for total in f.atoms(Sum) for name in total.bound_symbols}
    name = Symbol(f"_{len(bound)}")  # the sums within bind _0 ... _(len - 1)
    return factor * Sum(f.xreplace({index: name}), (name, first, last))


def put(e, base, meaning):
    """The expression with base[index, ...] replaced by meaning(index, ...)."""
    return sympify(e).replace(lambda part: isinstance(part, Indexed) and part.base == base, lambda part: meaning(*part.indices))


def softmax(*index):
    """The weight a[..., j]: exp(s[..., j]) over its sum for j = 1 ... M."""
    return exp(s[index]) / Sum(exp(s[(*index[:-1], l)]), (l, 1, M))


# One head ---------------------------------------------------------------------------------------------------------------

X, e_i, e_j = MatrixSymbol("X", N, D), MatrixSymbol("e_i", N, 1), MatrixSymbol("e_j", N, 1)
W_q, W_square = MatrixSymbol("W_q", d, D), MatrixSymbol("W_q", D, D)


def row_of_product(W, e):
    return MatMul(Transpose(X * W), e)  # not multiplied out, so that the statement shows X W_q^T


@claim("queries-are-rows",
       statement=Equation(row_of_product(W_q.T, e_i), W_q * X.T * e_i),
       scope="general", over="all $N, D, d$",
       false_twin={"multiplied from the right without a transpose": Equation(row_of_product(W_square, e_i), W_square * X.T * e_i),
                   "the wrong row": Equation(row_of_product(W_q.T, e_j), W_q * X.T * e_i)})
def _(statement):
    return equal(statement.left, statement.right)


DOT = Sum(Mul(q[i], key[i], evaluate=False), (i, 1, d))


Variance = notation("Variance", r"\Var\left[#1\right]")
INDEPENDENT = "Independence of all entries, their means $0$ and variances $1$ give the means of their products."


@claim("dot-product-variance",
       statement=Equation(Variance(DOT), d),
       scope="general", over="all $d$",
       false_twin={"of one entry": Equation(Variance(DOT), 1), "the root": Equation(Variance(DOT), sqrt(d))},
       by_hand=INDEPENDENT)
def _(statement):
    return same(statement.left.replace(Variance, second_moment), statement.right)


@claim("scaled-dot-product-variance",
       statement=Equation(Variance(DOT / sqrt(d)), 1),
       scope="general", over="all $d$",
       false_twin={"not scaled": Equation(Variance(DOT), 1), "divided by $d$": Equation(Variance(DOT / d), 1)},
       by_hand=INDEPENDENT)
def _(statement):
    return same(statement.left.replace(Variance, second_moment), statement.right)


def second_moment(variable):
    """E of the square of a multiple of sum_i q_i k_i, with E q_i q_j = E k_i k_j = delta_ij and the q independent of the k."""
    factor, total = variable.as_independent(Sum)
    (index, first, last), = total.limits
    term = total.function.xreplace({index: i}) * total.function.xreplace({index: j})
    mean = term.subs(q[i] * q[j], KroneckerDelta(i, j)).subs(key[i] * key[j], KroneckerDelta(i, j))
    return factor ** 2 * Sum(Sum(mean, (j, first, last)), (i, first, last))


def jacobian(*terms):
    """d a_i / d s_j = a_i (the sum of the terms), kept in the order given."""
    return Equation(Derivative(a[i], s[j]), Mul(a[i], Add(*terms, evaluate=False), evaluate=False))


@claim("softmax-jacobian",
       statement=jacobian(KroneckerDelta(i, j), -a[j]),
       scope="general", over="all $M$",
       false_twin={"the sign": jacobian(KroneckerDelta(i, j), a[j]), "only the diagonal": jacobian(KroneckerDelta(i, j)),
                   "no diagonal": jacobian(-a[j])})
def _(statement):
    return same(put(statement.left, a, softmax).doit(), put(statement.right, a, softmax))


@claim("weights-sum-to-one",
       statement=Equation(Sum(a[i, j], (j, 1, M)), 1),
       scope="general", over="all $M$",
       false_twin={"over the queries": Equation(Sum(a[i, j], (i, 1, N)), 1), "each of them": Equation(a[i, j], 1)})
def _(statement):
    return same(put(statement.left, a, softmax), statement.right)


def shifted(logits):
    return exp(logits) / Sum(exp(logits.xreplace({j: l})), (l, 1, M))


@claim("softmax-ignores-a-shift",
       statement=Equation(shifted(s[j] + t), shifted(s[j])),
       scope="general", over="all $M$",
       false_twin={"a shift for each logit": Equation(shifted(s[j] + w[j]), shifted(s[j])),
                   "a factor": Equation(shifted(t * s[j]), shifted(s[j]))})
def _(statement):
    return same(statement.left, statement.right)


# Several heads ----------------------------------------------------------------------------------------------------------

def row(*blocks):
    return BlockMatrix([list(blocks)])


def column(*blocks):
    return BlockMatrix([[block] for block in blocks])


TWO_BLOCKS = "More heads come from splitting a block again."
X_1, X_2 = MatrixSymbol("X_1", N, D_1), MatrixSymbol("X_2", N, D_2)
W_11, W_12, W_21, W_22 = (MatrixSymbol(f"W_{m}{n}", rows, columns)
                          for m, rows in ((1, d_1), (2, d_2)) for n, columns in ((1, D_1), (2, D_2)))
PROJECTED = row(X_1, X_2) * BlockMatrix([[W_11, W_12], [W_21, W_22]]).T


@claim("each-head-reads-every-column",
       statement=Equation(PROJECTED, row(X_1 * W_11.T + X_2 * W_12.T, X_1 * W_21.T + X_2 * W_22.T)),
       scope="general", over="two heads; all $N, D_n, d_h$",
       false_twin={"the input split as well": Equation(PROJECTED, row(X_1 * W_11.T, X_2 * W_22.T)),
                   "part of it for head 2": Equation(PROJECTED, row(X_1 * W_11.T + X_2 * W_12.T, X_2 * W_22.T))},
       by_hand=TWO_BLOCKS)
def _(statement):
    return equal(statement.left, statement.right)


@claim("rows-per-head",
       statement=Equation(H - D / H, (H ** 2 - D) / H),
       scope="general", over="all $D, H$",
       false_twin={"no square": Equation(H - D / H, (H - D) / H), "the sign": Equation(H - D / H, (D - H ** 2) / H)},
       by_hand="a fraction is zero exactly if its numerator is")
def _(statement):
    return same(statement.left, statement.right)


q_1, q_2, k_1, k_2 = (MatrixSymbol(f"{letter}_{n}", rows, 1) for letter in "qk" for n, rows in ((1, d_1), (2, d_2)))
STACKED = column(q_1, q_2).T * column(k_1, k_2)


@claim("dot-product-over-heads",
       statement=Equation(STACKED, q_1.T * k_1 + q_2.T * k_2),
       scope="general", over="two heads; all $d_1, d_2$",
       false_twin={"one head only": Equation(STACKED, q_1.T * k_1), "a sign": Equation(STACKED, q_1.T * k_1 - q_2.T * k_2)},
       by_hand=TWO_BLOCKS)
def _(statement):
    return equal(statement.left, statement.right)


LOGITS = Sum(s[h, i, j], (h, 1, H))


@claim("logit-is-a-sum-over-heads",
       statement=Equation(s[i, j], LOGITS / sqrt(H)),
       scope="general", over="all $H, d_h$",
       false_twin={"the mean": Equation(s[i, j], LOGITS / H), "the plain sum": Equation(s[i, j], LOGITS)})
def _(statement):
    return same(put(statement.left, s, scaled_logit), put(statement.right, s, scaled_logit))


def scaled_logit(*index):
    """s[h, i, j] over the d_h entries of head h and s[i, j] over all H d_h entries, each over the root of their number."""
    if len(index) == 3:
        n, i, j = index
        return Sum(q[n, i, r] * key[n, j, r], (r, 1, d_h)) / sqrt(d_h)
    i, j = index
    return Sum(Sum(q[b, i, r] * key[b, j, r], (r, 1, d_h)), (b, 1, H)) / sqrt(H * d_h)


def pool(exponent):
    """prod_h a_hij^exponent, normalised over j."""
    return Product(a[h, i, j] ** exponent, (h, 1, H)) / Sum(Product(a[h, i, k] ** exponent, (h, 1, H)), (k, 1, M))


@claim("one-head-is-a-geometric-pool",
       statement=Equation(a[i, j], pool(1 / sqrt(H))),
       scope="general", over="all $H, M$",
       false_twin={"the geometric mean": Equation(a[i, j], pool(1 / H)), "the plain product": Equation(a[i, j], pool(1)),
                   "the arithmetic mean": Equation(a[i, j], Sum(a[h, i, j], (h, 1, H)) / H),
                   "not normalised": Equation(a[i, j], Product(a[h, i, j] ** (1 / sqrt(H)), (h, 1, H)))})
def _(statement):
    return same(*(put(put(side, a, softmax), s, summed_logit) for side in (statement.left, statement.right)))


SHARPENED = exp(sqrt(H) * s[i, j]) / Sum(exp(sqrt(H) * s[i, k]), (k, 1, M))


@claim("agreeing-heads-sharpen",
       statement=Equation(pool(1 / sqrt(H)), SHARPENED),
       scope="general", over="all $H, M$",
       false_twin={"by the power $H$": Equation(pool(1 / sqrt(H)), SHARPENED.subs(sqrt(H), H)),
                   "not at all": Equation(pool(1 / sqrt(H)), softmax(i, j)),
                   "the geometric mean": Equation(pool(1 / H), SHARPENED)},
       by_hand=r"On the left all heads have the logits $s_{h,i,j} = s_{i,j}$")
def _(statement):
    def agreed(*index):
        return s[index[-2:]]
    return same(put(put(statement.left, a, softmax), s, agreed), statement.right)


def summed_logit(*index):
    """s[i, j] as what logit-is-a-sum-over-heads makes of it."""
    return s[index] if len(index) == 3 else Sum(s[(b, *index)], (b, 1, H)) / sqrt(H)


A, A_1, A_2 = (MatrixSymbol(name, N, N) for name in ("A", "A_1", "A_2"))
V_1, V_2 = MatrixSymbol("V_1", N, d_1), MatrixSymbol("V_2", N, d_2)
DIFFERENCE = A * row(V_1, V_2) - row(A_1 * V_1, A_2 * V_2)


@claim("where-one-head-and-two-differ",
       statement=Equation(DIFFERENCE, row((A - A_1) * V_1, (A - A_2) * V_2)),
       scope="general", over="two heads; all $N, d_1, d_2$",
       false_twin={"the heads exchanged": Equation(DIFFERENCE, row((A - A_2) * V_1, (A - A_1) * V_2)),
                   "no difference": Equation(DIFFERENCE, row(0 * V_1, 0 * V_2))},
       by_hand=TWO_BLOCKS)
def _(statement):
    return equal(statement.left, statement.right)


AGREED = Add(Sum(s[h, i, j], (h, 1, H)) / sqrt(H), -Sum(s[h, i, k], (h, 1, H)) / sqrt(H), evaluate=False)
GAP = Add(s[i, j], -s[i, k], evaluate=False)


@claim("agreement-means-uniform-weights",
       statement=Equation(AGREED, Mul(sqrt(H), GAP, evaluate=False)),
       scope="general", over="all $H$",
       false_twin={"no root": Equation(AGREED, Mul(H, GAP, evaluate=False)), "the mean of the heads": Equation(AGREED, GAP)},
       by_hand=r"the left side is $s_{i,j} - s_{i,k}$ too, so all logits of a row are equal when $H > 1$")
def _(statement):
    return same(put(statement.left, s, agreeing_logit), put(statement.right, s, agreeing_logit))


def agreeing_logit(*index):
    """s[h, i, j] = s[i, j] + w[h, i]: the weights of head h are those of the single head."""
    return s[index] if len(index) == 2 else s[index[1:]] + w[index[:2]]


W_v1, W_v2 = MatrixSymbol("W_v1", d_1, D), MatrixSymbol("W_v2", d_2, D)
W_o1, W_o2 = MatrixSymbol("W_o1", D, d_1), MatrixSymbol("W_o2", D, d_2)
HEAD_1, HEAD_2 = A_1 * X * W_v1.T, A_2 * X * W_v2.T
MIXED = row(HEAD_1, HEAD_2) * row(W_o1, W_o2).T


@claim("mixing-is-a-sum-over-heads",
       statement=Equation(MIXED, HEAD_1 * W_o1.T + HEAD_2 * W_o2.T),
       scope="general", over="two heads; all $N, D, d_1, d_2$",
       false_twin={"a head lost": Equation(MIXED, HEAD_1 * W_o1.T),
                   "the weights of head 1 in both": Equation(MIXED, HEAD_1 * W_o1.T + A_1 * X * W_v2.T * W_o2.T),
                   "a sign": Equation(MIXED, HEAD_1 * W_o1.T - HEAD_2 * W_o2.T)},
       by_hand=TWO_BLOCKS)
def _(statement):
    return equal(statement.left, statement.right)


# Permutations -----------------------------------------------------------------------------------------------------------

def weight(i, j, token):
    """a_ij from the inputs: x[token(i)] is the input in place i, W[b, c] stands for W_q^T W_k / sqrt(d)."""
    logit = lambda i, j: Sum(Sum(x[token(i), b] * W[b, c] * x[token(j), c], (b, 1, D)), (c, 1, D))
    return exp(logit(i, j)) / Sum(exp(logit(i, k)), (k, 1, N))


def output(i, token):
    """One entry of y_i, with w the row of W_v that belongs to it."""
    return Sum(weight(i, j, token) * Sum(w[b] * x[token(j), b], (b, 1, D)), (j, 1, N))


def stay(i):
    return i


a_moved, y_moved = IndexedBase("a'"), IndexedBase("y'")  # from the tokens x[p(1)], x[p(2)], ...


def same_from_inputs(statement):
    """True if both sides agree when weights and outputs are computed from the tokens."""
    meanings = {a: lambda i, j: weight(i, j, stay), a_moved: lambda i, j: weight(i, j, p),
                y: lambda i: output(i, stay), y_moved: lambda i: output(i, p)}
    left, right = statement.left, statement.right
    for base, meaning in meanings.items():
        left, right = put(left, base, meaning), put(right, base, meaning)
    return same(left, right)


@claim("weights-are-equivariant",
       statement=Equation(a_moved[i, j], a[p(i), p(j)]),
       scope="general", over="one head; all $N, D, d$",
       false_twin={"only the rows": Equation(a_moved[i, j], a[p(i), j]), "only the columns": Equation(a_moved[i, j], a[i, p(j)]),
                   "transposed": Equation(a_moved[i, j], a[p(j), p(i)])},
       by_hand=r"Primes: from the inputs $\vec{x}_{p(i)}$, the rows of $\mat{\Pi}\mat{X}$. Each head alike.")
def _(statement):
    return same_from_inputs(statement)


@claim("attention-is-equivariant",
       statement=Equation(y_moved[i], y[p(i)]),
       scope="general", over="one head; all $N, D, d$",
       false_twin={"invariant": Equation(y_moved[i], y[i]), "moved twice": Equation(y_moved[i], y[p(p(i))])},
       by_hand=r"Each head alike; concatenation and $\mat{W}_o$ act on each row alone.")
def _(statement):
    return same_from_inputs(statement)


MOVES = {  # what a permutation does to the outputs Y (N, D_out) and to the weights A (H, N, N)
    r"\mat{\Pi}\mat{Y}": lambda Y, order: Y[order],
    r"\mat{Y}": lambda Y, order: Y,
    r"\mat{\Pi}\T\mat{Y}": lambda Y, order: Y[np.argsort(order)],
    r"\mat{\Pi}\mat{A}_h\mat{\Pi}\T": lambda A, order: A[:, order][:, :, order],
    r"\mat{\Pi}\mat{A}_h": lambda A, order: A[:, order],
}


def permuted(Y=r"\mat{\Pi}\mat{Y}", A=r"\mat{\Pi}\mat{A}_h\mat{\Pi}\T"):
    return Worded(rf"$\mat{{Y}}(\mat{{\Pi}}\mat{{X}}) = {Y}$, $\mat{{A}}_h(\mat{{\Pi}}\mat{{X}}) = {A}$", (Y, A))


@claim("all-permutations",
       statement=permuted(),
       scope="numeric", over=r"$10^{-12}$, $N = 4$, $H = 1, 2$",
       false_twin={"invariant": permuted(Y=r"\mat{Y}"), "the inverse permutation": permuted(Y=r"\mat{\Pi}\T\mat{Y}"),
                   "only the rows of the weights": permuted(A=r"\mat{\Pi}\mat{A}_h")})
def _(statement):
    move_Y, move_A = (MOVES[name] for name in statement.value)
    X, *weights = small_case()
    for n_heads in (1, 2):
        Y, A = multi_head_self_attention(X, *weights, n_heads)
        for order in map(list, permutations(range(len(X)))):
            Y_moved, A_moved = multi_head_self_attention(X[order], *weights, n_heads)
            if deviation(Y_moved, move_Y(Y, order)) > 1e-12 or deviation(A_moved, move_A(A, order)) > 1e-12:
                return False
    return True


def small_case():
    """X (4, 6), W_q (8, 6), W_k (8, 6), W_v (10, 6), W_o (5, 10): random, no two sizes equal that could be mistaken."""
    rng = np.random.default_rng(4)
    return [rng.standard_normal(shape) for shape in [(4, 6), (8, 6), (8, 6), (10, 6), (5, 10)]]


def deviation(left, right):
    return float(np.abs(left - right).max())


@claim("positions-break-equivariance",
       statement=Worded(r"$\mat{Y}(\mat{\Pi}\mat{X} + \mat{E}) \ne \mat{\Pi}\mat{Y}(\mat{X} + \mat{E})$ "
                        r"for the rows $\mat{E}$ of an identity matrix and a swap $\mat{\Pi}$",
                        tuple(map(tuple, np.eye(4, 6)))),
       scope="numeric", over="by more than $0.1$, $N = 4$, $H = 1, 2$",
       false_twin={"no embeddings": Worded(r"the same with $\mat{E} = \mat{0}$", tuple(map(tuple, np.zeros((4, 6))))),
                   "one embedding for all": Worded(r"the same with equal rows of $\mat{E}$", ((1, 0, 0, 0, 0, 0),) * 4)})
def _(statement):
    X, *weights = small_case()
    E, swap = np.array(statement.value), [1, 0, 2, 3]
    apart = [deviation(multi_head_self_attention(X[swap] + E, *weights, n_heads)[0],
                       multi_head_self_attention(X + E, *weights, n_heads)[0][swap]) for n_heads in (1, 2)]
    return min(apart) > 0.1


@claim("mean-pooling-is-invariant",
       statement=Equation(Sum(y[p(i)], (i, 1, N)) / N, Sum(y[i], (i, 1, N)) / N),
       scope="general", over="all $N$",
       false_twin={"one output instead of the mean": Equation(y[p(1)], y[1]),
                   "a weight for each place": Equation(Sum(w[i] * y[p(i)], (i, 1, N)), Sum(w[i] * y[i], (i, 1, N)))})
def _(statement):
    return same(statement.left, statement.right)


# A softmax in blocks ----------------------------------------------------------------------------------------------------

def merge(first, second, largest=Max):
    """Two states (m, l, o) as one: m the largest logit, l the sum of exp(s - m), o the sum of exp(s - m) v."""
    (m_1, l_1, o_1), (m_2, l_2, o_2) = first, second
    m = largest(m_1, m_2)
    return m, exp(m_1 - m) * l_1 + exp(m_2 - m) * l_2, exp(m_1 - m) * o_1 + exp(m_2 - m) * o_2


def merge_at_the_first(first, second):
    return merge(first, second, largest=lambda m_1, m_2: m_1)


def merge_at_the_mean(first, second):
    return merge(first, second, largest=lambda m_1, m_2: (m_1 + m_2) / 2)


def merge_forgetting_outputs(first, second):
    """The old output kept at its old scale: the usual slip."""
    m, total, _ = merge(first, second)
    return m, total, first[2] + exp(second[0] - m) * second[2]


def merge_forgetting_sums(first, second):
    m, _, output = merge(first, second)
    return m, first[1] + second[1], output


def same_states(left, right):
    return all(same(e, f) for e, f in zip(left, right, strict=True))


NEUTRAL = (-oo, 0, 0)
LAWS = {  # of a way to join states, and a state
    "commutative": lambda join, _, e, f, g: (join(e, f), join(f, e)),
    "associative": lambda join, _, e, f, g: (join(join(e, f), g), join(e, join(f, g))),
    "idempotent": lambda join, _, e, f, g: (join(e, e), e),
    "with the neutral state": lambda join, neutral, e, f, g: (join(e, neutral), e),
}


def merging(laws=("commutative", "associative", "with the neutral state"), join=merge, neutral=NEUTRAL, how=""):
    """The statement that three laws hold, named in the text as they are checked."""
    state = ", ".join(map(tex, map(sympify, neutral)))
    return Worded(rf"merging states $(m, l, \vec{{o}})$ {how}is {', '.join(laws)} $({state})$", (join, neutral, laws))


@claim("merging-is-order-free",
       statement=merging(),
       scope="general", over="all finite states",
       false_twin={"the first maximum kept": merging(join=merge_at_the_first, how="at the first maximum "),
                   "the mean of the maxima": merging(join=merge_at_the_mean, how="at the mean "),
                   "neutral at zero": merging(neutral=(0, 0, 0)),
                   "idempotent": merging(laws=("commutative", "associative", "idempotent"))})
def _(statement):
    join, neutral, laws = statement.value
    states = [symbols(f"m_{n} l_{n} o_{n}", real=True) for n in (1, 2, 3)]
    return len(laws) == 3 and all(same_states(*LAWS[law](join, neutral, *states)) for law in laws)


@claim("merging-gives-the-softmax",
       statement=Worded(r"the merged $\vec{o} / l$ is $\sum_j a_j \vec{v}_j$ over the tokens of all blocks", merge),
       scope="general", over="three blocks of all sizes, any $m$",
       false_twin={"the old output not rescaled": Worded("without rescaling $\\vec{o}$", merge_forgetting_outputs),
                   "the sums not rescaled": Worded("without rescaling $l$", merge_forgetting_sums)},
       by_hand="More blocks come from merging again.")
def _(statement):
    blocks = [(1, M_1), (2, M_2), (3, M_3)]
    first, second, third = (state(n, size, y[n]) for n, size in blocks)
    _, l, o = statement.value(statement.value(first, second), third)
    _, sums, outputs = zip(*(state(n, size, 0) for n, size in blocks))
    return same(o / l, Add(*outputs) / Add(*sums))


def state(n, size, m):
    """The state of block n, with any m in the place of its largest logit."""
    e = exp(z[n, j] - m)
    return m, Sum(e, (j, 1, size)), Sum(e * v[n, j], (j, 1, size))
