"""What the commands share: arguments, progress, and reporting the result."""

import argparse
import os
import sys
import time
from collections.abc import Callable

from weaving.build import build, is_up_to_date
from weaving.problems import BuildFailed
from weaving.settings import restart_without_user_settings
from weaving.target import Target

CASE_OPTIONS = ("names", "side", "until")  # of `solutions.cases.load`
TIMES = os.environ.get("TIMES", "0") not in ("", "0")  # make pdf TIMES=1: make exports it


def command_line(description: str, *flags: str) -> tuple:
    """The Target that the command names, and for each flag whether it was given.

    Starts Python again if it runs with the user's settings.
    """
    restart_without_user_settings()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("document", nargs="?", default="report", help="default: report")
    parser.add_argument("--case", default="", metavar="FILE", help="default: the placeholder")
    for option in CASE_OPTIONS:  # "" is as if it were not given, for make
        parser.add_argument(f"--{option}", default="", help="how to read the case, see README.md")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    options = tuple((name, getattr(arguments, name)) for name in CASE_OPTIONS)
    options = tuple((name, value) for name, value in options if value)
    if options and not arguments.case:
        needing = " and ".join(name.upper() for name, _ in options)
        parser.exit(1, f"{needing} must come with CASE=..., the file that it is about\n")
    try:
        target = Target.named(arguments.document, case_file=arguments.case, case_options=options)
    except BuildFailed as failed:
        parser.exit(1, f"{failed}\n")
    return (target, *(getattr(arguments, flag.strip("-")) for flag in flags))


def build_and_report(target: Target) -> int:
    """Build, and print what came of it; the exit status."""

    def make(progress):
        if is_up_to_date(target):
            return "up to date"
        return _count(build(target, progress), "page")

    return run_and_report(str(target.pdf), make)


def run_and_report(name: str, make: Callable[[Callable], str]) -> int:
    """Call make(progress), which makes the file `name` and describes it; the exit status."""
    start = time.perf_counter()
    progress = progress_line(start)
    try:
        made = make(progress)
    except BuildFailed as failed:
        message = f"{failed}\n\n{_count(len(failed.problems), 'problem')}"
        return _report_failure(progress, message, name, 1)
    except OSError as error:
        message = f"{error.filename or name}: {error.strerror or error}"
        return _report_failure(progress, message, name, 1)
    except KeyboardInterrupt:
        return _report_failure(progress, "interrupted", name, 130)
    progress("")
    print(f"{name}: {made}, {time.perf_counter() - start:.1f} s")
    return 0


def progress_line(start: float) -> Callable:
    """A function that shows stage and seconds on one line of a terminal, and nothing elsewhere.

    With TIMES in the environment, also how long each stage took, once the next begins.
    """
    last = [start, "start", ""]

    def progress(stage, detail=""):
        now = time.perf_counter()
        if TIMES and now - last[0] > 0.05:
            print(f"{now - last[0]:6.2f} s  {last[1]} {last[2]}".rstrip(), file=sys.stderr)
        last[:] = [now, stage, detail]
        if sys.stderr.isatty():
            shown = f"{time.perf_counter() - start:5.1f} s  {stage} {detail}" if stage else ""
            print(f"\r\x1b[K{shown}", end="", file=sys.stderr, flush=True)

    return progress


def _report_failure(progress, message, name, status):
    progress("")
    print(f"{message}; {name} is left as it was", file=sys.stderr)
    return status


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
