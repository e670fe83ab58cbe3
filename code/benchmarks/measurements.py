"""The committed measurements (results.json), reduced to what is drawn and said: medians over all rounds of all runs."""

import json
from pathlib import Path

import numpy as np

CLEAN, PROSE = "from clean, all claims checked", "a word added to the text"  # of what is timed in benchmarks.build
HEADS, D = 8, 64          # of the attention that is timed
WIDE, WIDE_N = 30, 4096   # logits so many times as wide, at this N
JAX_WHOLE_UP_TO = 8192    # further up JAX takes the heads one by one
FILE = Path(__file__).with_name("results.json")
PASSES = 12  # over the weights in the plain function: products 1 and 1, division 2, softmax: max 1, minus 2, exp 2, sum 1, division 2


def read(file=FILE):
    return json.loads(file.read_text())


def rounds(results, dtype, N, name, scale=1):
    """Seconds of each round of each run, nan where it sat out; None if it was not measured."""
    entries = [entry for run in results["attention"] for entry in run["times"]
               if (entry["dtype"], entry["N"], entry["scale"]) == (dtype, N, scale)]
    if not entries or name not in entries[0]["seconds"]:
        return None
    return np.concatenate([np.array(entry["seconds"][name], float) for entry in entries])


def sizes(results, dtype, name):
    """The N at which it was measured."""
    return [entry["N"] for entry in results["attention"][0]["times"]
            if (entry["dtype"], entry["scale"]) == (dtype, 1) and name in entry["seconds"]]


def seconds(results, dtype, name):
    """{N: median seconds}"""
    return {N: float(np.nanmedian(rounds(results, dtype, N, name))) for N in sizes(results, dtype, name)}


def ratio(results, dtype, N, rival, scale=1):
    """The median of rival's time / ours, round by round; nan where it was not measured."""
    theirs = rounds(results, dtype, N, rival, scale)
    return np.nan if theirs is None else float(np.nanmedian(theirs / rounds(results, dtype, N, "ours", scale)))


def held(results, name):
    """{N: median bytes held beside inputs and output}, float32."""
    found = {}
    for run in results["attention"]:
        for entry in run["memory"]:
            if name in entry["bytes"]:
                found.setdefault(entry["N"], []).append(entry["bytes"][name])
    return {N: float(np.median(values)) for N, values in found.items()}


def rates(results, dtype):
    """What the machine can do a second: (multiplications and additions of a large product, exponentials, bytes copied)."""
    runs = [run["rates"] for run in results["attention"]]
    return tuple(float(np.median(values)) for values in (
        [run[dtype]["flops"] for run in runs], [run[dtype]["exponentials"] for run in runs], [run["bytes"] for run in runs]))


def limit(results, dtype, N, heads=HEADS, d=D):
    """The seconds that the two products and one exponential a weight take at these rates."""
    flops, exponentials, _ = rates(results, dtype)
    return heads * N * N * (4 * d / flops + 1 / exponentials)


def intensity(N, d=D, size=4, block=None):
    """Operations of the two products a byte that moves, counted: weights pass by PASSES times, or keys and values once a block of queries."""
    moved = PASSES * N * N if block is None else d * (2 * N + 2 * N * N / min(N, block))
    return 4 * d * N * N / (size * moved)


def steps(results):
    """{dtype: {what is done instead: time / ours}}"""
    runs = [entry for run in results["attention"] for entry in run["without"]]
    found = {}
    for dtype in dict.fromkeys(entry["dtype"] for entry in runs):
        mine = [entry["seconds"] for entry in runs if entry["dtype"] == dtype]
        found[dtype] = {name: float(np.nanmedian(np.concatenate([np.array(taken[name], float) / np.array(taken["ours"]) for taken in mine])))
                        for name in mine[0] if name != "ours"}
    return found


def built(results, tool, what):
    """Median seconds of making the report; tool and what as in benchmarks.build."""
    return float(np.median([each["seconds"] for each in results["build"]["times"][tool][what]]))


def slope(curve):
    """The exponent p of the least-squares fit value = c N^p to {N: value}."""
    return float(np.polyfit(np.log(list(curve)), np.log(list(curve.values())), 1)[0])
