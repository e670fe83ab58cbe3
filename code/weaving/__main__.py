"""python -m weaving [--case FILE] [--watch]: build report.pdf from report.texw in the current folder."""

import argparse
import os
import sys
import time

from weaving.build import build, is_up_to_date
from weaving.problems import BuildFailed

# Nobody's settings and no number of processors: what the chunks compute and draw depends on the sources alone.
ENVIRONMENT = {"MPLCONFIGDIR": os.path.abspath("build/matplotlib"), "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}


def main():
    parser = argparse.ArgumentParser(prog="python -m weaving", description="Build report.pdf from report.texw.")
    parser.add_argument("--case", default="", metavar="FILE", help="the numbers, .json or .npz (default: the stand-in)")
    parser.add_argument("--watch", action="store_true", help="build again whenever a source changes, until Ctrl-C")
    arguments = parser.parse_args()
    if arguments.watch:
        from weaving.watch import watch
        return watch(arguments.case)
    os.environ.update(ENVIRONMENT)
    return build_and_say(arguments.case)


def build_and_say(case_file):
    """Build, and say in words what came of it; the exit status."""
    def make(say):
        if is_up_to_date(case_file):
            return "up to date"
        pages = build(case_file, say)
        return f"{pages} page{'s' * (pages != 1)}"
    return finish("report.pdf", make)


def finish(name, make):
    """Call make(say), which makes the file of this name and says what it holds, or say why there is none; the exit status."""
    start = time.perf_counter()
    say = progress(start)
    try:
        made = make(say)
    except BuildFailed as failed:
        count = f"{len(failed.problems)} problem{'s' * (len(failed.problems) > 1)}"
        return give_up(say, f"{failed}\n\n{count}", name, 1)
    except OSError as error:
        return give_up(say, f"{error.filename or 'report'}: {error.strerror or error}", name, 1)
    except KeyboardInterrupt:
        return give_up(say, "interrupted", name, 130)
    say("")
    print(f"{name}: {made}, {time.perf_counter() - start:.1f} s")
    return 0


def progress(start):
    """A function that shows the stage and the seconds since `start` on one line of the terminal, and nothing elsewhere."""
    def say(stage, detail=""):
        if sys.stderr.isatty():
            shown = f"{time.perf_counter() - start:5.1f} s  {stage} {detail}" if stage else ""
            print(f"\r\x1b[K{shown}", end="", file=sys.stderr, flush=True)
    return say


def give_up(say, message, name, status):
    say("")
    print(f"{message}; {name} is left as it was", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
