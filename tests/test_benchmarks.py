"""What is computed from the measurements, and the committed ones; nothing depends on speed."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import attention, build, measure, measurements

NAN = float("nan")
CODE = Path(__file__).parents[1] / "code"
COMMITTED = measurements.read()


def run(times, held, flops, exponentials):
    keys = ("dtype", "N", "seconds")
    return {
        "times": [dict(zip(keys, entry)) for entry in times],
        "memory": [{"N": 1, "bytes": {"ours": held}}],
        "rates": {"float32": {"flops": flops, "exponentials": exponentials}, "bytes": 5e9},
    }


FIRST = [
    ("float32", 4, {"ours": [1, 2, 4], "torch": [3, 2, None]}),
    ("float32", 8, {"ours": [8.0]}),
    ("float64", 4, {"ours": [9]}),
]
SECOND = [("float32", 4, {"ours": [2], "torch": [10]}), ("float32", 8, {"ours": [4.0]})]
TWO_RUNS = {"attention": [run(FIRST, 10, 1e9, 4e9), run(SECOND, 20, 3e9, 2e9)]}


def test_times_are_medians_over_the_rounds_of_all_runs():
    assert measurements.seconds(TWO_RUNS, "float32", "ours") == {4: 2, 8: 6}  # of 1, 2, 4, 2
    assert measurements.seconds(TWO_RUNS, "float32", "torch") == {4: 3}  # of 3, 2, 10
    assert measurements.bytes_held(TWO_RUNS, "ours") == {1: 15}
    assert measurements.bytes_held(TWO_RUNS, "nobody") == {}
    assert measurements.rates(TWO_RUNS, "float32") == (2e9, 3e9, 5e9)


def test_a_ratio_is_taken_within_its_round():
    assert measurements.ratio(TWO_RUNS, "float32", 4, "torch") == 3  # of 3/1, 2/2, 10/2, not 3/2
    assert math.isnan(measurements.ratio(TWO_RUNS, "float32", 8, "torch"))


def test_the_limit_is_two_products_and_one_exponential_per_weight():
    """2 heads, N = 10: 200 weights, each with 3 multiplications and 3 additions per product."""
    limit = measurements.limit(TWO_RUNS, "float32", 10, heads=2, d=3)
    assert limit == pytest.approx(200 * (12 / 2e9 + 1 / 3e9))


def test_intensity():
    """N = 6, d = 2: 288 operations; in blocks of 3 queries K and V pass twice, of 9 once."""
    assert measurements.intensity(6, d=2) == 288 / (4 * 12 * 36)
    assert measurements.intensity(6, d=2, block=3) == 288 / (4 * 2 * (12 + 24))
    assert measurements.intensity(6, d=2, block=9) == 288 / (4 * 2 * (12 + 12))


@pytest.mark.parametrize("power", [-1, 0, 2, 2.5])
def test_the_slope_is_the_exponent(power):
    curve = {N: 3e-7 * N**power for N in (3, 5, 40)}
    assert measurements.slope(curve) == pytest.approx(power)


@pytest.mark.slow
def test_all_take_turns_and_the_slow_one_sits_out(monkeypatch):
    """Calls of 1, 2 and 50 s by a clock of our own: after two rounds the slow one is out."""
    clock, called = [0.0], []
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(measure.time, "sleep", lambda seconds: None)

    def contestant(name, seconds):
        def run():
            called.append(name)
            clock[0] += seconds

        return run

    made = {name: contestant(name, seconds) for name, seconds in (("a", 1), ("b", 2), ("c", 50))}
    taken = measure.in_turns(made, 60, min_rounds=5)
    assert "".join(called) == "abc" + "abc" + "bca" + "ab" + "ab" + "ba"
    assert taken["a"] == [1] * 5
    np.testing.assert_array_equal(taken["c"], [50, 50, NAN, NAN, NAN])


@pytest.mark.parametrize("name", ["ours", "plain"])
def test_contestants_agree(name):
    made = attention.contestants(256, "float32", (name,))
    attention.check_agreement(made, "float32")
    with pytest.raises(ValueError, match="wrong .*1"):
        attention.check_agreement(made | {"wrong": lambda: made["ours"]() + 1}, "float32")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_the_footprint_sees_what_is_held():
    program = """
import numpy as np
from benchmarks.footprint import footprint
def run(extra):
    output = np.ones(2**21)
    np.ones(extra * 2**17).sum()
    return output
print(footprint(lambda: run(64), 2**24), footprint(lambda: run(0), 2**24))
"""
    environment = os.environ | {"PYTHONPATH": str(CODE)}
    said = subprocess.check_output([sys.executable, "-c", program], timeout=100, env=environment)
    much, little = (int(size) / 2**20 for size in said.split())
    assert 60 <= much <= 72 and little <= 8


def test_the_committed_measurements_are_whole_and_name_no_folder(tmp_path):
    assert {"processor", "cores", "memory", "NumPy", "torch", "jax"} <= set(COMMITTED["machine"])
    assert not re.search(r"/(home|root|work|tmp|Users)\b", json.dumps(COMMITTED))
    shapes = [
        [(entry["dtype"], entry["N"], *entry["seconds"]) for entry in run["times"]]
        for run in COMMITTED["attention"]
    ]
    assert len(shapes) == command.RUNS and shapes[0] == shapes[1] == shapes[2]
    assert {N for _, N, *_ in shapes[0]} == set(attention.SIZES)
    measurements.write(COMMITTED, tmp_path / "copy.json")
    assert (tmp_path / "copy.json").read_bytes() == measurements.FILE.read_bytes()


def test_a_pass_of_latex_is_measured_as_the_build_makes_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("build").mkdir()
    for suffix in ("aux", "toc", "bbl"):
        Path(f"build/report.{suffix}").touch()
    run = []
    monkeypatch.setattr(
        subprocess, "run", lambda command, env, **_: run.append((command[0], env["TEXINPUTS"]))
    )
    assert build.one_pass() > 0 and run == [("pdflatex", "code/weaving:build:")]
