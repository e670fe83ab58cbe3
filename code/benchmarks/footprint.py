"""python -m benchmarks.footprint NAME N: the bytes that a call holds at most beside its inputs and its output.

A process of its own, so that nothing is left from other calls. The first call loads and compiles; then free memory goes back
to the system, the system's record of the peak is reset (Linux), and the second call is measured.
"""

import ctypes
import gc
import re
import sys
from pathlib import Path

from benchmarks.attention import D, HEADS, contestants


def status(key):
    """A size from the system's account of this process, in bytes."""
    return int(re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)[1]) * 1024


def footprint(name, N):
    run = contestants(N, "float32", (name,))[name]
    run()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    result = run()
    peak = status("VmHWM")
    del result
    return max(0, peak - before - HEADS * N * D * 4)


if __name__ == "__main__":
    print(footprint(sys.argv[1], int(sys.argv[2])))
