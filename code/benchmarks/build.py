"""python -m benchmarks.build [ROUNDS]: how long the build takes after each kind of edit.

The unit is one pass of pdfLaTeX over the report, measured right after each build, because the speed
of a shared machine changes within seconds. Edits are made to a copy of the project.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from weaving import tex

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns("build", ".venv*", "__pycache__", "*.pdf", ".hypothesis")
WORDS = "item by item"  # the words of the report that are edited
REDRAWN = """
_drawn_before = regressions
def regressions(*arguments, **options):
    drawing = _drawn_before(*arguments, **options)
    drawing.figure.axes[0].set_xlabel("round {round}")
    return drawing
"""


def main(rounds: int = 3) -> None:
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        copy = Path(folder, "project")
        shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND, symlinks=True)
        # Linked file by file: packages outside the folder would count as inputs.
        shutil.copytree(ROOT / ".venv", copy / ".venv", symlinks=True, copy_function=os.link)
        os.chdir(copy)
        subprocess.run(["git", "status"], stdout=subprocess.DEVNULL)  # the files' dates are new
        print(table([one_round(number) for number in range(1, rounds + 1)]))


def one_round(number: int) -> dict[str, tuple[float, float]]:
    """{what was done: (seconds, seconds of a pass of pdfLaTeX right afterwards)}."""
    document, plot = Path("report.texw"), Path("code/plots/least_squares.py")
    text, code = document.read_text(encoding="utf-8"), plot.read_text(encoding="utf-8")
    if WORDS not in text:
        raise ValueError(f"{document} must contain the words {WORDS!r}, which are edited here")
    subprocess.run(["make", "-s", "clean"], check=True)
    found = {"from clean": build(), "nothing to do": build()}
    edits = {"prose": f"part by part {number}",
             "an inline expression": f"part by part <%= {number} + 1 %>"}  # fmt: skip
    for name, words in edits.items():
        document.write_text(text.replace(WORDS, words, 1), encoding="utf-8")
        found[name] = build()
    plot.write_text(code + REDRAWN.format(round=number), encoding="utf-8")
    found["a figure's function"] = build()
    document.write_text(text, encoding="utf-8")
    plot.write_text(code, encoding="utf-8")
    return found


def build() -> tuple[float, float]:
    return seconds_of(["make", "-s", "pdf"]), one_pass()


def one_pass() -> float:
    beside = Path("build/pass")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for suffix in ("aux", "toc", "bbl"):  # as the last pass of a build finds them
        shutil.copy(f"build/report.{suffix}", beside)
    command = ["pdflatex", "-interaction=batchmode", "-synctex=1", f"-output-directory={beside}",
               "build/report.tex"]  # fmt: skip
    job = tex.Job(Path("build/report"), "report.texw", epoch=0)
    return seconds_of(command, tex.environment(job))


def seconds_of(command: list[str], environment: dict | None = None) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def table(rounds: list[dict[str, tuple[float, float]]]) -> str:
    """The median over the rounds of each time, and of its ratio to a pass."""
    lines = [f"{'':24}{'seconds':>9}{'passes':>9}"]
    for name in rounds[0]:
        times = [each[name][0] for each in rounds]
        ratios = [seconds / one_pass for seconds, one_pass in (each[name] for each in rounds)]
        lines.append(f"{name:24}{median(times):9.2f}{median(ratios):9.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
