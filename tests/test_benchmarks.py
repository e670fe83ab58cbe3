"""What is made of the measurements, and the committed ones; nothing here depends on how fast anything is."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import measure, measurements
from plots import memory

NAN = float("nan")
CODE = Path(__file__).parents[1] / "code"


def run(times, held=({},), without=(), flops=2e9, exponentials=1e9):
    return {"times": [dict(zip(("dtype", "N", "scale", "seconds"), entry)) for entry in times],
            "memory": [{"N": N, "bytes": names} for N, names in dict(enumerate(held, 1)).items()],
            "without": [{"dtype": dtype, "N": 8, "seconds": seconds} for dtype, seconds in without],
            "rates": {"float32": {"flops": flops, "exponentials": exponentials}, "bytes": 5e9}}


@pytest.fixture
def two_runs():
    return {"attention": [
        run([("float32", 4, 1, {"ours": [1, 2, 4], "torch": [3, 2, None]}), ("float32", 8, 1, {"ours": [8.0]}),
             ("float32", 4, 30, {"ours": [1], "torch": [7]}), ("float64", 4, 1, {"ours": [5], "torch": [10]})],
            held=({"ours": 10, "torch": 3},), without=[("float32", {"ours": [1, 2], "by hand": [3, 8]})], flops=1e9, exponentials=4e9),
        run([("float32", 4, 1, {"ours": [2], "torch": [10]}), ("float32", 8, 1, {"ours": [4.0]})],
            held=({"ours": 20, "torch": 5},), without=[("float32", {"ours": [2], "by hand": [10]})], flops=3e9, exponentials=2e9)]}


def test_times_are_medians_over_the_rounds_of_all_runs(two_runs):
    assert measurements.seconds(two_runs, "float32", "ours") == {4: 2, 8: 6}   # of 1, 2, 4, 2 and of 8, 4
    assert measurements.seconds(two_runs, "float32", "torch") == {4: 3}        # of 3, 2, 10; a round sat out
    assert measurements.seconds(two_runs, "float64", "ours") == {4: 5}


def test_a_ratio_is_taken_within_its_round(two_runs):
    assert measurements.ratio(two_runs, "float32", 4, "torch") == 3            # of 3/1, 2/2, 10/2, not 3/2
    assert measurements.ratio(two_runs, "float32", 4, "torch", scale=30) == 7
    assert math.isnan(measurements.ratio(two_runs, "float32", 8, "torch"))


def test_memory_steps_and_rates(two_runs):
    assert measurements.held(two_runs, "ours") == {1: 15}
    assert measurements.held(two_runs, "nobody") == {}
    assert measurements.steps(two_runs) == {"float32": {"by hand": 4}}         # of 3, 4, 5
    assert measurements.rates(two_runs, "float32") == (2e9, 3e9, 5e9)


def test_the_limit_is_two_products_and_one_exponential_a_weight(two_runs):
    """2 heads, N = 10: 200 weights, each with 3 multiplications and 3 additions in either product."""
    assert measurements.limit(two_runs, "float32", 10, heads=2, d=3) == pytest.approx(200 * (12 / 2e9 + 1 / 3e9))


def test_intensity():
    """N = 6, d = 2: 288 operations. At once: 36 weights pass 12 times. In blocks of 3 queries: Q and Y once, K and V twice; of 9: once."""
    assert measurements.intensity(6, d=2, size=4) == 288 / (4 * 12 * 36)
    assert measurements.intensity(6, d=2, size=4, block=3) == 288 / (4 * 2 * (12 + 24))
    assert measurements.intensity(6, d=2, size=4, block=9) == 288 / (4 * 2 * (12 + 12))


@pytest.mark.parametrize("power", [-1, 0, 2, 2.5])
def test_the_slope_is_the_exponent(power):
    assert measurements.slope({N: 3e-7 * N**power for N in (3, 5, 40)}) == pytest.approx(power)


def test_all_take_turns_and_who_is_too_slow_sits_out(monkeypatch):
    """A clock of our own: calls of 1, 2 and 50 seconds, 60 seconds to fill. The slow one has used them up after two rounds."""
    clock, called = [0.0], []
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(measure.time, "sleep", lambda seconds: None)

    def contestant(name, seconds):
        def run():
            called.append(name)
            clock[0] += seconds
        return run
    made = {name: contestant(name, seconds) for name, seconds in (("a", 1), ("b", 2), ("c", 50))}
    taken = measure.in_turns(made, 60, "", least=5, patience=1)
    assert "".join(called) == "abc" + "abc" + "bca" + "ab" + "ab" + "ba"
    assert taken["a"] == [1] * 5 and taken["b"] == [2] * 5
    np.testing.assert_array_equal(taken["c"], [50, 50, NAN, NAN, NAN])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux alone tells the peak of a process and forgets it again")
def test_the_footprint_sees_what_is_held():
    """A stand-in that fills 64 MiB beside its output, and frees them again, is found to hold them; one that does not, is not."""
    program = """
import numpy as np
from benchmarks import footprint
def contestants(N, dtype, names):
    def run():
        output = np.ones((footprint.HEADS, N, footprint.D), dtype)
        np.ones(int(names[0]) * 2**17).sum()
        return output
    return {names[0]: run}
footprint.contestants = contestants
print(footprint.footprint("64", 4096), footprint.footprint("0", 4096))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          env=os.environ | {"PYTHONPATH": str(CODE)})
    much, little = (int(size) / 2**20 for size in done.stdout.split())
    assert 60 <= much <= 72 and little <= 8


# The committed measurements

COMMITTED = measurements.read()


def test_three_runs_on_a_described_machine():
    assert len(COMMITTED["attention"]) == 3
    assert {"processor", "cores", "memory", "NumPy", "BLAS", "torch", "jax"} <= set(COMMITTED["machine"])
    assert not re.search(r"/(home|root|work|tmp|Users)\b", json.dumps(COMMITTED))


def test_each_run_measures_the_same():
    shapes = [[(entry["dtype"], entry["N"], entry["scale"], sorted(entry["seconds"])) for entry in run["times"]] for run in COMMITTED["attention"]]
    assert shapes[0] == shapes[1] == shapes[2]
    assert {N for _, N, *_ in shapes[0]} == {512, 1024, 2048, 4096, 8192, 16384}


def test_the_curves_are_the_measurements():
    names = list(memory.STYLES)
    seconds = {name: measurements.seconds(COMMITTED, "float32", name) for name in names}
    held = {name: measurements.held(COMMITTED, name) for name in names}
    limit, output = {N: 0.5 * t for N, t in seconds["ours"].items()}, {N: 2048 * N for N in seconds["ours"]}
    figure = memory.scaling(seconds, limit, held, output)
    for ax, curves, thin in zip(figure.axes, (seconds, held), (limit, output)):
        lines = [dict(zip(*line.get_data())) for line in ax.lines]
        assert lines == [*(curves[name] for name in names), thin]


@pytest.mark.parametrize("heights", [[0.5, 0.51, 0.49], [1, 1, 1, 1], [0, 2, 0.05]])
def test_labels_move_apart_and_keep_their_order(heights):
    moved = memory._apart(heights, gap=0.2)
    assert np.diff(np.sort(moved)).min() > 0.199 and moved.mean() == pytest.approx(np.mean(heights))
    assert np.array_equal(np.argsort(moved, kind="stable"), np.argsort(heights, kind="stable"))


def test_labels_that_are_apart_stay():
    assert np.array_equal(memory._apart([3, 1, 2], gap=0.5), [3, 1, 2])


def test_the_roof_is_the_lower_of_memory_and_products():
    figure = memory.roofline(1e11, 1e10, 6e10, {"plain": {9: (5, 2e10)}, "ours": {9: (90, 5e10), 20: (300, 5.5e10)}})
    (x, roof), (_, dashed), plain, ours = (line.get_data() for line in figure.axes[0].lines)
    np.testing.assert_allclose(roof, np.minimum(1e10 * np.array(x), 1e11))
    assert x[0] < 5 and x[1] == 10 and x[-1] > 300
    assert {*dashed} == {6e10}
    assert [*zip(*plain)] == [(5, 2e10)] and [*zip(*ours)] == [(90, 5e10), (300, 5.5e10)]
