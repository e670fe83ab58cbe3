"""What a chunk prints, and guards against what would be lost: late output, logging, input."""

import contextlib
import io
import logging
import os
import sys
import tempfile
import threading

from weaving.inputs import pause_recording

LATE = "a thread or process printed after its chunk had ended; join or wait for it in the chunk"


class LateOutput(RuntimeError):
    """A thread printed after its chunk had ended."""


class CapturedOutput:
    """Use as a context; `text` is what this process and its children printed, and its threads."""

    def __enter__(self):
        sys.stdout.flush()
        self.threads = set(threading.enumerate())
        with pause_recording():
            self.file = tempfile.TemporaryFile()
        self.saved, self.stdout = os.dup(1), sys.stdout
        os.dup2(self.file.fileno(), 1)
        raw = open(1, "wb", buffering=0, closefd=False)
        sys.stdout = Stdout(raw, "utf-8", write_through=True)
        self.ours = sys.stdout
        sys.stdout.strangers = self.threads - {threading.current_thread()}
        return self

    def __exit__(self, kind, error, trace):
        chunk = isinstance(self.stdout, Stdout)  # or all of them, whose own fault it is not
        replaced = chunk and error is None and sys.stdout is not self.ours
        if error is None:
            _join(set(threading.enumerate()) - self.threads)
        sys.stdout = self.stdout
        os.dup2(self.saved, 1)
        os.close(self.saved)
        if error is None and not replaced:
            self.file.seek(0)
            data = self.file.read()
            self.size, self.text = len(data), data.decode("utf-8").replace("\r\n", "\n")
            return
        self.file.close()
        if replaced:
            message = "the chunk replaced sys.stdout and did not restore it"
            raise RuntimeError(f"{message}; use contextlib.redirect_stdout")

    def close(self):
        """How many bytes a process has printed since: they are lost."""
        with self.file:
            return os.fstat(self.file.fileno()).st_size - self.size


class Stdout(io.TextIOWrapper):
    """Refuses what a thread of an earlier chunk prints; it would stand in the wrong place."""

    strangers = frozenset()
    refused = False

    def write(self, text):
        if threading.current_thread() in self.strangers:
            Stdout.refused = True  # a pool keeps the exception to itself
            raise LateOutput(LATE)
        return super().write(text)


def _join(threads):
    """Wait for threads. Those of an executor wait for work, and would not end."""
    executor = sys.modules.get("concurrent.futures.thread")
    waiting = getattr(executor, "_threads_queues", {})
    for thread in threads:
        if not thread.daemon and thread not in waiting:
            thread.join()


@contextlib.contextmanager
def swapped(owner, name, value):
    """Give owner.name another value for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class LoggedWarning(Warning):
    """A library said something through logging (Matplotlib does, of fonts)."""


def logging_raises():
    """Make logged warnings raise; with a handler for it, logging.basicConfig would do nothing."""
    real = logging.Logger.callHandlers

    def raising(logger, record):
        ancestor = logger
        while ancestor.propagate and ancestor.parent:
            ancestor = ancestor.parent
        serious = record.levelno >= logging.WARNING and ancestor is logging.root
        if serious and threading.current_thread() is threading.main_thread():
            raise LoggedWarning(record.getMessage())
        if not serious or logger.hasHandlers():  # else Matplotlib's thread logs its fonts
            real(logger, record)

    return swapped(logging.Logger, "callHandlers", raising)


@contextlib.contextmanager
def no_input():
    """A build has nobody to type input: input() raises EOFError, and a child reads nothing."""
    saved = os.dup(0)
    with open(os.devnull) as nothing, swapped(sys, "stdin", nothing):
        os.dup2(nothing.fileno(), 0)
        try:
            yield
        finally:
            os.dup2(saved, 0)
            os.close(saved)


def exit_raises():
    """Make os._exit raise: it would end the build with a status that says all is well."""
    builder, real = os.getpid(), os._exit

    def _exit(status):
        if os.getpid() != builder:  # a forked process may end that way
            real(status)
        raise SystemExit(f"os._exit({status})")

    return swapped(os, "_exit", _exit)
