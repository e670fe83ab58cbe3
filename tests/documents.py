"""Small documents for the tests of weaving."""

from pathlib import Path

import pytest

GOOD = b"the last good report"
CHUNK = '<<name="Count">>='
FIGURE = '<<name="Draw", fig=True, caption="A line.", alt="A line.", label="line">>='
DRAW = [
    "from matplotlib.figure import Figure",
    "figure = Figure()",
    "figure.add_subplot(xticks=[], yticks=[]).plot([1, 3, 2])",  # ticks take longest to draw
    "figure",
    "@",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty project, with a report.pdf to lose."""
    folder = tmp_path / "project"
    for name in ["code", "build"]:
        (folder / name).mkdir(parents=True)
    monkeypatch.chdir(folder)
    Path("report.pdf").write_bytes(GOOD)
    return folder


def report(*lines):
    """Write report.texw; the first of the lines is its line 3."""
    text = ["\\documentclass{article}", "\\begin{document}", *lines, "\\end{document}", ""]
    Path("report.texw").write_text("\n".join(text), encoding="utf-8")
