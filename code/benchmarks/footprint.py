"""python -m benchmarks.footprint NAME N: the most bytes a call holds beside inputs and output.

Runs in a process of its own, so that no other call's memory counts. The first call loads and
compiles; then free memory is returned to the system, the recorded peak is reset (Linux only), and
the second call is measured.
"""

import ctypes
import gc
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.attention import HEADS, D, contestants
from benchmarks.measure import kilobytes


def footprint(run: Callable, output_bytes: int) -> int:
    """The most bytes that run() holds beside its output."""
    run()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = kilobytes("/proc/self/status", "VmRSS")
    result = run()
    peak = kilobytes("/proc/self/status", "VmHWM")
    del result
    return max(0, 1024 * (peak - before) - output_bytes)


if __name__ == "__main__":
    name, N = sys.argv[1], int(sys.argv[2])
    print(footprint(contestants(N, "float32", (name,))[name], HEADS * N * D * 4))
