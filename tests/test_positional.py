"""Exercise 1: the functions against loops and exact values, the claims against their own deletions."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sympy import Add, Inverse, MatAdd, MatMul, Matrix, MatrixBase, Mul, S, Sum, Tuple, symbols

from proofs import positional as claims
from proofs.ledger import CLAIMS, Equation, verify
from proofs.matrices import equal
from solutions.positional import (addition_terms, concatenation_terms, frequencies, logits, one_hot, orthogonal_embeddings,
                                  random_cosines, simplex, sinusoidal, welch_bound)

NAMES = [name for name, claim in CLAIMS.items() if claim.exercise == "positional"]


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# Orthogonal embeddings

@pytest.mark.parametrize("n, dim", [(1, 1), (1, 4), (3, 5), (5, 5)])
def test_orthogonal_embeddings_are_orthonormal_rows(n, dim):
    P = orthogonal_embeddings(n, dim)
    assert P.shape == (n, dim)
    np.testing.assert_allclose(P @ P.T, np.eye(n), atol=1e-14)


def test_orthogonal_embeddings_are_not_the_one_hot_ones():
    assert np.count_nonzero(np.abs(orthogonal_embeddings(3, 5)) > 1e-3) == 15


@pytest.mark.parametrize("n, dim", [(6, 5), (2, 1), (0, 3), (-1, 3)])
def test_too_many_or_too_few_orthogonal_embeddings_are_refused_with_both_numbers(n, dim):
    with pytest.raises(ValueError, match=f"^{n} nonzero orthogonal vectors in {dim} dimensions"):
        orthogonal_embeddings(n, dim)


# Simplex and Welch bound

@pytest.mark.parametrize("dim", [1, 2, 3, 7])
def test_the_simplex_has_unit_vectors_with_cosines_minus_one_over_dim(dim):
    P = simplex(dim)
    assert P.shape == (dim + 1, dim)
    np.testing.assert_allclose(P @ P.T, (1 + 1 / dim) * np.eye(dim + 1) - 1 / dim, atol=1e-14)


@pytest.mark.parametrize("dim", [1, 2, 3, 7])
def test_the_simplex_attains_the_welch_bound(dim):
    assert welch_bound(dim + 1, dim) == pytest.approx(1 / dim, rel=1e-14)


def test_the_welch_bound_has_its_known_values():
    assert welch_bound(6, 3) == pytest.approx(1 / math.sqrt(5), rel=1e-15)     # the six diagonals of the icosahedron
    assert welch_bound(9, 3) == pytest.approx(0.5, rel=1e-15)
    assert welch_bound(3, 3) == welch_bound(2, 5) == welch_bound(1, 1) == 0.0


def test_the_icosahedron_attains_the_welch_bound():
    golden = (1 + math.sqrt(5)) / 2
    P = np.array([[0, 1, golden], [0, 1, -golden], [1, golden, 0], [1, -golden, 0], [golden, 0, 1], [-golden, 0, 1]])
    P /= np.linalg.norm(P, axis=1, keepdims=True)
    assert coherence(P) == pytest.approx(welch_bound(6, 3), rel=1e-14)


def coherence(P):
    """The largest |cosine| between two rows."""
    P = P / np.linalg.norm(P, axis=1, keepdims=True)
    return np.abs(P @ P.T - np.eye(len(P))).max()


@given(st.integers(2, 12), st.integers(1, 8), st.integers(0, 1000))
def test_no_vectors_beat_the_welch_bound(n, dim, seed):
    assert coherence(random(n, dim, seed=seed)) >= welch_bound(n, dim) - 1e-12


@pytest.mark.parametrize("call, said", [
    (lambda: simplex(0), "0 dimensions"), (lambda: welch_bound(0, 3), "0 vectors in 3 dimensions"),
    (lambda: welch_bound(3, 0), "3 vectors in 0 dimensions"),
    (lambda: frequencies(5), "in 5 dimensions"), (lambda: frequencies(0), "in 0 dimensions"),
    (lambda: sinusoidal(4, 3), "in 3 dimensions")])
def test_impossible_sizes_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("dim", [2, 5, 80])
def test_random_cosines_have_mean_zero_and_variance_one_over_dim(dim):
    cosines = random_cosines(dim, 4000)
    assert cosines.shape == (4000,) and np.abs(cosines).max() <= 1
    assert abs(cosines.mean()) < 4 / math.sqrt(4000 * dim)
    assert cosines.var() == pytest.approx(1 / dim, rel=0.1)                    # five standard errors and more


# One-hot and sinusoidal embeddings

def test_one_hot_embeddings():
    np.testing.assert_array_equal(one_hot(3), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    W = random(2, 4)
    np.testing.assert_array_equal(W @ one_hot(4)[2], W[:, 2])


def test_sinusoids_against_the_formula():
    P = sinusoidal(7, 6)
    assert P.shape == (7, 6)
    for t in range(7):
        for m in range(3):
            assert P[t, 2 * m] == pytest.approx(math.sin(t / 10000 ** (2 * m / 6)), abs=1e-15)
            assert P[t, 2 * m + 1] == pytest.approx(math.cos(t / 10000 ** (2 * m / 6)), abs=1e-15)


def test_a_shift_of_sinusoids_is_one_rotation():
    P, h = sinusoidal(9, 6), 2
    R = np.zeros((6, 6))
    for m, w in enumerate(frequencies(6)):
        R[2 * m:2 * m + 2, 2 * m:2 * m + 2] = [[math.cos(w * h), math.sin(w * h)], [-math.sin(w * h), math.cos(w * h)]]
    np.testing.assert_allclose(P[:-h] @ R.T, P[h:], atol=1e-14)
    np.testing.assert_allclose((P**2).sum(axis=1), 3, atol=1e-14)
    np.testing.assert_allclose(np.diag(P @ P.T, 2), np.cos(2 * frequencies(6)).sum(), atol=1e-14)


@pytest.mark.parametrize("K", [1, 2, 5])
def test_fourier_frequencies_make_orthonormal_embeddings_that_a_shift_rotates(K):
    N = 2 * K + 1
    angles = 2 * np.pi * np.outer(np.arange(N), np.arange(1, K + 1)) / N
    P = np.hstack([np.ones((N, 1)), math.sqrt(2) * np.sin(angles), math.sqrt(2) * np.cos(angles)]) / math.sqrt(N)
    np.testing.assert_allclose(P @ P.T, np.eye(N), atol=1e-14)
    shift = P.T @ np.roll(P, -1, axis=0)                                  # p_t -> p_{t+1}
    np.testing.assert_allclose(shift @ shift.T, np.eye(N), atol=1e-14)


# The two inner products

X, P, long_P = random(4, 3, seed=1), random(4, 3, seed=2), random(4, 6, seed=3)
W_q, W_k = random(5, 3, seed=4), random(5, 3, seed=5)
wide_q, wide_k = random(5, 9, seed=6), random(5, 9, seed=7)


def loop(Z, W_q, W_k):
    return [[sum((W_q @ z)[r] * (W_k @ other)[r] for r in range(len(W_q))) for other in Z] for z in Z]


def test_logits_against_a_loop():
    np.testing.assert_allclose(logits(X, W_q, W_k), loop(X, W_q, W_k), rtol=1e-12)


def test_four_terms_add_up():
    np.testing.assert_allclose(addition_terms(X, P, W_q, W_k).sum(axis=0), loop(X + P, W_q, W_k), rtol=1e-11)
    np.testing.assert_allclose(concatenation_terms(X, long_P, wide_q, wide_k).sum(axis=0),
                               loop(np.hstack([X, long_P]), wide_q, wide_k), rtol=1e-11)


def test_each_term_is_the_one_it_is_called():
    cc, cp, pc, pp = addition_terms(X, P, W_q, W_k)
    for i in range(4):
        for j in range(4):
            assert cc[i, j] == pytest.approx((W_q @ X[i]) @ (W_k @ X[j]), rel=1e-11)
            assert cp[i, j] == pytest.approx((W_q @ X[i]) @ (W_k @ P[j]), rel=1e-11)
            assert pc[i, j] == pytest.approx((W_q @ P[i]) @ (W_k @ X[j]), rel=1e-11)
            assert pp[i, j] == pytest.approx((W_q @ P[i]) @ (W_k @ P[j]), rel=1e-11)
    Q_x, Q_p, K_x, K_p = wide_q[:, :3], wide_q[:, 3:], wide_k[:, :3], wide_k[:, 3:]
    cc, cp, pc, pp = concatenation_terms(X, long_P, wide_q, wide_k)
    np.testing.assert_allclose(cc, (X @ Q_x.T) @ (X @ K_x.T).T, rtol=1e-11)
    np.testing.assert_allclose(cp, (X @ Q_x.T) @ (long_P @ K_p.T).T, rtol=1e-11)
    np.testing.assert_allclose(pc, (long_P @ Q_p.T) @ (X @ K_x.T).T, rtol=1e-11)
    np.testing.assert_allclose(pp, (long_P @ Q_p.T) @ (long_P @ K_p.T).T, rtol=1e-11)


def test_addition_is_concatenation_with_tied_blocks():
    tied = concatenation_terms(X, P, np.hstack([W_q, W_q]), np.hstack([W_k, W_k]))
    np.testing.assert_allclose(addition_terms(X, P, W_q, W_k), tied, rtol=1e-11)


def test_orthogonal_embeddings_still_meet_in_the_position_term():
    P = orthogonal_embeddings(3, 6)
    pp = addition_terms(random(3, 6), P, random(4, 6, seed=1), random(4, 6, seed=2))[3]
    assert np.abs(pp - np.diag(np.diag(pp))).max() > 0.1
    alike = addition_terms(random(3, 6), P, 3 * np.eye(6), np.eye(6))[3]
    np.testing.assert_allclose(alike, 3 * np.eye(3), atol=1e-14)


def test_addition_simulates_a_concatenation_by_the_construction_of_the_text():
    D, r, s = 6, 2, 3
    U, V = random(D, r, seed=1), random(D, s, seed=2)                    # independent, not orthogonal
    L = np.linalg.pinv(np.hstack([U, V]))
    W_x, W_p = random(5, D, seed=3), random(5, D, seed=4)
    W = W_x @ U @ L[:r] + W_p @ V @ L[r:]
    x, p = U @ random(r, seed=5), V @ random(s, seed=6)
    np.testing.assert_allclose(W @ (x + p), W_x @ x + W_p @ p, rtol=1e-10)


@pytest.mark.parametrize("call, said", [
    (lambda: addition_terms(X, P[:3], W_q, W_k), "X has 4 rows, P has 3"),
    (lambda: addition_terms(X, long_P, W_q, W_k), "P has 6 columns, X has 3"),
    (lambda: addition_terms(X, P, wide_q, W_k), "W_q has 9 columns, X has 3"),
    (lambda: addition_terms(X, P, W_q[:4], W_k), "W_q has 4 rows, W_k has 5"),
    (lambda: concatenation_terms(X, long_P[:3], wide_q, wide_k), "X has 4 rows, P has 3"),
    (lambda: concatenation_terms(X, long_P, wide_q, W_k), "W_k has 3 columns, X and P together have 9"),
    (lambda: concatenation_terms(X, long_P, wide_q, wide_k[:2]), "W_q has 5 rows, W_k has 2"),
    (lambda: logits(X, wide_q, W_k), "W_q has 9 columns, the tokens have 3")])
def test_shapes_that_do_not_fit_are_refused_with_both_numbers(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# The claims

@pytest.mark.parametrize("name", NAMES)
def test_every_claim_holds_and_every_twin_is_rejected(name):
    outcome = verify(CLAIMS[name])
    assert outcome.problems == () and outcome.rejected == len(CLAIMS[name].false_twins) >= 1


def deletions(side):
    """The expression with one term of one of its sums, or one component of a tuple, left out."""
    if isinstance(side, Tuple):
        yield from (Tuple(*side[:i], *side[i + 1:]) for i in range(len(side)))
    for total in side.atoms(Add, MatAdd) if not isinstance(side, MatrixBase) else ():
        for i in range(len(total.args)):
            yield side.xreplace({total: type(total)(*(term for j, term in enumerate(total.args) if j != i), evaluate=False)})


SUMS = [(name, side, i) for name in NAMES if isinstance(CLAIMS[name].statement, Equation)
        for side in ("left", "right") for i, _ in enumerate(deletions(getattr(CLAIMS[name].statement, side)))]


def test_there_are_sums_to_delete_from():
    assert len(SUMS) >= 60


@pytest.mark.parametrize("name, side, i", SUMS)
def test_deleting_any_term_of_any_sum_is_noticed(name, side, i):
    s = CLAIMS[name].statement
    shorter = list(deletions(getattr(s, side)))[i]
    try:
        verdict = CLAIMS[name].check(Equation(shorter, s.right) if side == "left" else Equation(s.left, shorter))
    except (ValueError, TypeError):           # sizes that no longer fit stop the build as well
        verdict = False
    assert verdict is False


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(CLAIMS[name].statement, Equation)])
def test_the_two_sides_are_not_the_same_object(name):
    s = CLAIMS[name].statement
    assert s.left != s.right


def test_the_four_terms_are_printed_in_the_human_order():
    for name in ("addition-four-terms", "concatenation-four-terms"):
        terms = CLAIMS[name].statement.latex().split(" = ")[1].split(" + ")
        ends = [(term.split()[0][8], term.split()[-1][8]) for term in terms]      # x_i^T ... p_j
        assert ends == [("x", "x"), ("x", "p"), ("p", "x"), ("p", "p")]


def test_sums_and_products_stay_as_they_are_written():
    D, N, M, x_i, p_i = claims.D, claims.N, claims.M, claims.x_i, claims.p_i
    for write, kind, parts in [(claims.plus, Add, (D, -D)), (claims.plus, MatAdd, (x_i, p_i, -x_i)),
                               (claims.times, Mul, (S(2), D + N)), (claims.times, MatMul, (S(2), M, Inverse(M), x_i))]:
        whole = write(*parts)
        assert type(whole) is kind and whole.args == parts


def test_a_twin_with_a_term_missing_has_all_others():
    for name, missing, place in [("addition-four-terms", "position-content missing", 2),
                                 ("concatenation-four-terms", "content-position missing", 1)]:
        terms, fewer = CLAIMS[name].statement.right.args, CLAIMS[name].false_twins[missing].right.args
        assert fewer == terms[:place] + terms[place + 1:] and len(fewer) == 3


def test_the_counts_are_written_as_they_are_checked():
    assert CLAIMS["parameter-count"].statement.latex() == (
        r"$2 d D$ query and key weights under addition, $2 d \left(D + E\right)$ under concatenation")


def test_pairs_are_numbered_from_1_to_K():
    omega = claims.w.base
    assert claims._pairs(claims.w).subs(claims.K, 3).doit() == omega[1] + omega[2] + omega[3]


def test_a_constant_has_no_variance():
    assert claims.variance_of_sum(Sum(S(3), (claims.k, 1, claims.D))).doit() == 0


def test_the_weight_gradient_entry_by_entry():
    sizes = dict(g=(2, 1), w=(2, 3), p=(3, 1))
    g, W, p = (Matrix(rows, cols, symbols(f"{name}:{rows * cols}")) for name, (rows, cols) in sizes.items())
    score = (g.T * W * p)[0]
    assert Matrix(2, 3, [score.diff(w) for w in W]) == g * p.T


def test_a_check_that_is_right_for_the_wrong_hypothesis_would_be_seen():
    s = CLAIMS["gap-is-a-norm"].statement
    assert not equal(s.left, s.right)                                     # nothing holds without P P^T = I
    s = CLAIMS["addition-simulates"].statement
    assert not equal(s.left, s.right)
    some = {key: value for key, value in claims.LEFT_INVERSE.items() if key != (claims.L_U, claims.V)}
    assert not equal(s.left, s.right, given=some)                         # the spans may not meet

