"""Timing that can be trusted on a machine that is not quite quiet, and what the machine is.

The contestants take turns, so that whatever else the machine does falls on all of them. A ratio is taken within each round
and the median of the ratios reported, with the quartiles as its spread.
"""

import datetime
import gc
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np


def in_turns(contestants, seconds, label, least=5, most=200, patience=3):
    """{name: [seconds a call, one a round]} for functions without arguments, called in turn, in another order each round.

    Rounds go on until `seconds` are over, but there are at least `least`. One that has used `patience` times `seconds` sits out
    the further rounds (nan), after two at least.
    """
    calls = {name: max(1, round(0.03 / seconds_of(run))) for name, run in contestants.items()}  # a turn takes 30 ms or more
    names, times = list(contestants), {name: [] for name in contestants}
    start = time.perf_counter()
    while len(times[names[0]]) < least or time.perf_counter() - start < seconds and len(times[names[0]]) < most:
        turn = len(times[names[0]])
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            sits_out = name != names[0] and turn >= 2 and np.nansum(times[name]) * calls[name] > patience * seconds
            times[name].append(float("nan") if sits_out else seconds_of(contestants[name], calls[name]))
        progress(label, min(1, (time.perf_counter() - start) / seconds))
    return times


def seconds_of(run, calls=1, rest=0.1):
    """The mean time of so many calls, after a rest: the threads of the libraries keep spinning for up to 70 ms after a call,
    and would take a core from whoever comes next. Short calls are preceded by one that is not counted, to fill the caches.
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


def best(run, seconds=1.5):
    """The shortest time of a call within so many seconds: for the rates of the machine."""
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 3:
        times.append(seconds_of(run, rest=0))
    return min(times)


def quartiles(values):
    """(lower quartile, median, upper quartile) of the values that are not nan."""
    return tuple(float(q) for q in np.nanpercentile(values, [25, 50, 75]))


def slope(sizes, values):
    """The exponent p of the least-squares fit values = c sizes^p."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def progress(label="", done=0.0):
    """One line on the terminal: a bar and what is being measured; nothing where there is no terminal."""
    if sys.stderr.isatty():
        bar = "#" * round(20 * done)
        print(f"\r\x1b[K[{bar:20}] {label}" if label else "\r\x1b[K", end="", file=sys.stderr, flush=True)


def machine():
    """What was measured on: processor, memory, system, versions. No names, no paths."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    described = {
        "processor": _after("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cache of a core": _read("/sys/devices/system/cpu/cpu0/cache/index2/size"),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": f"{blas['name']} {blas['version']}",
    }
    for name in ("torch", "jax"):
        if name in sys.modules:
            described[name] = sys.modules[name].__version__
    return described


def now():
    """The date, and the processes that were waiting for a core: a quiet machine has fewer than it has cores."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {"date": datetime.date.today().isoformat(), "load": round(load, 2)}


def _read(path):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _after(path, key):
    return next((line.split(":", 1)[1].strip() for line in _read(path).splitlines() if line.startswith(key)), "")


def _memory():
    kilobytes = _after("/proc/meminfo", "MemTotal").split()
    return f"{int(kilobytes[0]) / 2**20:.0f} GiB" if kilobytes else ""
