"""Attention in blocks: the plain function's results and errors, its memory, and the BLAS left as it was."""

import os
import signal
import threading
import time
import tracemalloc
import weakref
from contextlib import contextmanager

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import OpenBLASController

import oracle
from solutions import memory_efficient, workers
from solutions.attention import scaled_dot_product_attention
from solutions.memory_efficient import key_blocks, memory_efficient_attention, with_maximum, without_maximum

TYPES = [np.float32, np.float64]


class Blas:
    """Stands in for threadpoolctl's view of the BLAS: remembers each setting."""

    def __init__(self, threads):
        self.settings = [threads]
        self.lib_controllers = [self]

    @property
    def num_threads(self):
        return self.settings[-1]

    @contextmanager
    def limit(self, limits):
        before = self.num_threads
        self.settings.append(limits)
        yield
        self.settings.append(before)


def plain(Q, K, V):
    with np.errstate(all="ignore"):
        return scaled_dot_product_attention(Q, K, V)[0]


def draw(rng, *shapes, dtype=np.float64, scale=1.0):
    return [(scale * rng.standard_normal(shape)).astype(dtype) for shape in shapes]


def in_blocks(monkeypatch, queries=16, keys=5, count=2, itemsize=8):
    """From here on blocks have this many queries and keys at most, and even a small input is cut into them."""
    monkeypatch.setattr(memory_efficient, "QUERIES", queries)
    monkeypatch.setattr(memory_efficient, "BLOCK", queries * keys * itemsize)
    monkeypatch.setattr(memory_efficient, "SMALL", 0)
    monkeypatch.setattr(workers, "_BLAS", Blas(count))


@pytest.fixture
def small_blocks(monkeypatch):
    in_blocks(monkeypatch)


@pytest.fixture
def no_plain_function(monkeypatch):
    def refuse(Q, K, V):
        raise AssertionError("the plain function was called")
    monkeypatch.setattr(memory_efficient, "scaled_dot_product_attention", refuse)


def alone(function, Q, K, V, keys=16):
    """with_maximum or without_maximum on all queries at once, so many keys at a time."""
    with np.errstate(all="ignore"):
        return function(Q, K, V, np.full(len(Q) * keys, np.nan, Q.dtype))


# The truth

@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("d_k", [3, 64])
@pytest.mark.parametrize("scale", [1e-4, 1, 8, 2e4])
def test_against_50_digits(dtype, d_k, scale):
    """Twice the bound derived for the plain function holds for both ways through a block, at any size of the logits."""
    Q, K, V = draw(np.random.default_rng(7), (5, d_k), (50, d_k), (50, 2), dtype=dtype)
    Q = (Q * scale).astype(dtype)
    exact, _ = oracle.exact(oracle.attention, Q, K, V)
    bound, _ = oracle.rounding_bounds(Q, K, V, dtype)
    assert (np.abs(alone(with_maximum, Q, K, V)[0] - exact) <= 2 * bound).all()
    y = alone(without_maximum, Q, K, V)
    assert (y is None) == (scale == 2e4)
    assert y is None or (np.abs(y - exact) <= 2 * bound).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("scale", [0.01, 1, 5, 20, 1e4])
def test_as_accurate_as_the_plain_function(scale, dtype, small_blocks, no_plain_function):
    """Root mean square error: at most 1.5 times the plain function's and half a unit in the last place."""
    rng, errors = np.random.default_rng(8), []
    for _ in range(3):
        Q, K, V = draw(rng, (5, 6), (40, 6), (40, 3), dtype=dtype)
        Q = (Q * scale).astype(dtype)
        exact, A = oracle.exact(oracle.attention, Q, K, V)
        unit = np.finfo(dtype).eps * (A @ np.abs(V))
        errors.append([(f(Q, K, V) - exact) / unit for f in (memory_efficient_attention, plain)])
    ours, theirs = np.sqrt(np.mean(np.square(errors), axis=(0, 2, 3)))
    assert ours <= 1.5 * theirs + 0.5


@pytest.mark.parametrize("dtype", TYPES)
def test_every_block_size_and_number_of_workers(dtype, monkeypatch, no_plain_function):
    """N = 9, M = 11, in blocks of 1 to 10 queries and 1 to 12 keys; the number of workers does not change a bit."""
    Q, K, V = draw(np.random.default_rng(0), (2, 9, 4), (2, 11, 4), (2, 11, 3), dtype=dtype)
    expected = plain(Q, K, V)
    for queries in range(1, 11):
        for keys in range(1, 13):
            results = []
            for count in (1, 2, 3):
                in_blocks(monkeypatch, queries, keys, count, Q.itemsize)
                results.append(memory_efficient_attention(Q, K, V))
            assert_allclose(results[0], expected, rtol=0, atol=8 * np.finfo(dtype).eps)
            for result in results[1:]:
                assert_array_equal(result, results[0])


@hypothesis.given(st.data())
def test_any_shape(data):
    size = st.integers(1, 40)
    heads, N, M, d_k, d_v = (data.draw(size, label=name) for name in ("heads", "N", "M", "d_k", "d_v"))
    scale = data.draw(st.sampled_from([0.1, 1, 30, 1e4]), label="scale")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32), label="seed"))
    Q, K, V = draw(rng, (heads, N, d_k), (heads, M, d_k), (heads, M, d_v))
    Q = np.round(Q * scale, 1)  # logits of 1e4 that differ by more than rounding
    K = np.round(K, 1)
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_blocks(monkeypatch, keys=data.draw(st.integers(1, 50), label="keys"))
        Y = memory_efficient_attention(Q, K, V)
    assert Y.shape == (heads, N, d_v)
    bounds = [oracle.rounding_bounds(*head, np.float64)[0] for head in zip(Q, K, V)]
    assert (np.abs(Y - plain(Q, K, V)) <= 3 * np.array(bounds)).all()


@pytest.mark.parametrize("N, M, d_k, d_v", [(1, 500_000, 2, 3), (500_000, 1, 2, 3), (700, 900, 17, 5), (1000, 400, 5, 1), (400, 1000, 1, 8)])
def test_sizes_at_which_it_cuts_by_itself(N, M, d_k, d_v, no_plain_function):
    Q, K, V = draw(np.random.default_rng(1), (N, d_k), (M, d_k), (M, d_v))
    assert_allclose(memory_efficient_attention(Q, K, V), plain(Q, K, V), rtol=0, atol=1e-14)


# Large, infinite and missing logits

def with_logits(S, dtype=np.float64):
    """Q (N, M) and K (M, M) whose logits are S (N, M)."""
    S = np.asarray(S, dtype)
    return S * dtype(np.sqrt(S.shape[1])), np.eye(S.shape[1], dtype=dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("logits", [
    np.linspace(-1e4, 1e4, 23), np.linspace(1e4, -1e4, 23), np.full(23, 1e4), np.full(23, -1e4), np.full(23, -30.0),
    1e4 + np.arange(23) % 7, -1e4 - np.arange(23) % 7, np.where(np.arange(23) == 17, 0, -1e4), np.where(np.arange(23) == 3, 1e30, 1e4),
    np.where(np.arange(23) < 12, -200, 200), np.where(np.arange(23) < 12, -1e3, 90),
], ids=["rising", "falling", "all high", "all low", "all below 0", "high ties", "low ties", "one in the middle", "one far above", "late", "later"])
def test_logits_of_ten_thousand(logits, dtype, small_blocks, no_plain_function):
    """In each order that makes the running maximum move differently; 16 rows with ordinary logits beside them."""
    rng = np.random.default_rng(2)
    Q, K = with_logits([*rng.standard_normal((8, 23)), logits, *rng.standard_normal((8, 23))], dtype)
    V = rng.standard_normal((23, 2)).astype(dtype)
    unit = np.finfo(dtype).eps * np.abs(logits).max()
    assert_allclose(memory_efficient_attention(Q, K, V), plain(Q, K, V), rtol=0, atol=16 * unit)
    assert_allclose(memory_efficient_attention(Q, K, V)[:8], plain(Q, K, V)[:8], rtol=0, atol=32 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shift", [0, -40, 300])
def test_a_key_at_minus_infinity_is_left_out(shift, dtype, small_blocks, no_plain_function):
    """Positive queries and keys of -inf give logits of -inf; whole blocks of them, the first block too."""
    rng = np.random.default_rng(3)
    Q, K, V = draw(rng, (20, 3), (31, 3), (31, 2), dtype=dtype)
    Q, out = np.abs(Q) + 1, np.r_[0:7, 9, 15:20, 30]
    K = (K + dtype(shift)).astype(dtype)
    K[out] = -np.inf
    stay = np.setdiff1d(np.arange(31), out)
    Y = memory_efficient_attention(Q, K, V)
    assert_allclose(Y, plain(Q, K, V), rtol=0, atol=1e3 * np.finfo(dtype).eps)
    assert_allclose(Y, plain(Q, K[stay], V[stay]), rtol=0, atol=1e3 * np.finfo(dtype).eps)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [[(0, 1, 3)], [(1, 2, 0)], [(1, 0, 19), (1, 1, 2)], [(1, 2, 19), (1, 2, 16), (0, 2, 18)]])
def test_the_same_row_is_refused(rows, bad, small_blocks, no_plain_function):
    """A query that makes all its logits nan, inf or -inf: the message is the plain function's, and names the first row."""
    rng = np.random.default_rng(4)
    Q, K, V = draw(rng, (2, 3, 20, 2), (2, 3, 13, 2), (2, 3, 13, 2))
    K = np.abs(K)
    for row in rows:
        Q[row] = bad
    with pytest.raises(ValueError) as theirs:
        plain(Q, K, V)
    with pytest.raises(ValueError) as ours:
        memory_efficient_attention(Q, K, V)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("key", [0, 6, 12])
def test_one_bad_key_is_refused(key, bad, small_blocks, no_plain_function):
    Q, K, V = draw(np.random.default_rng(5), (20, 2), (13, 2), (13, 2))
    Q = np.abs(Q)
    K[key, 1] = bad
    with pytest.raises(ValueError) as theirs:
        plain(Q, K, V)
    with pytest.raises(ValueError) as ours:
        memory_efficient_attention(Q, K, V)
    assert str(ours.value) == str(theirs.value)


def test_a_logit_that_overflows_is_refused(small_blocks, no_plain_function):
    """q.k = 4e38 is inf in float32, though a quarter of it would not be; just below, both give the key all the weight."""
    K, V = np.ones((13, 16), np.float32), np.arange(13, dtype=np.float32)[:, None]
    K[3] = 10
    Q = np.full((20, 16), 2.5e36, np.float32)
    for f in (plain, memory_efficient_attention):
        with pytest.raises(ValueError, match="maximum inf"):
            f(Q, K, V)
        assert_array_equal(f(Q / 2, K, V), np.full((20, 1), 3))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("scale", [1, 100])
def test_values_as_large_or_as_small_as_numbers_go(scale, dtype, small_blocks, no_plain_function):
    """All values near the largest number: sums of them overflow, their means do not. And near the smallest normal one."""
    rng = np.random.default_rng(6)
    Q, K = draw(rng, (20, 3), (31, 3), dtype=dtype)
    V = rng.uniform(0.5, 0.99, (31, 2)).astype(dtype)
    for size in (np.finfo(dtype).max, np.finfo(dtype).tiny * 2**20):
        Y = memory_efficient_attention(dtype(scale) * Q, K, V * size)
        assert_allclose(Y / size, plain(dtype(scale) * Q, K, V), rtol=0, atol=100 * scale * np.finfo(dtype).eps)


def test_values_that_are_not_finite_spread_as_in_the_plain_function(small_blocks, no_plain_function):
    Q, K, V = draw(np.random.default_rng(7), (20, 3), (31, 3), (31, 4))
    V[9, 0], V[20, 1], V[3, 2], V[30, 2] = np.nan, np.inf, np.inf, -np.inf
    assert_allclose(memory_efficient_attention(Q, K, V), plain(Q, K, V), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_lowest_number_is_no_minus_infinity(dtype, small_blocks, no_plain_function):
    """It stands for -inf where the running maximum begins; as a logit it is a number, and keys that all have it share the weight."""
    Q, K = np.full((20, 1), np.finfo(dtype).min), np.ones((13, 1), dtype)
    V = np.arange(26, dtype=dtype).reshape(13, 2)
    assert_allclose(memory_efficient_attention(Q, K, V), np.broadcast_to([12, 13], (20, 2)), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", TYPES)
def test_equal_logits_give_the_exact_mean(dtype):
    """Of 16 integers, with no rounding at all: the factor that keeps the sum of the values finite is a power of two."""
    V = np.random.default_rng(21).integers(-99, 99, (16, 50)).astype(dtype)
    Q, K = np.zeros((3, 2), dtype), np.ones((16, 2), dtype)
    for function in (lambda *args: alone(with_maximum, *args, keys=5)[0], lambda *args: alone(without_maximum, *args, keys=5)):
        assert_array_equal(function(Q, K, V), np.tile(V.mean(axis=0), (3, 1)))


# When the maximum can be left out

def test_ordinary_logits_need_no_maximum(monkeypatch):
    monkeypatch.setattr(memory_efficient, "with_maximum", None)
    Q, K, V = draw(np.random.default_rng(9), (600, 64), (600, 64), (600, 3))
    assert_allclose(memory_efficient_attention(Q, K, V), plain(Q, K, V), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype, largest", [(np.float32, 88), (np.float64, 709)])
def test_where_it_is_safe_to_leave_it_out(dtype, largest):
    """Safe while each sum of weights is at least 1 and finite; one row that is not is enough."""
    V = np.array([[0.3], [0.4], [0.5]], dtype)
    for bad, safe in (([-1, -2, -3], False), ([0, -9, -9], True), ([largest, 0, 0], True), ([0, 0, largest + 1], False),
                      ([np.nan, 0, 0], False), ([0, -np.inf, 1], True), ([0, -np.inf, -np.inf], True)):
        y = alone(without_maximum, *with_logits([[1, 2, 3], bad, [3, 2, 1]], dtype) if np.isfinite(bad).all() else
                  (np.array([[1], [1], [1]], dtype), np.array(bad, dtype)[:, None]), V)
        assert (y is not None) == safe, bad
    assert alone(without_maximum, *with_logits([[1, 2, 3]], dtype), V * np.finfo(dtype).max / 8) is None  # o overflows


def test_the_first_unsafe_block_ends_it(monkeypatch):
    """Five keys at a time: logits that overflow at once are noticed after one block of ten, not after all."""
    seen = []

    def watched(*arguments):
        for block in key_blocks(*arguments):
            seen.append(block)
            yield block
    monkeypatch.setattr(memory_efficient, "key_blocks", watched)
    one_row = np.arange(4)[:, None] == 2
    for logits in (np.full((4, 50), -8.0), np.full((4, 50), 800.0), np.where(one_row, -8.0, np.zeros(50)), np.where(one_row, 800.0, np.zeros(50))):
        seen.clear()
        assert alone(without_maximum, *with_logits(logits), np.ones((50, 2)), keys=5) is None
        assert len(seen) == 1


# Shapes, types and layouts

def test_batch_axes_are_broadcast(small_blocks, no_plain_function):
    Q, K, V = draw(np.random.default_rng(10), (2, 1, 17, 3), (4, 13, 3), (1, 4, 13, 5))
    assert_allclose(memory_efficient_attention(Q, K, V), plain(Q, K, V), rtol=0, atol=1e-14)
    for one in ((Q[0, 0], K, V[0]), (Q[:, 0], K[0], V[0, 0]), (Q[0, 0], K, V[0, 0]), (Q[0, 0], K[0], V)):  # also if only one has them
        assert_allclose(memory_efficient_attention(*one), plain(*one), rtol=0, atol=1e-14)


@pytest.mark.parametrize("lay", [
    lambda a: np.asfortranarray(a), lambda a: a[..., ::-1, :], lambda a: a[..., ::-1], lambda a: np.repeat(a, 3, axis=-1)[..., ::3],
    lambda a: np.repeat(a, 2, axis=-2)[..., ::2, :], lambda a: np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1),
    lambda a: np.broadcast_to(a[:1], a.shape), lambda a: np.broadcast_to(a[..., :1, :], a.shape), lambda a: np.broadcast_to(a[..., :1], a.shape),
    lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1).reshape(a.shape), lambda a: a.astype(a.dtype.newbyteorder()),
], ids=["Fortran", "rows reversed", "columns reversed", "columns apart", "rows apart", "heads inside", "one head", "one row", "one column",
        "unaligned", "other byte order"])
@pytest.mark.parametrize("dtype", TYPES)
def test_layouts(lay, dtype, small_blocks, no_plain_function):
    Q, K, V = (lay(a) for a in draw(np.random.default_rng(11), (3, 17, 6), (3, 13, 6), (3, 13, 5), dtype=dtype))
    before = [a.copy() for a in (Q, K, V)]
    for a in (Q, K, V):
        a.flags.writeable = False
    assert_allclose(memory_efficient_attention(Q, K, V), plain(Q, K, V), rtol=0, atol=32 * np.finfo(dtype).eps)
    for a, b in zip((Q, K, V), before):
        assert_array_equal(a, b)


@pytest.mark.parametrize("types", ["fff", "ddd", "fdf", "eee", "iii", "bBf", "lld", "???"])
def test_types(types, small_blocks, no_plain_function):
    drawn = draw(np.random.default_rng(12), (20, 3), (20, 3), (20, 2), scale=3)
    Q, K, V = (np.abs(a).astype(t) for a, t in zip(drawn, types))
    Y, expected = memory_efficient_attention(Q, K, V), plain(Q, K, V)
    assert Y.dtype == expected.dtype
    assert_allclose(Y, expected, rtol=0, atol=64 * np.finfo(Y.dtype).eps)


def test_lists_will_do(small_blocks, no_plain_function):
    Q, K, V = draw(np.random.default_rng(13), (20, 3), (20, 3), (20, 2))
    assert_array_equal(memory_efficient_attention(Q.tolist(), K.tolist(), V.tolist()), memory_efficient_attention(Q, K, V))


@pytest.mark.parametrize("shapes", [
    [(4,), (4, 2), (4, 2)], [(4, 2), (4, 3), (4, 2)], [(4, 2), (5, 2), (4, 2)], [(4, 0), (4, 0), (4, 2)], [(4, 2), (0, 2), (0, 2)],
    [(2, 0, 3, 2), (2, 0, 0, 2), (0, 1)], [(2, 4, 2), (3, 4, 2), (4, 2)],
])
def test_bad_shapes_are_refused_as_by_the_plain_function(shapes, small_blocks):
    arrays = [np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError) as theirs:
        plain(*arrays)
    with pytest.raises(ValueError) as ours:
        memory_efficient_attention(*arrays)
    if "broadcast" not in str(theirs.value):  # there each names the shapes in NumPy's words
        assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("bad", [[[1j, 0]], [["a", "b"]], [[None, 1]]])
def test_bad_types_are_refused_as_by_the_plain_function(bad, small_blocks):
    good = np.ones((1, 2))
    for arrays in ((bad, good, good), (good, bad, good), (good, good, bad)):
        with pytest.raises(TypeError) as theirs:
            plain(*arrays)
        with pytest.raises(TypeError) as ours:
            memory_efficient_attention(*arrays)
        assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("shapes", [[(0, 3), (7, 3), (7, 2)], [(5, 3), (7, 3), (7, 0)], [(0, 5, 3), (0, 7, 3), (0, 7, 2)]])
def test_nothing_asked_nothing_answered(shapes, small_blocks):
    arrays = [np.ones(shape) for shape in shapes]
    assert memory_efficient_attention(*arrays).shape == plain(*arrays).shape


# Blocks and memory

def test_small_inputs_go_to_the_plain_function(monkeypatch):
    monkeypatch.setattr(memory_efficient, "BLOCK", 120 * 8)
    monkeypatch.setattr(memory_efficient, "SMALL", 30)
    taken = []
    monkeypatch.setattr(memory_efficient, "scaled_dot_product_attention", lambda Q, K, V: (taken.append(len(K)), None))
    for shapes, dtype, small in (([(9, 5, 2), (9, 6, 2)], float, True), ([(9, 4, 2), (9, 8, 2)], float, False),   # 30 weights a head, 32
                                 ([(2, 6, 2), (2, 10, 2)], float, True), ([(2, 6, 2), (2, 11, 2)], float, False),  # 120 weights, 132
                                 ([(2, 6, 2), (2, 20, 2)], np.float32, True), ([(2, 6, 2), (2, 21, 2)], np.float32, False)):
        taken.clear()
        memory_efficient_attention(np.ones(shapes[0], dtype), np.ones(shapes[1], dtype), np.ones(shapes[1], dtype))
        assert bool(taken) == small, shapes


@pytest.mark.parametrize("heads, N, starts", [
    (8, 512, [0, 256]), (16, 384, [0]), (16, 385, [0, 193]), (8, 1024, [0, 342, 684]), (3, 700, [0, 117, 234, 351, 468, 585]),
    (1, 1601, range(0, 1601, 101)), (1, 3, [0, 1, 2]),
])
def test_blocks_of_queries(heads, N, starts, monkeypatch):
    """At most QUERIES rows, 16 blocks or more if there are so many rows, in a head of one size but for the last."""
    monkeypatch.setattr(memory_efficient, "QUERIES", 384)
    monkeypatch.setattr(workers, "run", lambda work, tasks: asked.extend(tasks))
    asked = []
    memory_efficient_attention(*draw(np.random.default_rng(14), (heads, N, 1), (heads, 10**6 // N, 1), (heads, 10**6 // N, 1)))
    assert asked == [((head,), i) for head in range(heads) for i in starts]


def test_key_blocks_cover_the_keys():
    """Room for 22 numbers holds the weights of 5 queries for 4 keys at a time."""
    K, V, room = np.arange(22.0).reshape(11, 2), np.arange(33, dtype=np.float32).reshape(11, 3), np.empty(22)
    parts = list(key_blocks(K, V, 5, room))
    assert_array_equal(np.vstack([K_j for K_j, *_ in parts]), K)
    assert_array_equal(np.vstack([V_j for _, V_j, *_ in parts]), V)
    assert [len(K_j) for K_j, *_ in parts] == [4, 4, 3]
    for K_j, _, ones, E_j in parts:
        assert_array_equal(ones, np.ones(len(K_j)))
        assert ones.dtype == V.dtype
        assert E_j.shape == (len(K_j), 5) and E_j.flags.c_contiguous and np.shares_memory(E_j, room)
    assert next(key_blocks(K, V, 2, room))[3].shape == (11, 2)


def extra_memory(function, *arrays):
    """The most that was held at a time beside the output, in bytes; NumPy reports its arrays to tracemalloc."""
    tracemalloc.start()
    try:
        Y = function(*arrays)
        return tracemalloc.get_traced_memory()[1] - Y.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("scale", [1, 100])
def test_memory_does_not_grow_with_the_input(scale, monkeypatch):
    """Four times the input in both lengths: one number a query more (and the list of blocks), where the weights would be 16 times as many."""
    in_blocks(monkeypatch, 128, 128, count=1, itemsize=4)
    used = []
    for N in (1024, 4096):
        Q, K, V = draw(np.random.default_rng(15), (2, N, 4), (2, N, 4), (2, N, 4), dtype=np.float32, scale=scale)
        used.append(extra_memory(memory_efficient_attention, Q, K, V))
    assert used[1] <= used[0] + 2 * (4096 - 1024) * 5 + 2**15
    assert used[1] <= 2**19
    assert extra_memory(lambda *QKV: plain(*QKV), Q[:, :1024], K, V) >= 2 * 1024 * 4096 * 4  # the measure does see the weights


@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_held(dtype, monkeypatch, small_blocks):
    """BLOCK bytes for the weights of each block and one number for each query, all in the type of the input."""
    held = []

    def watched(Q, K, V, room):
        held.append((room.nbytes, room.dtype))
        return without_maximum(Q, K, V, room)
    monkeypatch.setattr(memory_efficient, "without_maximum", watched)
    monkeypatch.setattr(memory_efficient, "check_finite_rows", lambda top: held.append((top.nbytes, top.dtype)))
    memory_efficient_attention(*draw(np.random.default_rng(22), (2, 20, 3), (2, 31, 3), (2, 31, 4), dtype=dtype))
    *rooms, top = held
    assert {*rooms} == {(memory_efficient.BLOCK, np.dtype(dtype))}
    assert top == (2 * 20 * np.dtype(dtype).itemsize, dtype)


# The BLAS and its threads

@pytest.fixture
def blas(monkeypatch):
    blas = Blas(3)
    monkeypatch.setattr(workers, "_BLAS", blas)
    return blas


def test_another_blas_has_one_worker_and_is_left_alone(blas):
    blas.lib_controllers = []
    threads = []
    assert workers.count() == 1
    workers.run(lambda share: threads.extend(threading.get_ident() for _ in share), range(50))
    assert len(threads) == 50 and len({*threads}) == 1


def test_with_nothing_to_do_the_blas_is_not_touched(blas):
    workers.run(lambda share: 1 / 0, [])
    assert blas.settings == [3]


def test_each_task_once_and_one_thread_each(blas):
    """As many workers as the BLAS had threads, all at work at the same time, each seeing a BLAS of one thread."""
    together, seen, done = threading.Barrier(3, timeout=10), [], []

    def work(share):
        together.wait()
        seen.append((blas.num_threads, threading.get_ident()))
        done.extend(share)
        together.wait()
    assert workers.count() == 3
    workers.run(work, range(1000))
    assert sorted(done) == list(range(1000))
    assert [threads for threads, _ in seen] == [1, 1, 1]
    assert len({thread for _, thread in seen}) == 3
    assert blas.settings == [3, 1, 3]


def test_another_setting_another_number_of_workers(blas):
    for n in (2, 5, 1):
        blas.settings.append(n)
        together = threading.Barrier(n, timeout=10)
        workers.run(lambda share: together.wait(), [None])
        assert workers.count() == n


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="on this system a thread cannot choose its cores")
def test_each_worker_keeps_to_a_core_of_its_own(blas):
    """If there are as many as cores; Python's other threads may use them all."""
    cores, own = os.sched_getaffinity(0), []
    blas.settings.append(len(cores))
    together = threading.Barrier(len(cores), timeout=10)

    def work(share):
        together.wait()
        own.append(os.sched_getaffinity(0))
    workers.run(work, [None])
    assert sorted(map(tuple, own)) == [(core,) for core in sorted(cores)]
    assert os.sched_getaffinity(0) == cores


def test_an_error_ends_all_workers_and_restores(blas):
    done = []

    def work(share):
        for task in share:
            if task == 0:
                raise MemoryError("no room")
            time.sleep(0.001)
            done.append(task)
    with pytest.raises(MemoryError, match="no room"):
        workers.run(work, range(2000))
    assert len(done) < 1000
    assert blas.settings == [3, 1, 3]


def test_calls_take_turns(blas):
    """A second call waits for the first: what the first sees of the BLAS stays as it is, and the second does not take it for the setting."""
    inside, leave, seen = threading.Event(), threading.Event(), []

    def slow(share):
        inside.set()
        leave.wait(10)
        seen.extend(("slow", blas.num_threads) for _ in share)
    calls = [threading.Thread(target=workers.run, args=(slow, range(5)))]
    calls[0].start()
    inside.wait(10)
    calls.append(threading.Thread(target=workers.run, args=(lambda share: seen.extend(("quick", blas.num_threads) for _ in share), range(5))))
    calls[1].start()
    time.sleep(0.05)
    leave.set()
    for call in calls:
        call.join(10)
    assert seen == [("slow", 1)] * 5 + [("quick", 1)] * 5
    assert blas.settings == [3, 1, 3, 1, 3]


@pytest.fixture
def real_blas():
    """The threads that the BLAS itself has, set to three whatever the machine has."""
    limit = workers._BLAS.limit(limits=3)
    OpenBLASController.clear_controlling_thread()  # others may set it too
    if workers.count() != 3:
        pytest.skip("threadpoolctl does not know this BLAS")
    yield workers._blas_threads
    limit.restore_original_limits()
    OpenBLASController.clear_controlling_thread()


def test_where_another_thread_has_a_say_there_is_one_worker():
    """threadpoolctl then sets nothing: several workers would each have a BLAS with all cores."""
    OpenBLASController.clear_controlling_thread(force=True)  # from here on it is this one
    try:
        with workers._BLAS.limit(limits=3):
            if workers.count() != 3:
                pytest.skip("threadpoolctl does not know this BLAS")
            calls = []
            workers.run(lambda share: calls.append((len([*share]), workers._blas_threads())), range(1000))
    finally:
        OpenBLASController.clear_controlling_thread()
    assert calls == [(1000, 3)]


def test_called_from_several_threads(real_blas, monkeypatch):
    """Eight calls at once: each gets its own result, every block is computed with one thread, and the setting comes back."""
    held = []

    def watched(*arguments):
        held.append(real_blas())
        return without_maximum(*arguments)
    monkeypatch.setattr(memory_efficient, "without_maximum", watched)
    rng = np.random.default_rng(16)
    inputs = [draw(rng, (900, 8), (500, 8), (500, 4)) for _ in range(8)]
    results = [None] * 8

    def call(i):
        for _ in range(3):
            results[i] = memory_efficient_attention(*inputs[i])
    threads = [threading.Thread(target=call, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for QKV, Y in zip(inputs, results, strict=True):
        assert_allclose(Y, plain(*QKV), rtol=0, atol=1e-14)
    assert {*held} == {1} and len(held) >= 8 * 3 * 4
    assert real_blas() == 3


def test_an_error_restores(real_blas, monkeypatch):
    def out_of_memory(*arguments):
        raise MemoryError
    monkeypatch.setattr(memory_efficient, "without_maximum", out_of_memory)
    with pytest.raises(MemoryError):
        memory_efficient_attention(*draw(np.random.default_rng(17), (700, 2), (700, 2), (700, 2)))
    assert real_blas() == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_begins_its_own_threads(blas):
    """Also if another call was at work at the time."""
    together = threading.Barrier(3, timeout=10)
    workers.run(lambda share: together.wait(), [None])  # now there are three
    with workers._TURN:
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # ends the child if it waits for threads that it does not have
            workers.run(lambda share: list(share), range(3))
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_begun_anew_nobody_is_waited_for():
    """What a forked process does first: the turn is free, whoever had it, and the threads are new."""
    n = workers.count()
    threads = workers._pool(n)
    with workers._TURN:
        workers._begin()
        assert not workers._TURN.locked()
        assert workers._pool(n) is not threads


@pytest.fixture
def alarm():
    """A function that raises KeyboardInterrupt in this thread so many seconds later, as Ctrl-C does; 0 calls it off."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("no timer signals on this system")
    on = []

    def interrupt(number, frame):
        if not on:  # Python may get to it only after the alarm was called off
            return
        if frame.f_code.co_filename == weakref.__file__:  # Python drops what is raised in a callback: a user would press it again
            signal.setitimer(signal.ITIMER_REAL, 1e-4)
            return
        on.clear()
        raise KeyboardInterrupt

    def alarm(seconds):
        on[:] = [True] if seconds else []
        signal.setitimer(signal.ITIMER_REAL, seconds)
    old = signal.signal(signal.SIGALRM, interrupt)
    yield alarm
    alarm(0)
    signal.signal(signal.SIGALRM, old)


def test_ctrl_c_that_does_not_wake_the_waiting_thread(blas, alarm):
    """Here because a worker gets the signal: it is noticed all the same while that worker is still at work."""
    interrupted, noticed = threading.Event(), []

    def interrupt(number, frame):
        interrupted.set()
        raise KeyboardInterrupt

    def work(share):
        for _ in share:
            signal.pthread_kill(threading.get_ident(), signal.SIGALRM)
            noticed.append(interrupted.wait(10))
    signal.signal(signal.SIGALRM, interrupt)
    with pytest.raises(KeyboardInterrupt):
        workers.run(work, [None])
    assert noticed == [True]


def test_ctrl_c_during_the_work(real_blas, alarm, monkeypatch):
    """The workers stop at once, and when the call has ended the setting is back."""
    begun = []

    def slow(*arguments):
        begun.append(real_blas())
        time.sleep(0.004)
        return without_maximum(*arguments)
    monkeypatch.setattr(memory_efficient, "without_maximum", slow)
    monkeypatch.setattr(memory_efficient, "QUERIES", 16)
    QKV = draw(np.random.default_rng(19), (40000, 2), (900, 2), (900, 2))
    for delay in np.linspace(5e-3, 5e-2, 10):
        begun.clear()
        with pytest.raises(KeyboardInterrupt):
            alarm(delay)
            memory_efficient_attention(*QKV)
        assert real_blas() == 3
        assert {*begun} <= {1}
        assert len(begun) < 2500  # of 2500 blocks
    assert begun


def test_ctrl_c_at_any_moment(real_blas, alarm):
    """Calls with hardly anything to do, so that it comes at every stage: within twice the time that a call takes here."""
    begin = time.perf_counter()
    for _ in range(50):
        workers.run(lambda share: list(share), range(3))
    took = (time.perf_counter() - begin) / 50
    interrupted = 0
    for delay in took * np.random.default_rng(20).uniform(0.05, 2, 1500):
        try:
            alarm(delay)
            workers.run(lambda share: list(share), range(3))
            alarm(0)
        except KeyboardInterrupt:
            interrupted += 1
        assert real_blas() == 3 and workers.count() == 3
    assert 0 < interrupted < 1500
