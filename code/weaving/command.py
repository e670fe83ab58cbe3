"""What the commands share: their arguments and settings, and saying what came of them."""

import argparse
import faulthandler
import gc
import os
import sys
import time
from collections.abc import Callable

from weaving.build import Target, build, is_up_to_date
from weaving.problems import BuildFailed

# The results depend on the sources alone, not on the user's settings. None: removed.
PYTHON = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONOPTIMIZE": None, "PYTHONWARNINGS": None,
          "PYTHONSTARTUP": None}  # fmt: skip
TIMES = os.environ.get("TIMES")  # make pdf TIMES=1
# Matplotlib's list of fonts takes a second or two to make.
OWN_VENV = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK)
KEPT = sys.prefix if OWN_VENV else os.path.abspath("build")
LIBRARIES = {"MPLCONFIGDIR": os.path.join(KEPT, "matplotlib"), "MPLBACKEND": "agg",
             "MATPLOTLIBRC": None, "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip


def command_line(description: str, *flags: str) -> tuple:
    """The Target that the command names, and for each flag whether it was given.

    Starts Python again if it runs with the user's settings.
    """
    _start_again_without_settings()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("document", nargs="?", default="report", help="default: report")
    parser.add_argument("--case", default="", metavar="FILE", help="default: the placeholder")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    try:
        target = Target.named(arguments.document, arguments.case)
    except BuildFailed as failed:
        parser.exit(1, f"{failed}\n")
    return (target, *(getattr(arguments, flag.strip("-")) for flag in flags))


def build_and_say(target: Target) -> int:
    """Build, and say in words what came of it; the exit status."""

    def make(say):
        if is_up_to_date(target):
            return "up to date"
        pages = build(target, say)
        return f"{pages} page{'s' * (pages != 1)}"

    return finish(str(target.pdf), make)


def finish(name: str, make: Callable[[Callable], str]) -> int:
    """Call make(say), which makes the file `name` and describes it, or say why not; the status."""
    start = time.perf_counter()
    say = progress(start)
    try:
        made = make(say)
    except BuildFailed as failed:
        count = f"{len(failed.problems)} problem{'s' * (len(failed.problems) > 1)}"
        return give_up(say, f"{failed}\n\n{count}", name, 1)
    except OSError as error:
        return give_up(say, f"{error.filename or name}: {error.strerror or error}", name, 1)
    except KeyboardInterrupt:
        return give_up(say, "interrupted", name, 130)
    say("")
    print(f"{name}: {made}, {time.perf_counter() - start:.1f} s")
    return 0


def progress(start: float) -> Callable:
    """A function that shows stage and seconds on one line of a terminal, and nothing elsewhere.

    With TIMES in the environment, also how long each stage took, once the next begins.
    """
    last = [start, "start", ""]

    def say(stage, detail=""):
        now = time.perf_counter()
        if TIMES and now - last[0] > 0.05:
            print(f"{now - last[0]:6.2f} s  {last[1]} {last[2]}".rstrip(), file=sys.stderr)
        last[:] = [now, stage, detail]
        if sys.stderr.isatty():
            shown = f"{time.perf_counter() - start:5.1f} s  {stage} {detail}" if stage else ""
            print(f"\r\x1b[K{shown}", end="", file=sys.stderr, flush=True)

    return say


def give_up(say, message, name, status):
    say("")
    print(f"{message}; {name} is left as it was", file=sys.stderr)
    return status


def _start_again_without_settings():
    """Asserts are on, sets are printed in one order, and the three standard streams are open."""
    wanted = _with(PYTHON, os.environ)
    closed = None in (sys.stdin, sys.stdout, sys.stderr)
    if wanted != dict(os.environ) or sys.flags.optimize or closed:
        for stream in range(3):
            try:
                os.fstat(stream)
            except OSError:  # open takes the lowest number that is free
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        module = sys.modules["__main__"].__spec__.name.removesuffix(".__main__")
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], wanted)
    gc.set_threshold(50_000)  # imports make many objects and hardly any garbage
    faulthandler.enable()  # a crash in C code then names the chunk's line
    libraries = _with(LIBRARIES, os.environ)
    os.environ.clear()
    os.environ.update(libraries)


def _with(settings, environment):
    return {name: value for name, value in {**environment, **settings}.items() if value is not None}
