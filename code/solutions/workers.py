"""Workers that share the cores: as many as the BLAS has threads, each with one BLAS thread."""

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

    Raises: what work raises. After an error or Ctrl-C each worker ends with its current task.
    """
    with _LOCK:
        n = count()
        queue = deque([*tasks, *[None] * n])
        with _BLAS.limit(limits=1), ThreadPoolExecutor(n, initializer=_one_thread) as pool:
            try:
                shares = [iter(queue.popleft, None) for _ in range(n)]
                for worker in as_completed([pool.submit(work, share) for share in shares]):
                    worker.result()
            except BaseException:
                queue.extendleft([None] * n)
                raise


def _one_thread():
    """Some libraries have a setting per thread; where it is the process's, this changes nothing."""
    for library in _BLAS.lib_controllers:
        library.set_num_threads(1)
