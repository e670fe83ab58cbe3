"""Workers that share the cores: as many as the BLAS has threads, each with one BLAS thread."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy  # noqa: F401 (loads the BLAS that the controller looks for)
from threadpoolctl import ThreadpoolController

_BLAS = ThreadpoolController().select(user_api="blas")
_LOCK = threading.Lock()  # the BLAS setting belongs to the process: one caller at a time


def count() -> int:
    """The number of workers: the threads of the BLAS, or 1 if it is unknown to threadpoolctl."""
    return max((library.num_threads for library in _BLAS.lib_controllers), default=1)


def run(work: Callable[[Iterator], None], tasks: Iterable) -> None:
    """Call work(share) in every worker; together the shares give each task (never None) once.

    Raises: what work raises. After an error or Ctrl-C each worker stops after its current task.
    """
    with _LOCK:
        n = count()
        queue = deque([*tasks, *[None] * n])
        cores = _cores_for(n)
        with _BLAS.limit(limits=1), ThreadPoolExecutor(n, "", _begin, (cores,)) as pool:
            try:
                shares = [iter(queue.popleft, None) for _ in range(n)]
                for worker in as_completed([pool.submit(work, share) for share in shares]):
                    worker.result()
            except BaseException:
                queue.extendleft([None] * n)
                raise


def _cores_for(n):
    """A core for each of n workers, where there are as many; else none."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return deque(cores if len(cores) == n else ())


def _begin(cores):
    """Prepare a worker's thread: one BLAS thread, and one core, which it keeps until it ends.

    Left to the system, two workers that hand Python's lock to each other end up on one core, and
    calls of a few milliseconds take up to a third longer.
    """
    for library in _BLAS.lib_controllers:
        library.set_num_threads(1)  # where this is the process's setting, it changes nothing
    if cores:
        os.sched_setaffinity(0, {cores.popleft()})
