"""The first pass of LaTeX, which reads the document through a pipe while its chunks run.

If it changes nothing that a pass reads (contents, references), it is the last one, too. Where that
is in doubt, latexmk makes another: above all if a chunk writes files or starts processes, since
LaTeX may have looked for the files before.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from weaving import tex

NOT_READ_AGAIN = (".log", ".pdf", ".synctex")
LINES_OF_A_FIGURE = 5  # in LaTeX's list of the files it read, if it is included once
PIPE_SIZE = 1 << 20  # bytes; chunks then hardly ever wait for LaTeX


class FirstPass:
    """`write` each part of the document; then ask whether it `was_last`, or `cancel` it."""

    def __init__(self, job: tex.Job):
        """Start LaTeX, which waits for what is written. `tex.prepare` comes before."""
        self.stem, self._source = job.stem, job.stem.with_suffix(".tex")
        self._made, self._start, self._in_doubt = set(), None, False
        self._before = {path: path.read_bytes() for path in self._files() if path.is_file()}
        for path in (tex.completion_record(self.stem), self.stem.with_suffix(".log")):
            path.unlink(missing_ok=True)  # a LaTeX that does not even start leaves none
        reading, writing = os.pipe()
        self._pipe = open(writing, "wb", buffering=0)  # noqa: SIM115
        os.register_at_fork(after_in_child=self._pipe.close)  # else LaTeX would wait for the child
        with contextlib.suppress(AttributeError, OSError):  # not on macOS
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._source.unlink(missing_ok=True)
        self._source.symlink_to(f"/dev/fd/{reading}")
        # LaTeX has this pipe as well, so it ends with LaTeX.
        self._end, held = os.pipe()
        # The shell ends at once: a chunk that waits for all children does not wait for LaTeX.
        shell = ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 & echo $!', "sh"]
        started = subprocess.run(
            [*shell, *tex.latex_command(self.stem)],
            env=tex.environment(job), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            pass_fds=[reading, held, *([job.lock.fileno()] if job.lock else [])],
        )  # fmt: skip
        os.close(reading)
        os.close(held)
        self._latex = int(started.stdout)

    def write(self, text: str, made: Iterable[str] = (), files_changed: bool = False) -> None:
        """The next part of the document.

        made: the figures that were drawn for it; files_changed: whether a chunk may have changed
        other files. LaTeX has read no file of the document's before the first call.
        """
        if self._start is None:  # by the clock of the files
            os.utime(self._source, follow_symlinks=False)
            self._start = os.lstat(self._source).st_ctime_ns
        self._made |= set(made)
        self._in_doubt |= files_changed
        data = text.encode()
        before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a chunk may have changed it
        with contextlib.suppress(OSError):  # LaTeX has ended, and its log says why
            while data:
                data = data[self._pipe.write(data) :]
        if before is not None:  # a library's handler, which cannot be put back
            signal.signal(signal.SIGPIPE, before)

    def was_last(self) -> bool:
        """Wait for LaTeX; whether another pass, after the chunks, would make the same PDF.

        Not if what LaTeX reads again has changed, or a file that it may have read too early.
        """
        try:
            self._wait()
        except BaseException:
            self._kill()
            raise
        read, written = tex.recorded(self.stem, "INPUT"), tex.recorded(self.stem, "OUTPUT")
        made = {name for name in self._made if read.count(name) <= LINES_OF_A_FIGURE}
        others = {name for name in read if self.stem.parent not in Path(name).parents} - made
        return (
            not self._in_doubt
            and tex.complete_pages(self.stem) > 0
            and read.count(str(self._source)) == 1  # else a package has read from the pipe, too
            and all(self._as_before(Path(name)) for name in written)
            and not any(map(self._changed, others))
        )

    def cancel(self) -> None:
        """End LaTeX, and put its files back as they were."""
        self._kill()
        self._wait()
        for path in self._files():
            path.unlink(missing_ok=True)
        for path, data in self._before.items():
            path.write_bytes(data)

    def _files(self):
        """What LaTeX writes or has written, and what stands for it."""
        own = [self.stem.with_suffix(suffix) for suffix in tex.JOB_SUFFIXES]
        written = map(Path, tex.recorded(self.stem, "OUTPUT"))
        return {self._source, tex.completion_record(self.stem), *own, *written}

    def _wait(self):
        with contextlib.suppress(OSError):  # a chunk may have closed it
            self._pipe.close()
        os.read(self._end, 1)
        os.close(self._end)

    def _kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._latex, signal.SIGKILL)

    def _as_before(self, path):
        if path in map(self.stem.with_suffix, NOT_READ_AGAIN):
            return True
        return path.is_file() and path.read_bytes() == self._before.get(path)

    def _changed(self, name):
        try:
            return os.stat(name).st_ctime_ns >= self._start
        except OSError:  # it is gone
            return True
