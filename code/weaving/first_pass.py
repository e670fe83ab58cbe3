"""The first pass of LaTeX, which reads the document through a pipe while its chunks run.

If it changes nothing that a pass reads (contents, references), it is the last one, too. Where that
is in doubt, latexmk makes another.
"""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from weaving import tex
from weaving.project import names_for_tex

NOT_READ_AGAIN = {".log", ".pdf", ".synctex"}
PIPE_SIZE = 1 << 20  # bytes; chunks then hardly ever wait for LaTeX


class FirstPass:
    """`write` each part of the document; then ask whether it `was_last`, or `cancel` it."""

    def __init__(self, job: Path, source: str, epoch: int, lock: IO | None = None):
        """job, source, epoch, lock: see tex.typeset."""
        tex.prepare(job, source, epoch)
        self.job, self._source = job, job.with_suffix(".tex")
        self._text, self._made, self._start, self._names = "", set(), None, names_for_tex()
        self._before = {path: path.read_bytes() for path in self._files() if path.is_file()}
        for path in (tex.completion_record(job), job.with_suffix(".log")):
            path.unlink(missing_ok=True)  # a LaTeX that does not even start leaves none
        reading, writing = os.pipe()
        self._pipe = open(writing, "wb", buffering=0)  # noqa: SIM115
        os.register_at_fork(after_in_child=self._pipe.close)  # else LaTeX would wait for the child
        with contextlib.suppress(AttributeError, OSError):  # not on macOS
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._source.unlink(missing_ok=True)
        self._source.symlink_to(f"/dev/fd/{reading}")
        # The shell ends at once: a chunk that waits for all children does not wait for LaTeX.
        self._output = subprocess.Popen(
            ["/bin/sh", "-c", '"$@" >/dev/null & echo $!', "sh", *tex.latex_command(job)],
            env=tex.environment(job.parent, epoch), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=[reading, *([lock.fileno()] if lock else [])],
        )  # fmt: skip
        os.close(reading)
        self._output.wait()
        self._latex = int(self._output.stdout.readline())

    def write(self, text: str, made: Iterable[str] = ()) -> None:
        """The next part of the document, and the files that were made for it.

        LaTeX has read no file of the document's before the first call.
        """
        if self._start is None:  # by the clock of the files
            os.utime(self._source, follow_symlinks=False)
            self._start = os.lstat(self._source).st_ctime_ns
        self._made |= {name for name in made if not self._mentioned(Path(name).stem)}
        self._text += text
        data = text.encode()
        with contextlib.suppress(OSError):  # LaTeX has ended, and its log says why
            while data:
                data = data[self._pipe.write(data) :]

    def was_last(self) -> bool:
        """Wait for LaTeX; whether another pass, after the chunks, would make the same PDF.

        Not if what LaTeX reads again has changed, or a file that it may have read too early.
        """
        self._pipe.close()
        try:
            self._wait()
        except BaseException:
            self._kill()
            raise
        read, written = tex.recorded(self.job, "INPUT"), tex.recorded(self.job, "OUTPUT")
        unmade = set(read) - {*written, *self._made, str(self._source)}
        return (
            tex.complete_pages(self.job) > 0
            and read.count(str(self._source)) == 1  # else a package has read from the pipe, too
            and self._names == names_for_tex()
            and all(self._as_before(Path(name)) for name in written)
            and not any(os.stat(name).st_ctime_ns > self._start for name in unmade)
        )

    def cancel(self) -> None:
        """End LaTeX, and put its files back as they were."""
        self._pipe.close()
        self._kill()
        self._wait()
        for path in self._files():
            path.unlink(missing_ok=True)
        for path, data in self._before.items():
            path.write_bytes(data)

    def _files(self):
        """What LaTeX writes or has written, and what stands for it."""
        own = [self.job.with_suffix(suffix) for suffix in tex.JOB_SUFFIXES]
        written = map(Path, tex.recorded(self.job, "OUTPUT"))
        return {self._source, tex.completion_record(self.job), *own, *written}

    def _wait(self):
        with self._output.stdout as output:
            output.read()  # LaTeX has this pipe, too: it ends with LaTeX

    def _kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._latex, signal.SIGKILL)

    def _mentioned(self, stem):
        """Whether a part written before may have made LaTeX read a file with this name."""
        return re.search(rf"[{{/,]\s*{re.escape(stem)}\s*[.,}}]", self._text)

    def _as_before(self, path):
        return path.suffix in NOT_READ_AGAIN or self._before.get(path) == path.read_bytes()
