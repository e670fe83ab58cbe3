"""The word calculus: it accepts what is true, rejects what is false, and agrees with numbers."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sympy import (BlockMatrix, HadamardProduct, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixSymbol, Pow, S, Symbol, Trace,
                   Transpose, Tuple, ZeroMatrix, simplify, sqrt, symbols, sympify)

from proofs.matrices import SquaredNorm, equal, notation, pairwise, tex

n, m, k = symbols("n m k", integer=True, positive=True)
A, B, C = MatrixSymbol("A", n, m), MatrixSymbol("B", m, k), MatrixSymbol("C", n, m)
M, L = MatrixSymbol("M", n, n), MatrixSymbol("L", n, n)
x, y, z = MatrixSymbol("x", n, 1), MatrixSymbol("y", n, 1), MatrixSymbol("z", m, 1)
I = Identity

TRUE = {
    "sum times sum": ((A + C).T * M * (A - C), A.T * M * A - A.T * M * C + C.T * M * A - C.T * M * C),
    "square": ((M + I(n))**2, M * M + 2 * M + I(n)),
    "transpose of a product": (Transpose(MatMul(A, B)), B.T * A.T),
    "a number is its transpose": (x.T * M * y, y.T * M.T * x),
    "a number commutes": (x * (y.T * A * z) * x.T, Trace(z.T * A.T * y) * (x * x.T)),
    "an inner product inside": (x * x.T * y * z.T, Trace(y * x.T) * x * z.T),
    "a trace rotates": (Trace(A.T * M * A), Trace(A * A.T * M)),
    "a trace of the transpose": (Trace(M * L), Trace(L.T * M.T)),
    "a trace of a rank-one product": (Trace(M * x * y.T), y.T * M * x),
    "a trace of a cut product": (Trace(x * z.T * A.T * y * x.T * M), (z.T * A.T * y) * (x.T * M * x)),
    "a product of traces": (Trace(M)**2 * L, MatMul(Trace(M.T), Trace(M), L)),
    "a power of one": (MatPow(M, 1), M),
    "a trace to the power of one": (Pow(Trace(M), 1, evaluate=False), Trace(M)),
    "a norm": (SquaredNorm(A + C), SquaredNorm(A) + 2 * Trace(A.T * C) + SquaredNorm(C)),
    "rational coefficients": (n / (n + 1) * M + 1 / (n + 1) * M, M),
    "surds": ((sqrt(2) - 1) * (sqrt(2) + 1) * M, M),
    "an inverse": (Inverse(M) * (M + L) * Inverse(L), Inverse(L) + Inverse(M)),
    "an inverse and a transpose": (Inverse(M).T * M.T * x, x),
    "an inverse under a trace": (Trace(M * L * Inverse(M)), Trace(L)),
    "nothing": (A - A, ZeroMatrix(n, m)),
    "blocks": (MatMul(BlockMatrix([[A, M]]), BlockMatrix([[z], [x]])), A * z + M * x),
    "blocks transposed": (Transpose(MatMul(BlockMatrix([[A, M]]), BlockMatrix([[z], [x]]))), z.T * A.T + x.T * M.T),
    "a table of blocks transposed": (Transpose(BlockMatrix([[M, A], [C.T, I(m)], [C.T, A.T * A]])),
                                     BlockMatrix([[M.T, C, C], [A.T, I(m), A.T * A]])),
    "a trace of blocks": (Trace(BlockMatrix([[M, A], [A.T, I(m)]])), Trace(M) + m),
}

FALSE = {
    "a missing term": ((A + C).T * M * (A - C), A.T * M * A - A.T * M * C - C.T * M * C),
    "a sign": ((A + C).T * M * (A - C), A.T * M * A - A.T * M * C - C.T * M * A - C.T * M * C),
    "a factor": ((M + I(n))**2, M * M + M + I(n)),
    "commuting matrices": ((M + L)**2, M**2 + 2 * M * L + L**2),
    "a swapped product": (M * L, L * M),
    "a forgotten transpose": (x.T * M * y, x.T * M.T * y),
    "a transpose without turning": (Transpose(MatMul(M, L)), M.T * L.T),
    "outer products swapped": (x * y.T, y * x.T),
    "an outer for an inner product": (x * y.T, (x.T * y) * I(n)),
    "vectors swapped around a matrix": (x.T * M * y, y.T * M * x),
    "numbers of other vectors": ((x.T * y) * (y.T * x), (x.T * x) * (y.T * y)),
    "a number taken from the wrong pair": (x * x.T * y * z.T, Trace(x.T * x) * y * z.T),
    "a trace of three, not rotated": (Trace(M * L * M.T), Trace(L * M * M)),
    "a trace reversed": (Trace(M * L * M * M * L * L), Trace(L * M * M * L * L * M * I(n)) + Trace(I(n)) - m),
    "a trace of a product as a product of traces": (Trace(M * L), Trace(M) * Trace(L)),
    "a trace of the wrong size": (Trace(I(n)), m),
    "a norm that forgets the cross term": (SquaredNorm(A + C), SquaredNorm(A) + SquaredNorm(C)),
    "an inverse of the wrong matrix": (Inverse(M) * L, I(n)),
    "an inverse not transposed": (Inverse(M).T * M * x, x),
    "inverses swapped": (Inverse(MatrixSymbol("M", n, n)) * L * M, L),
    "shapes": (A, A.T),
    "blocks swapped": (MatMul(BlockMatrix([[M, L]]), BlockMatrix([[x], [y]])), M * y + L * x),
    "a block forgotten": (MatMul(BlockMatrix([[A, M]]), BlockMatrix([[z], [x]])), A * z),
    "namesakes of other sizes": (Trace(A * A.T), Trace(MatrixSymbol("A", n, k) * MatrixSymbol("A", n, k).T)),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_identities_are_accepted(name):
    left, right = TRUE[name]
    assert equal(left, right) is True
    assert equal(right, left) is True


@pytest.mark.parametrize("name", FALSE)
def test_false_identities_are_rejected(name):
    left, right = FALSE[name]
    assert equal(left, right) is False
    assert equal(right, left) is False


@pytest.mark.parametrize("name", ["sum times sum", "square", "a number is its transpose", "a trace rotates"])
def test_sympys_simplify_misses_what_words_prove(name):
    left, right = TRUE[name]
    assert simplify(left - right) not in (0, ZeroMatrix(*getattr(left, "shape", (1, 1))))


def test_namesakes_of_other_sizes_are_two_matrices():
    other = MatrixSymbol("A", n, k)
    assert equal(Trace(A * A.T) * Trace(other * other.T) * x, MatMul(Trace(other.T * other), Trace(A.T * A), x))
    assert not equal(Trace(A * A.T) * Trace(other * other.T), Trace(A * A.T)**2)


# Hypotheses

P = MatrixSymbol("P", m, n)                       # n orthonormal columns
Q = MatrixSymbol("Q", n, n)
ORTHONORMAL = {(P.T, P): 1}


def test_hypotheses_reach_around_a_trace():
    assert equal(Trace(P * P.T), n, ORTHONORMAL)
    assert not equal(Trace(P * P.T), m, ORTHONORMAL)
    assert equal(Trace(M * P.T * MatrixSymbol("R", m, m) * P), Trace(P * M * P.T * MatrixSymbol("R", m, m)), ORTHONORMAL)
    assert equal(Trace(P * M * P.T), Trace(M), ORTHONORMAL)
    assert equal(m - n, SquaredNorm(I(m) - P * P.T), ORTHONORMAL)
    assert not equal(m + n, SquaredNorm(I(m) - P * P.T), ORTHONORMAL)
    assert not equal(m - n, SquaredNorm(I(m) - P * P.T))


def test_a_hypothesis_is_not_used_the_other_way_round():
    assert equal(P.T * P * x, x, ORTHONORMAL)
    assert not equal(P * P.T, I(m), ORTHONORMAL)
    assert not equal(P * P.T * z, z, ORTHONORMAL)


def test_a_hypothesis_holds_transposed():
    assert equal(L.T * Q.T, I(n), {(Q, L): 1})
    assert equal(y.T * x, 0, {(x.T, y): 0})
    assert not equal(L * Q, I(n), {(Q, L): 1})


def test_a_product_can_have_a_name():
    assert equal((Q * x).T * (L * y), x.T * M * y, {(Q.T, L): M})
    assert equal(y.T * L.T * Q * x, x.T * M * y, {Q.T * L: M})
    assert not equal((Q * x).T * (L * y), x.T * M.T * y, {(Q.T, L): M})
    assert equal(Q.T * L * M * x, 3 * M * M * x, {(Q.T, L): 3 * M})


def test_hypotheses_with_a_factor_or_a_name_reach_into_traces():
    assert equal(Trace(Q * L), 2 * n, {(Q, L): 2})
    assert equal(Trace(L * M * Q), 2 * Trace(M), {(Q, L): 2})
    assert equal(Trace(L * x * y.T * Q.T), y.T * M * x, {(Q.T, L): M})
    assert not equal(Trace(L * Q), n, {(Q, L): 2})


def test_a_hypothesis_applies_after_a_number_is_taken_out():
    w = MatrixSymbol("w", n, 1)
    assert equal(x * (z.T * A.T * y) * w.T, Trace(z.T * A.T * y) * M, {(x, w.T): M})


def test_a_longer_product_can_be_known():
    regression = MatrixSymbol("G", m, m)          # (A^T A)^-1
    assert equal(regression * A.T * (A * z + x), z + regression * A.T * x, {(regression, A.T, A): 1})


def test_a_trace_can_be_known():
    unit = {Trace(P.T * P): n}
    assert equal(SquaredNorm(P * P.T - n / m * I(m)), SquaredNorm(P.T * P) - n**2 / m, unit)
    assert not equal(SquaredNorm(P * P.T - m / n * I(m)), SquaredNorm(P.T * P) - n**2 / m, unit)
    assert not equal(SquaredNorm(P * P.T - n / m * I(m)), SquaredNorm(P.T * P) - n**2 / m)


def test_a_zero_product_removes_its_term():
    assert equal(P.T * (z + P * x), x, {**ORTHONORMAL, (P.T, z): ZeroMatrix(n, 1)})
    assert not equal(P.T * (z + P * x), x, ORTHONORMAL)
    assert equal(A * B, ZeroMatrix(n, k), {(A, B): 0})                    # not square, so no multiple of the identity


def test_symmetry_is_used_only_where_given():
    S = MatrixSymbol("S", n, n)
    assert equal(x.T * S * y, y.T * S * x, symmetric=[S])
    assert equal(Trace(S * M), Trace(S * M.T), symmetric=[S])
    assert equal(Inverse(S).T, Inverse(S), symmetric=[S])
    assert equal(Trace(S.T * M), n, {(S, M): 1}, symmetric=[S])
    assert not equal(x.T * S * y, y.T * S * x, symmetric=[M])
    assert not equal(Trace(S * M), Trace(S * M.T))
    assert not equal(S * M, M * S, symmetric=[S])
    assert not equal(S, S.T, symmetric=[MatrixSymbol("S", m, m)])


@pytest.mark.parametrize("hypothesis, said", [
    ({(A, B): 1}, "A*B has n rows and k columns"),
    ({(M, L): M * L}, "M*L cannot stand for 2 letters"),
    ({(M, L): M + L}, "L + M cannot stand for 2 letters"),
    ({(A, B): M}, "M cannot stand for 2 letters"),
    ({M + L: 1}, "not about one product"),
    ({2 * M * L: 1}, "not about one product"),
    ({Trace(M) * L: M}, "not about one product"),
    ({2 * Trace(M): 1}, "not about one product"),
    ({(M, L): Trace(M) * M}, "cannot stand for 2 letters"),
])
def test_hypotheses_that_do_not_fit_are_refused(hypothesis, said):
    with pytest.raises(ValueError, match=said.replace("*", r"\*").replace("+", r"\+")):
        equal(M, L, hypothesis)


def test_tuples_are_compared_one_by_one_and_none_is_left_out():
    assert pairwise(equal, Tuple(A, n), Tuple(A, n)) and pairwise(equal, Tuple(A), Tuple(A))
    assert not pairwise(equal, Tuple(A, n), Tuple(A, m))
    for left, right in [(Tuple(A, n), Tuple(A)), (Tuple(A), Tuple(A, n)), (Tuple(), Tuple()), (Tuple(A), A), (A, Tuple(A)),
                        (A, A)]:
        assert pairwise(equal, left, right) is False


# What has no words is refused, never guessed

@pytest.mark.parametrize("expression, unknown", [
    (HadamardProduct(M, L), "HadamardProduct"), (MatPow(M, Symbol("r")), "MatPow"), (Inverse(A * A.T), "Inverse"),
    (M[0, 0] * M, "MatrixElement"), (Trace(M)**-1, "Pow"), (sqrt(Trace(M)), "Pow"), (Pow(Trace(M), 0, evaluate=False), "Pow"),
    (Symbol("q", commutative=False), "Symbol"), (MatPow(M, -2), "MatPow"), (MatPow(M, 0), "MatPow")], ids=str)
def test_what_has_no_words_is_refused(expression, unknown):
    with pytest.raises(TypeError, match=f"^no words for {unknown} "):
        equal(expression, expression)


def test_a_product_that_sympy_lets_pass_is_refused():
    mismatch = (x.T * x) * y                       # (1, 1) times (n, 1): SymPy does not compare symbolic sizes
    with pytest.raises(ValueError, match=r"widths \(1,\) meet blocks of heights \(n,\)"):
        equal(mismatch, mismatch)


def test_blocks_that_do_not_meet_are_refused():
    wide, tall = BlockMatrix([[A, M]]), BlockMatrix([[x], [z]])      # widths m, n against heights n, m
    with pytest.raises(ValueError, match=r"widths \(m, n\) meet blocks of heights \(n, m\)"):
        equal(MatMul(wide, tall), x)
    with pytest.raises(ValueError, match="beside"):
        equal(wide, MatrixSymbol("W", n, n + m))
    for inner in (wide, tall):
        with pytest.raises(TypeError, match="^no words for blocks inside blocks$"):
            equal(BlockMatrix([[inner, inner]]), BlockMatrix([[inner, inner]]))
    with pytest.raises(ValueError, match="a trace of blocks"):
        equal(Trace(BlockMatrix([[A, M], [I(m), A.T]])), 0)


# SymPy's silent mistakes do not come through

def test_a_wrong_derivative_is_seen():
    W = MatrixSymbol("W", n, m)
    gradient = x * z.T
    assert equal(Trace(x.T * W * z).diff(W), gradient)
    silently_wrong = (x.T * W * z)[0, 0].diff(W)
    assert not equal(silently_wrong, gradient)
    assert silently_wrong == ZeroMatrix(n, m) or silently_wrong == 0       # if this fails, SymPy was mended
    wrong_too = (Trace(M) + 1).diff(M)
    assert not equal(wrong_too, I(n))


def test_a_power_still_expands():
    power = (M + M.T) * (M + M.T)
    assert isinstance(power, MatPow) and power.expand() == power           # SymPy stops here
    assert equal(power, M * M + M * M.T + M.T * M + M.T * M.T)
    assert not equal(power, M * M + 2 * M * M.T + M.T * M.T)


def test_a_one_by_one_matrix_is_a_number_and_a_square_one_is_not():
    assert (x.T * M * y) != (x.T * M * y).T                                 # SymPy sees two things
    assert equal(x.T * M * y, (x.T * M * y).T)
    assert equal(x.T * y, Trace(x.T * y)) and equal(I(1), 1)
    assert not equal(I(n), 1) and not equal(M, M.T) and not equal(M, Trace(M))


# Numbers decide whether the calculus is right

LETTERS = [A, B, C, M, L, x, y, z, MatrixSymbol("w", k, 1)]
NUMBERS = {n: 3, m: 4, k: 5, S.One: 1}
NUMBERS |= {letter: np.random.default_rng(i).standard_normal([NUMBERS[side] for side in letter.shape])
            for i, letter in enumerate(LETTERS)}


def value(e):
    """The expression at random matrices of different sizes, by NumPy."""
    if isinstance(e, (MatrixSymbol, Symbol)):
        return NUMBERS[e]
    if isinstance(e, Identity):
        return np.eye(NUMBERS[e.rows])
    if isinstance(e, ZeroMatrix):
        return np.zeros([NUMBERS[side] for side in e.shape])
    if isinstance(e, BlockMatrix):
        return np.block([[value(block) for block in row] for row in e.blocks.tolist()])
    if e.is_number:
        return float(e)
    parts = [value(arg) for arg in e.args]
    if isinstance(e, Trace):
        return np.trace(parts[0])
    if isinstance(e, SquaredNorm):
        return (parts[0] ** 2).sum()
    if isinstance(e, Transpose):
        return parts[0].T
    if isinstance(e, Inverse):
        return np.linalg.inv(parts[0])
    if isinstance(e, MatPow):
        return np.linalg.matrix_power(parts[0], int(parts[1]))
    if isinstance(e, Pow):
        return parts[0] ** parts[1]
    if e.is_Add or e.is_MatAdd:
        return sum(parts)
    return reduce(lambda a, b: a @ b if np.ndim(a) and np.ndim(b) else a * b, parts)


def agree(a, b):
    """True if two expressions have the same values, up to rounding."""
    left, right = (np.atleast_2d(value(sympify(e))) for e in (a, b))
    return left.shape == right.shape and np.allclose(left, right, rtol=1e-9, atol=1e-9 * (1 + np.abs(left).max()))


def by_shape(rows, cols):
    return [e for letter in LETTERS for e in (letter, letter.T) if e.shape == (rows, cols)]


SIDES = [n, m, k, 1]


@st.composite
def expressions(draw, rows, cols, depth=2):
    """A random expression of a given shape."""
    leaves = by_shape(rows, cols) + ([I(rows)] if rows == cols and rows != 1 else [])
    kinds = ["leaf"] * bool(leaves) + (["product", "sum", "transpose", "number", "trace"] if depth else [])
    kind = draw(st.sampled_from(kinds or ["product"]))
    if kind == "leaf":
        return draw(st.sampled_from(leaves))
    below = max(depth - 1, 0)
    if kind == "product":
        middle = draw(st.sampled_from([side for side in SIDES if depth or by_shape(rows, side) and by_shape(side, cols)]))
        return MatMul(draw(expressions(rows, middle, below)), draw(expressions(middle, cols, below)))
    if kind == "transpose":
        return Transpose(draw(expressions(cols, rows, below)))
    inner = draw(expressions(rows, cols, below))
    if kind == "sum":
        return MatAdd(inner, draw(expressions(rows, cols, below)))
    if kind == "number":
        return MatMul(draw(st.sampled_from([-2, -1, 3])), inner)
    side = draw(st.sampled_from([n, m]))
    return MatMul(Trace(draw(expressions(side, side, below))), inner)


shapes = st.sampled_from([(n, n), (n, m), (m, k), (n, 1), (1, 1)])
pairs = shapes.flatmap(lambda shape: st.tuples(expressions(*shape), expressions(*shape)))


@settings(max_examples=80)
@given(pairs)
def test_words_agree_with_numbers(pair):
    a, b = pair
    assert equal(a, b) is agree(a, b)
    assert equal(MatMul(a, b.T), Transpose(MatMul(b, a.T)))
    assert equal(Trace(MatMul(a, b.T)), Trace(MatMul(b.T, a)))
    assert equal(MatAdd(a, b).doit(), MatAdd(b, a).doit().expand())
    assert equal(MatAdd(a, b), a) is agree(MatAdd(a, b), a)


@settings(max_examples=80)
@given(pairs)
def test_a_perturbed_identity_is_rejected_exactly_when_the_numbers_differ(pair):
    a, b = pair
    square = MatMul(MatAdd(a, b), Transpose(MatAdd(a, b)))
    expanded = MatAdd(MatMul(a, a.T), MatMul(a, b.T), MatMul(b, a.T), MatMul(b, b.T))
    mirrored = MatAdd(MatMul(a, a.T), MatMul(2, a, b.T), MatMul(b, b.T))       # true only if a b^T is symmetric
    assert equal(square, expanded)
    assert equal(square, mirrored) is agree(square, mirrored)


@pytest.mark.parametrize("name", TRUE)
def test_the_true_examples_are_true_in_numbers(name):
    assert agree(*TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_the_false_examples_are_false_in_numbers(name):
    if name != "namesakes of other sizes":
        assert not agree(*FALSE[name])


# Typesetting

@pytest.mark.parametrize("expression, latex", [
    (MatAdd(x, MatMul(-1, y), evaluate=False), r"\mathbf{x} - \mathbf{y}"),
    (MatAdd(y, x, evaluate=False), r"\mathbf{y} + \mathbf{x}"),
    (MatAdd(M, -n / m * I(n), evaluate=False), r"\mathbf{M} - \frac{n}{m} \mathbf{I}"),
    (MatrixSymbol("W_q^x", n, m).T, r"\mathbf{W}^{x\,\mathsf{T}}_{q}"),
    (MatrixSymbol("W_q", n, m).T, r"\mathbf{W}_{q}^{\mathsf{T}}"),
    (Transpose(MatMul(M, x)), r"\left(\mathbf{M} \mathbf{x}\right)^{\mathsf{T}}"),
    (Transpose(BlockMatrix([[M, L]])), r"\left[\begin{matrix}\mathbf{M} & \mathbf{L}\end{matrix}\right]^{\mathsf{T}}"),
    (SquaredNorm(A), r"\left\lVert \mathbf{A} \right\rVert_{F}^{2}"),
    (SquaredNorm(x), r"\left\lVert \mathbf{x} \right\rVert^{2}"),
    (Trace(M), r"\operatorname{tr}\left(\mathbf{M} \right)"),
], ids=str)
def test_expressions_are_typeset_as_written(expression, latex):
    assert tex(expression) == latex


def test_notation_is_typeset_by_its_template():
    given = notation("Given", r"E[#1 \mid #2]")
    assert tex(given(n, m)) == r"E[n \mid m]"
    assert tex(given(n, m)**2) == r"E[n \mid m]^{2}"
    assert tex(notation("All", "f(#*)")(n, m, k)) == r"f(n,\, m,\, k)"
