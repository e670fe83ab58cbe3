"""Timing on a machine that is not quite quiet, and a description of the machine.

The contestants take turns, so that whatever else the machine does falls on all of them. A ratio
is taken within each round; what is reported is the median of the ratios.
"""

import datetime
import gc
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def in_turns(
    contestants: dict[str, Callable], seconds: float, label: str, least: int = 3
) -> dict[str, list[float]]:
    """{name: [seconds per call, one per round]}; the order changes from round to round.

    Rounds go on until `seconds` have passed, but there are at least `least`. A contestant that
    has used `seconds` alone sits out the further rounds (nan), after two at least; never the first.
    """
    calls = {name: max(1, round(0.03 / seconds_of(run))) for name, run in contestants.items()}
    names, times = list(contestants), {name: [] for name in contestants}
    start = time.perf_counter()
    while len(times[names[0]]) < least or time.perf_counter() - start < seconds:
        turn = len(times[names[0]])
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            used = np.nansum(times[name]) * calls[name]
            sits_out = name != names[0] and turn >= 2 and used > seconds
            times[name].append(
                float("nan") if sits_out else seconds_of(contestants[name], calls[name])
            )
        progress(label, min(1, (time.perf_counter() - start) / seconds))
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


def rounded(values):
    """Numbers in nested dictionaries and lists to 4 significant digits; nan as None."""
    if isinstance(values, dict):
        return {key: rounded(value) for key, value in values.items()}
    if isinstance(values, list):
        return [rounded(value) for value in values]
    return None if np.isnan(values) else float(f"{values:.4g}")


def progress(label: str = "", done: float = 0.0) -> None:
    """Show a bar and what is being measured, if there is a terminal."""
    if sys.stderr.isatty():
        bar = "#" * round(20 * done)
        line = f"[{bar:20}] {label}" if label else ""
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def machine() -> dict:
    """Processor, memory, system and versions; no names and no paths."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    memory = _after("/proc/meminfo", "MemTotal").split()
    described = {
        "processor": _after("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory": f"{int(memory[0]) / 2**20:.0f} GiB" if memory else "",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": f"{blas['name']} {blas['version']}",
    }
    versions = {
        name: sys.modules[name].__version__ for name in ("torch", "jax") if name in sys.modules
    }
    return described | versions


def now() -> dict:
    """The date, and how many processes waited for a core."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {"date": datetime.date.today().isoformat(), "load": round(load, 2)}


def _after(path, key):
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
