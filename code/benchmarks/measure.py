"""Timing on a machine that is not quite idle, and a description of the machine.

The contestants take turns, so that whatever else the machine does falls on all of them. A ratio
is taken within each round; what is reported is the median of the ratios.
"""

import gc
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def in_turns(
    contestants: dict[str, Callable], seconds: float, min_rounds: int = 3
) -> dict[str, list[float]]:
    """{name: [seconds per call, one per round]}; the order changes from round to round.

    Rounds go on until `seconds` have passed, but there are at least `min_rounds`. A contestant that
    has used `seconds` alone sits out the further rounds (nan), after two at least; never the first.
    """
    calls = {name: max(1, round(0.03 / seconds_of(run))) for name, run in contestants.items()}
    names, times = list(contestants), {name: [] for name in contestants}
    start = time.perf_counter()
    while len(times[names[0]]) < min_rounds or time.perf_counter() - start < seconds:
        turn = len(times[names[0]])
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            used = np.nansum(times[name]) * calls[name]
            sits_out = name != names[0] and turn >= 2 and used > seconds
            times[name].append(np.nan if sits_out else seconds_of(contestants[name], calls[name]))
    return times


def seconds_of(run: Callable, calls: int = 1, rest: float = 0.1) -> float:
    """The mean time of a call, after a rest.

    Threads of the libraries keep spinning for up to 70 ms after a call, and would take a core from
    the next contestant. Before short calls one is made that does not count, to fill the caches.
    """
    gc.collect()
    time.sleep(rest)
    if calls > 1:
        run()
    start = time.perf_counter()
    for _ in range(calls):
        result = run()
    end = time.perf_counter()
    del result
    return (end - start) / calls


def best(run: Callable, seconds: float = 1.5) -> float:
    """The shortest time of a call within so many seconds: for the rates of the machine."""
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 3:
        times.append(seconds_of(run, rest=0))
    return min(times)


def round_all(values):
    """Numbers in nested dictionaries and lists to 4 significant digits; nan as None."""
    if isinstance(values, dict):
        return {key: round_all(value) for key, value in values.items()}
    if isinstance(values, list):
        return [round_all(value) for value in values]
    return None if np.isnan(values) else float(f"{values:.4g}")


def progress(label: str = "") -> None:
    """Show what is being measured, if there is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{label}", end="", file=sys.stderr, flush=True)


def machine() -> dict:
    """Processor, memory, system and versions; no names and no paths. Linux only."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    memory = kilobytes("/proc/meminfo", "MemTotal") / 2**20
    described = {
        "processor": _value("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": f"{blas['name']} {blas['version']}",
    }
    loaded = [name for name in ("torch", "jax") if name in sys.modules]
    return described | {name: sys.modules[name].__version__ for name in loaded}


def kilobytes(path: str, key: str) -> int:
    """A size in one of Linux's accounts: /proc/meminfo, /proc/self/status."""
    return int(_value(path, key).removesuffix(" kB"))


def _value(path, key):
    """The value of the first line `key: value` of a file; empty if there is none."""
    match = re.search(rf"^{key}\s*:\s*(.*)$", Path(path).read_text(), re.MULTILINE)
    return match[1] if match else ""
