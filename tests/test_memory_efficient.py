"""Attention in blocks: the plain function's results and errors, and little memory."""

import signal
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import hypothesis
import numpy as np
import oracle
import pytest
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from solutions import memory_efficient, workers
from solutions.attention import scaled_dot_product_attention
from solutions.memory_efficient import memory_efficient_attention, with_maximum, without_maximum

both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


class Blas:
    """Replaces threadpoolctl's view of the BLAS and remembers each setting."""

    def __init__(self, threads):
        self.settings = [threads]
        self.lib_controllers = [self]

    @property
    def num_threads(self):
        return self.settings[-1]

    def set_num_threads(self, n):
        assert n == self.num_threads == 1

    @contextmanager
    def limit(self, limits):
        before = self.num_threads
        self.settings.append(limits)
        try:
            yield
        finally:
            self.settings.append(before)


def plain(Q, K, V):
    with np.errstate(all="ignore"):
        return scaled_dot_product_attention(Q, K, V)[0]


def draw(seed, *shapes, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def in_blocks(monkeypatch, queries=16, keys=5, count=2, itemsize=8):
    """From here on even a small input is cut into blocks of this many queries and keys."""
    monkeypatch.setattr(memory_efficient, "MAX_QUERIES", queries)
    monkeypatch.setattr(memory_efficient, "BLOCK_BYTES", queries * keys * itemsize)
    monkeypatch.setattr(memory_efficient, "MAX_PLAIN_WEIGHTS", 0)
    monkeypatch.setattr(workers, "_BLAS", Blas(count))


@pytest.fixture
def no_plain_function(monkeypatch):
    def refuse(Q, K, V):
        raise AssertionError("the plain function was called")

    monkeypatch.setattr(memory_efficient, "scaled_dot_product_attention", refuse)


@pytest.fixture
def small_blocks(monkeypatch, no_plain_function):
    in_blocks(monkeypatch)


def one_block_of_queries(function, Q, K, V):
    """with_maximum or without_maximum on all queries at once, 16 keys at a time."""
    with np.errstate(all="ignore"):
        return function(Q, K, V, np.full(len(Q) * 16, np.nan, Q.dtype))


def same_as_plain(*arrays, atol=1e-14):
    assert_allclose(memory_efficient_attention(*arrays), plain(*arrays), rtol=0, atol=atol)


def the_same_error(kind, *arrays):
    with pytest.raises(kind) as theirs:
        plain(*arrays)
    with pytest.raises(kind) as ours:
        memory_efficient_attention(*arrays)
    if "broadcast" not in str(theirs.value):  # there each quotes the shapes in NumPy's words
        assert str(ours.value) == str(theirs.value)


# Results and errors of the plain function


@both_types
@pytest.mark.parametrize("d", [3, 64])
@pytest.mark.parametrize("scale", [1e-4, 1, 8, 2e4])
def test_against_50_digits(dtype, d, scale):
    """Twice the plain function's bound holds for both ways through a block."""
    Q, K, V = draw(7, (5, d), (50, d), (50, 2), dtype=dtype)
    Q = (Q * scale).astype(dtype)
    exact, _ = oracle.exact(oracle.attention, Q, K, V)
    bound, _ = oracle.rounding_bounds(Q, K, V, dtype)
    assert (np.abs(one_block_of_queries(with_maximum, Q, K, V)[0] - exact) <= 2 * bound).all()
    y = one_block_of_queries(without_maximum, Q, K, V)
    assert (y is None) == (scale == 2e4)
    assert y is None or (np.abs(y - exact) <= 2 * bound).all()


@pytest.mark.slow
@hypothesis.given(st.data())
def test_any_shape_block_size_and_number_of_workers(data):
    """The number of workers does not change a bit."""
    size = st.integers(1, 40)
    heads, N, M, d, d_v = (data.draw(size) for _ in range(5))
    scale, seed = data.draw(st.sampled_from([0.1, 1, 30, 1e4])), data.draw(st.integers(0, 2**32))
    Q, K, V = draw(seed, (heads, N, d), (heads, M, d), (heads, M, d_v))
    Q, K = np.round(Q * scale, 1), np.round(K, 1)  # scores of 1e4 differ by more than rounding
    queries, keys = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 50))
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_blocks(monkeypatch, queries, keys, count=1)
        Y = memory_efficient_attention(Q, K, V)
        in_blocks(monkeypatch, queries, keys, count=3)
        assert_array_equal(memory_efficient_attention(Q, K, V), Y)
    bounds = [oracle.rounding_bounds(*head, np.float64)[0] for head in zip(Q, K, V)]
    assert (np.abs(Y - plain(Q, K, V)) <= 3 * np.array(bounds)).all()


@pytest.mark.parametrize(
    "N, M, d, d_v", [(1, 500_000, 2, 3), (500_000, 1, 2, 3), (700, 900, 17, 5), (600, 600, 64, 3)]
)
def test_large_inputs_are_cut_into_blocks(N, M, d, d_v, no_plain_function, monkeypatch):
    monkeypatch.setattr(memory_efficient, "with_maximum", None)  # ordinary scores do not need it
    Q, K, V = draw(1, (N, d), (M, d), (M, d_v))
    if M == 1:
        Q, K = np.abs(Q), np.abs(K)  # a single score below 0 would need the maximum
    same_as_plain(Q, K, V)


def with_scores(S, dtype=np.float64):
    """Q and K whose scores are S (N, M)."""
    S = np.asarray(S, dtype)
    return S * dtype(np.sqrt(S.shape[1])), np.eye(S.shape[1], dtype=dtype)


KEYS = np.arange(23)
SCORES = {
    "rising": np.linspace(-1e4, 1e4, 23),
    "falling": np.linspace(1e4, -1e4, 23),
    "high": np.full(23, 1e4),
    "low": np.full(23, -1e4),
    "negative": np.full(23, -30.0),
    "ties": 1e4 + KEYS % 7,
    "middle": np.where(KEYS == 17, 0, -1e4),
    "above": np.where(KEYS == 3, 1e30, 1e4),
    "late": np.where(KEYS < 12, -200, 200),
}


@both_types
@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_running_maximum(scores, dtype, small_blocks):
    """The running maximum moves in every way, between rows with ordinary scores."""
    a, b, V = draw(2, (8, 23), (8, 23), (23, 2), dtype=dtype)
    Q, K = with_scores([*a, scores, *b], dtype)
    got, expected = memory_efficient_attention(Q, K, V), plain(Q, K, V)
    eps = np.finfo(dtype).eps
    assert_allclose(got, expected, rtol=0, atol=16 * eps * np.abs(scores).max())
    assert_allclose(got[:8], expected[:8], rtol=0, atol=32 * eps)


@pytest.mark.parametrize("shift", [0, -40, 300])
def test_key_at_minus_infinity_is_left_out(shift, small_blocks):
    """Also whole blocks of such keys, the first one included."""
    Q, K, V = draw(3, (20, 3), (31, 3), (31, 2))
    Q, K, out = np.abs(Q) + 1, K + shift, np.r_[0:7, 9, 15:20, 30]
    K[out] = -np.inf
    without = plain(Q, np.delete(K, out, axis=0), np.delete(V, out, axis=0))
    same_as_plain(Q, K, V, atol=1e-12)
    assert_allclose(memory_efficient_attention(Q, K, V), without, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_row_without_a_finite_maximum_is_named(bad, small_blocks):
    Q, K, V = draw(4, (2, 3, 20, 2), (2, 3, 13, 2), (2, 3, 13, 2))
    Q, K = np.abs(Q), np.abs(K)
    for rows in [(0, 1, 3)], [(1, 0, 19), (1, 1, 2)], [(1, 2, 19), (0, 2, 18)]:
        with_bad_rows = Q.copy()
        for row in rows:
            with_bad_rows[row] = bad
        the_same_error(ValueError, with_bad_rows, K, V)
    for key in (0, 6, 12) if bad != -np.inf else ():
        with_bad_key = K.copy()
        with_bad_key[1, 2, key, 1] = bad
        the_same_error(ValueError, Q, with_bad_key, V)


def test_overflowing_score_is_refused(small_blocks):
    """q.k = 4e38 is infinite in float32, though a quarter of it, the score, would not be."""
    K, V = np.ones((13, 16), np.float32), np.arange(13, dtype=np.float32)[:, None]
    K[3] = 10
    Q = np.full((20, 16), 2.5e36, np.float32)
    the_same_error(ValueError, Q, K, V)
    assert_array_equal(memory_efficient_attention(Q / 2, K, V), np.full((20, 1), 3))


@both_types
@pytest.mark.parametrize("scale", [1, 100])
def test_largest_and_smallest_values(scale, dtype, small_blocks):
    """Sums of values near the largest number overflow, their means do not."""
    Q, K, V = draw(6, (20, 3), (31, 3), (31, 2), dtype=dtype)
    Q, V = dtype(scale) * Q, 0.5 + 0.4 / (1 + V**2)
    for size in (np.finfo(dtype).max, np.finfo(dtype).tiny * 2**20):
        Y = memory_efficient_attention(Q, K, V * size)
        assert_allclose(Y / size, plain(Q, K, V), rtol=0, atol=100 * scale * np.finfo(dtype).eps)


def test_values_that_are_not_finite_spread_as_in_the_plain_function(small_blocks):
    Q, K, V = draw(7, (20, 3), (31, 3), (31, 4))
    V[9, 0], V[20, 1], V[3, 2], V[30, 2] = np.nan, np.inf, np.inf, -np.inf
    same_as_plain(Q, K, V)


@both_types
def test_lowest_number_is_a_score_like_others(dtype, small_blocks):
    """It stands for -inf before the first block."""
    Q, K = np.full((20, 1), np.finfo(dtype).min), np.ones((13, 1), dtype)
    Y = memory_efficient_attention(Q, K, np.arange(26, dtype=dtype).reshape(13, 2))
    assert_allclose(Y, np.tile([12, 13], (20, 1)), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype, largest", [(np.float32, 88), (np.float64, 709)])
def test_when_the_maximum_can_be_left_out(dtype, largest):
    """As long as every sum of weights is at least 1 and finite; one bad row is enough."""
    V = np.array([[0.3], [0.4], [0.5]], dtype)
    for row, safe in (
        ([-1, -2, -3], False),
        ([0, -9, -9], True),
        ([largest, 0, 0], True),
        ([0, 0, largest + 1], False),
    ):
        Q, K = with_scores([[1, 2, 3], row, [3, 2, 1]], dtype)
        y = one_block_of_queries(without_maximum, Q, K, V)
        assert (y is not None) == safe, row
    V *= np.finfo(dtype).max / 8  # then o overflows
    assert one_block_of_queries(without_maximum, *with_scores([[1, 2, 3]], dtype), V) is None


# Shapes, types and layouts


def test_batch_axes_are_broadcast(small_blocks):
    Q, K, V = draw(10, (2, 1, 17, 3), (4, 13, 3), (1, 4, 13, 5))
    for arrays in ((Q, K, V), (Q[0, 0], K, V[0]), (Q[:, 0], K[0], V[0, 0]), (Q[0, 0], K[0], V)):
        same_as_plain(*arrays)


@pytest.mark.parametrize(
    "lay",
    [
        lambda a: a[..., ::-1, ::-1],
        lambda a: np.broadcast_to(a[..., :1], a.shape),
        lambda a: a.astype(a.dtype.newbyteorder()),
    ],
    ids=["reversed", "broadcast", "byte order"],
)
def test_any_layout_is_read_and_left_alone(lay, small_blocks):
    arrays = [lay(a) for a in draw(11, (3, 17, 6), (3, 13, 6), (3, 13, 5))]
    before = [a.copy() for a in arrays]
    same_as_plain(*arrays)
    for a, b in zip(arrays, before):
        assert_array_equal(a, b)


@pytest.mark.parametrize(
    "shapes",
    [
        [(4, 2), (4, 3), (4, 2)],
        [(4, 2), (5, 2), (4, 2)],
        [(4, 2), (0, 2), (0, 2)],
        [(2, 4, 2), (3, 4, 2), (4, 2)],
    ],
)
def test_bad_shapes_and_types_are_refused_as_by_the_plain_function(shapes, small_blocks):
    arrays = [np.ones(shape) for shape in shapes]
    the_same_error(ValueError, *arrays)
    the_same_error(TypeError, *arrays[:2], arrays[2] * 1j)


# Blocks and memory


@pytest.mark.parametrize("heads, N, M", [(9, 128, 128), (1, 96, 1024)])
def test_small_inputs_go_to_the_plain_function(heads, N, M, monkeypatch):
    """Few weights in a head, or few in all."""
    monkeypatch.setattr(workers, "run", None)
    same_as_plain(*draw(16, (heads, N, 2), (heads, M, 2), (heads, M, 3)), atol=0)


@pytest.mark.parametrize(
    "heads, N, queries",
    [(8, 512, 256), (16, 384, 384), (16, 385, 193), (8, 1024, 342), (1, 1601, 101), (1, 3, 1)],
)
def test_queries_in_a_block(heads, N, queries):
    assert memory_efficient.queries_in_a_block(heads, N) == queries


def extra_memory(function, *arrays):
    """The most bytes held at a time beside the output; NumPy reports to tracemalloc."""
    tracemalloc.start()
    try:
        Y = function(*arrays)
        return tracemalloc.get_traced_memory()[1] - Y.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 100])
def test_memory_does_not_grow_with_the_input(scale, monkeypatch):
    """Four times the input: one number more per query, where there are 16 times the weights."""
    in_blocks(monkeypatch, 128, 128, count=1, itemsize=4)
    used = []
    for N in (1024, 4096):
        Q, K, V = draw(15, (2, N, 4), (2, N, 4), (2, N, 4), dtype=np.float32)
        used.append(extra_memory(memory_efficient_attention, scale * Q, K, V))
    assert used[1] <= used[0] + 2 * (4096 - 1024) * 5 + 2**15 and used[1] <= 2**19
    assert extra_memory(plain, Q[:, :1024], K, V) >= 2 * 1024 * 4096 * 4  # the measure works


# The workers


@pytest.fixture
def blas(monkeypatch):
    blas = Blas(3)
    monkeypatch.setattr(workers, "_BLAS", blas)
    return blas


def test_unknown_blas_has_one_worker(blas):
    blas.lib_controllers, threads = [], set()
    workers.run(lambda share: threads.update(threading.get_ident() for _ in share), range(50))
    assert workers.count() == len(threads) == 1


def test_each_task_once_and_one_blas_thread_per_worker(blas):
    together, seen, done = threading.Barrier(3, timeout=60), [], []

    def work(share):
        together.wait()
        seen.append((blas.num_threads, threading.get_ident()))
        done.extend(share)
        together.wait()

    workers.run(work, range(1000))
    assert sorted(done) == list(range(1000))
    assert [n for n, _ in seen] == [1, 1, 1] and len({thread for _, thread in seen}) == 3
    assert blas.settings == [3, 1, 3] and workers.count() == 3


@pytest.mark.parametrize("cores, own", [({4, 7, 9}, 3), ({4, 7}, 0)])
def test_workers_keep_to_a_core_each_where_there_are_as_many(cores, own, blas, monkeypatch):
    kept = []
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda thread: cores, raising=False)
    monkeypatch.setattr(
        workers.os, "sched_setaffinity", lambda thread, core: kept.append(core), raising=False
    )
    everyone = threading.Barrier(3)
    workers.run(lambda share: everyone.wait(timeout=30), range(3))
    assert len(kept) == own and set().union(*kept) <= cores
    assert len({core for (core,) in kept}) == own


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timer signals")
@pytest.mark.parametrize("delay", [None, 0.005, 0.03])
def test_an_error_or_ctrl_c_ends_all_workers_and_restores_the_blas(delay, blas):
    """Of 3 workers with 5000 tasks of 2 ms each stops after its current one."""
    done = []

    def work(share):
        for task in share:
            if task == 10 and not delay:
                raise MemoryError("no room")
            time.sleep(0.002)
            done.append(task)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt if delay else MemoryError):
            signal.setitimer(signal.ITIMER_REAL, delay or 0)
            workers.run(work, range(5000))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert len(done) < 4000 and not workers._LOCK.locked()
    assert blas.settings == [3, 1, 3] or (delay and blas.settings == [3])


def test_two_callers_take_turns(blas):
    """Otherwise the second would take the one thread left by the first for the setting."""
    inside, leave, seen = threading.Event(), threading.Event(), []

    def slow(share):
        inside.set()
        leave.wait(10)
        seen.extend(("slow", blas.num_threads) for _ in share)

    def quick(share):
        seen.extend(("quick", blas.num_threads) for _ in share)

    with ThreadPoolExecutor() as callers:
        callers.submit(workers.run, slow, range(5))
        assert inside.wait(10)
        callers.submit(workers.run, quick, range(5))
        time.sleep(0.05)
        leave.set()
    assert seen == [("slow", 1)] * 5 + [("quick", 1)] * 5
    assert blas.settings == [3, 1, 3, 1, 3]


def test_several_threads_get_their_own_results():
    before = workers.count()
    inputs = [draw(i, (900, 8), (500, 8), (500, 4)) for i in range(6)]
    with ThreadPoolExecutor(len(inputs)) as callers:
        list(callers.map(lambda QKV: same_as_plain(*QKV), inputs))
    assert workers.count() == before
