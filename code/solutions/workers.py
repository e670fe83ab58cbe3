"""Workers that share the cores: as many as the BLAS has threads, and meanwhile the BLAS with one thread for each.

NumPy lets other Python threads run while it computes. Left alone, the products of several workers would each claim all
cores and wait for one another. NumPy has no call that sets the threads of the BLAS it is linked to, so the two functions
of OpenBLAS are looked up in the library it has loaded; with any other BLAS there is one worker, and nothing is set.
"""

import _thread
import ctypes
import itertools
import threading
from collections import deque

import numpy as np


def run(work, tasks):
    """Call work(share) in every worker; the shares are iterators that together give each task once. The caller is a worker too.

    Raises: what work raises. After an error or Ctrl-C each worker ends with the task it is at, and the BLAS is set as before.
    """
    places = [threading.Lock() for _ in range(count() - 1)]  # one for each helper, held while it is at work
    ends = [None] * (len(places) + 1)                        # one for each worker
    queue, errors = deque([*tasks, *ends]), []

    def worker():
        this = object()
        try:
            if queue[0] is not None:
                ONE_THREAD_EACH.enter(this)
                work(iter(queue.popleft, None))
        except BaseException as error:
            errors.append(error)
            queue.extendleft(ends)
        finally:
            try:
                ONE_THREAD_EACH.leave(this)
            finally:
                ONE_THREAD_EACH.leave(this)  # once more: Ctrl-C may have cut the first short

    def helper(place):
        with place:
            worker()

    def wait():
        queue.extendleft(ends)               # a helper that begins now finds nothing to do
        for place in places:
            with place:                      # a helper at work comes to its end
                pass

    try:
        for place in places:                 # threading.Thread would wait for it to begin, and does not bear Ctrl-C there
            _thread.start_new_thread(helper, (place,))
        worker()
    finally:
        try:
            wait()
        finally:
            wait()
    if errors:
        raise errors[0]


def count():
    """The number of workers: the threads that the BLAS is set to when none is at work."""
    return ONE_THREAD_EACH.before or ONE_THREAD_EACH.get()


class OneThreadEach:
    """While anyone is inside, the BLAS gives each product one thread; the last one out restores its setting.

    Workers of several calls may be inside at once. Entering or leaving may be cut short by Ctrl-C at any point; leaving again is
    harmless and completes it.
    """

    def __init__(self, get, set):
        self.get, self.set = get, set
        self.before = None  # the threads of the BLAS when nobody is inside
        self.inside, self.lock = [], threading.Lock()

    def enter(self, who):
        with self.lock:
            self.inside.append(who)
            if self.before is None:
                self.before = self.get()
            self.set(1)

    def leave(self, who):
        with self.lock:
            if who in self.inside:
                self.inside.remove(who)
            if not self.inside and self.before is not None:
                self.set(self.before)
                self.before = None


def openblas():
    """The functions that get and set the number of threads; with another BLAS, two that know of one thread only."""
    linked = ctypes.CDLL(np._core._multiarray_umath.__file__)  # names are also looked up in what this is linked to
    for prefix, suffix in itertools.product(("scipy_", ""), ("64_", "")):
        get, set = (f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set"))
        if hasattr(linked, set):
            return getattr(linked, get), getattr(linked, set)
    return lambda: 1, lambda threads: None


ONE_THREAD_EACH = OneThreadEach(*openblas())
