"""Workers that share the cores: as many as the BLAS has threads, and meanwhile the BLAS with one thread for each.

NumPy lets other Python threads run while it computes. Left alone, the products of several workers would each claim all
cores and wait for one another. NumPy has no call that sets the threads of the BLAS; threadpoolctl finds the library it has
loaded and sets them. Where it knows no BLAS, or may not set it, there is one worker.
"""

import _thread
import contextlib
import functools
import itertools
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import numpy  # noqa: F401, loads the BLAS that is looked for below
from threadpoolctl import ThreadpoolController

_BLAS = ThreadpoolController().select(user_api="blas")


def run(work, tasks):
    """Call work(share) in every worker; the shares are iterators that together give each task once.

    Raises: what work raises. After an error or Ctrl-C each worker ends with the task it is at. Not to be called from work.
    """
    queue = deque(tasks)
    try:
        _aside(_lead, work, queue)
    except BaseException:
        queue.clear()
        count()  # answered once all is as before
        raise


def count():
    """The number of workers: the threads that the BLAS is set to when none is at work."""
    return _aside(_in_turn, _blas_threads)


def _aside(function, *arguments):
    """function(*arguments), in a thread of its own: Ctrl-C, which Python raises in the main thread only, never cuts it short."""
    answer = SimpleQueue()  # unlike a Future, it has no lock that Ctrl-C could leave locked

    def thread():
        try:
            answer.put((function(*arguments), None))
        except BaseException as error:
            answer.put((None, error))
    _thread.start_new_thread(thread, ())  # threading.Thread has such a lock too
    while True:
        with contextlib.suppress(Empty):
            result, error = answer.get(timeout=0.1)  # Ctrl-C just before a wait begins is noticed only when it is over
            break
    if error is not None:
        raise error
    return result


def _lead(work, queue):
    def worker():
        try:
            work(_share(queue))
        finally:
            queue.clear()  # empty already, unless work failed: then the others stop too

    def all_workers():
        if not queue:  # after Ctrl-C
            return
        n = _blas_threads()
        with _BLAS.limit(limits=1):
            n = n if _blas_threads() == 1 else 1  # another thread has a say over the BLAS: then this sets nothing
            ends = [_pool(n).submit(worker) for _ in range(n)]
            errors = [end.exception() for end in ends]
        for error in filter(None, errors):
            raise error
    _in_turn(all_workers)


def _share(queue):
    while queue:
        try:
            yield queue.popleft()
        except IndexError:  # another worker was faster
            return


def _in_turn(function):
    """One call at a time: what the BLAS is set to while workers are at work is not its setting."""
    with _TURN:
        return function()


def _blas_threads():
    return max((library.num_threads for library in _BLAS.lib_controllers), default=1)


@functools.cache
def _pool(n):
    """n threads that stay until Python ends: waking them takes less time than beginning new ones.

    With as many as there are cores each keeps to a core of its own. Left to the system, two that hand Python's lock to each
    other are drawn to one core, and calls of a few milliseconds take twice as long.
    """
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    own = iter(cores) if len(cores) == n else iter(())

    def keep_to_a_core():
        for core in itertools.islice(own, 1):
            os.sched_setaffinity(0, {core})  # of this thread
    return ThreadPoolExecutor(n, initializer=keep_to_a_core)


def _begin():
    """Also in a forked process, which has none of the threads."""
    global _TURN
    _TURN = threading.Lock()
    _pool.cache_clear()


_begin()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin)
