"""python -m weaving [--case FILE]: build report.pdf from report.texw in the current folder."""

import argparse
import sys
import time

from weaving.build import build
from weaving.problems import BuildFailed


def main():
    parser = argparse.ArgumentParser(prog="python -m weaving", description="Build report.pdf from report.texw.")
    parser.add_argument("--case", default="", metavar="FILE", help="the notebook's numbers, .json or .npz (default: the stand-in)")
    arguments = parser.parse_args()
    start = time.perf_counter()

    def say(stage, detail=""):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{time.perf_counter() - start:5.1f} s  {stage} {detail}", end="", file=sys.stderr, flush=True)

    try:
        pages = build(arguments.case, say)
    except BuildFailed as failed:
        say("")
        print(f"\n{failed}\n\n{len(failed.problems)} problem{'s' * (len(failed.problems) > 1)}; report.pdf is left as it was", file=sys.stderr)
        return 1
    except OSError as error:
        say("")
        print(f"\n{error.filename or 'report'}: {error.strerror or error}\nreport.pdf is left as it was", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; report.pdf is left as it was", file=sys.stderr)
        return 130
    say("")
    print(f"report.pdf: {pages} pages, {time.perf_counter() - start:.1f} s")
    return 0


sys.exit(main())
