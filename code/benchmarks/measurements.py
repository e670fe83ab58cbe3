"""The committed measurements (results.json): medians over all rounds of all runs."""

import json
import re
from pathlib import Path

import numpy as np

HEADS, D = 8, 64  # of the attention that is timed
MAX_WHOLE_JAX = 8192  # inputs: beyond, JAX takes the heads one by one
FILE = Path(__file__).with_name("results.json")
# How often the plain function reads or writes its weights: each product 1, the division by sqrt(d)
# 2; in the softmax the maximum 1, its subtraction 2, exp 2, sum 1, division 2.
PASSES = 12


def read() -> dict:
    return json.loads(FILE.read_text())


def write(results: dict, file: Path = FILE) -> None:
    """As JSON, each list of numbers on one line."""
    text = json.dumps(results, indent=1)
    one_line = re.sub(r"\[[^][{}]*\]", lambda numbers: " ".join(numbers[0].split()), text)
    file.write_text(one_line + "\n")


def rounds(results: dict, dtype: str, N: int, name: str) -> np.ndarray | None:
    """Seconds of each round of each run, nan where it sat out; None if it was not measured."""
    entries = [
        entry["seconds"]
        for run in results["attention"]
        for entry in run["times"]
        if (entry["dtype"], entry["N"]) == (dtype, N)
    ]
    if not entries or name not in entries[0]:
        return None
    return np.concatenate([np.array(entry[name], float) for entry in entries])


def sizes(results: dict, dtype: str, name: str) -> list[int]:
    """The N at which it was measured."""
    return [
        entry["N"]
        for entry in results["attention"][0]["times"]
        if entry["dtype"] == dtype and name in entry["seconds"]
    ]


def seconds(results: dict, dtype: str, name: str) -> dict[int, float]:
    """{N: median seconds}"""
    return {
        N: float(np.nanmedian(rounds(results, dtype, N, name))) for N in sizes(results, dtype, name)
    }


def ratio(results: dict, dtype: str, N: int, rival: str) -> float:
    """The median of the rival's time / ours, round by round; nan if it was not measured."""
    theirs, ours = rounds(results, dtype, N, rival), rounds(results, dtype, N, "ours")
    return np.nan if theirs is None else float(np.nanmedian(theirs / ours))


def bytes_held(results: dict, name: str) -> dict[int, float]:
    """{N: median bytes held beside inputs and output}, float32."""
    found = {}
    for run in results["attention"]:
        for entry in run["memory"]:
            if name in entry["bytes"]:
                found.setdefault(entry["N"], []).append(entry["bytes"][name])
    return {N: float(np.median(values)) for N, values in found.items()}


def rates(results: dict, dtype: str) -> tuple[float, float, float]:
    """Multiplications and additions of a large product, exponentials, bytes copied, per second."""
    runs = [run["rates"] for run in results["attention"]]
    return (
        float(np.median([run[dtype]["flops"] for run in runs])),
        float(np.median([run[dtype]["exponentials"] for run in runs])),
        float(np.median([run["bytes"] for run in runs])),
    )


def limit(results: dict, dtype: str, N: int, heads: int = HEADS, d: int = D) -> float:
    """The seconds that two products and one exponential per weight take at these rates."""
    flops, exponentials, _ = rates(results, dtype)
    return heads * N * N * (4 * d / flops + 1 / exponentials)


def intensity(N: int, d: int = D, block: int | None = None) -> float:
    """Operations of the two products per byte moved in float32, counted.

    What moves is the weights, PASSES times; with blocks of so many queries, Q and Y once and K
    and V once per block.
    """
    moved = PASSES * N * N if block is None else d * (2 * N + 2 * N * N / min(N, block))
    return 4 * d * N * N / (4 * moved)


def slope(curve: dict[int, float]) -> float:
    """The exponent p of the least-squares fit value = c N^p to {N: value}."""
    return float(np.polyfit(np.log(list(curve)), np.log(list(curve.values())), 1)[0])
