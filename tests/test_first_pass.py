# ruff: noqa: F811 (fixtures)
"""The first pass of LaTeX is the last one only where another would make the same PDF."""

import hashlib
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from pypdf import PdfReader
from test_build import LIGHT, built, pristine  # noqa: F401

pytestmark = pytest.mark.slow

EARLY_FIGURE = r"\includegraphics{figures/report/line}" + "\n\n"


def passes(project, also=()):
    """Build; the names of the programs that were asked, in order."""
    path = ""
    for program in ("pdflatex", "latexmk"):
        path = project.replacing(program, f'echo {program} >>build/asked; exec "$real" "$@"')
    Path(project.folder, "build/asked").unlink(missing_ok=True)
    project.builds(also, PATH=path)
    return Path(project.folder, "build/asked").read_text().split()


def from_clean(project, also=()):
    shutil.rmtree(project.folder / "build")
    shutil.rmtree(project.folder / "figures")
    return project.builds(also)


def words(project):
    return " ".join(page.extract_text() for page in PdfReader(project.pdf).pages)


def test_one_pass_is_enough_where_no_reference_changes(built):
    """Though prose, an expression and a figure do."""
    text = LIGHT.replace("After it.", "After all: <%= 2 + 4 %>.").replace("[1, 3, 2]", "[1, 3, 4]")
    built.write(text)
    assert passes(built) == ["pdflatex"]
    assert built.pdf.read_bytes() == from_clean(built)


def test_one_pass_is_enough_after_a_commit(built):
    (built.folder / "PROVENANCE").write_text("7654321 1700000000\n")
    assert passes(built) == ["pdflatex"]


def test_latexmk_goes_on_where_one_does(built):
    text = r"Page \pageref{new}.\newpage\section{New}\label{new}"
    built.write(LIGHT.replace("After it.", text))
    assert passes(built)[:3] == ["pdflatex", "latexmk", "pdflatex"]
    assert built.pdf.read_bytes() == from_clean(built)


CONTENTS = r"""\makeatletter\newcommand{\reportcontents}{\@starttoc{toc}}\makeatother
\newcommand{\exercise}[2]{\section{#1 #2}}
\begin{document}
\reportcontents
\exercise{}{The first, {in \emph{braces}}}
\noindent\rule{1pt}{\dimexpr\textheight-100pt}
\exercise{Exercise 2}{The second}\label{second}
It is on page \pageref{second}.
"""


def test_two_passes_are_enough_from_clean_though_the_contents_move_the_text(built):
    built.write(LIGHT.replace("\\begin{document}\n", CONTENTS))
    shutil.rmtree(built.folder / "build")
    assert passes(built) == ["pdflatex", "latexmk", "pdflatex"]
    assert "It is on page 2." in words(built) and "The second 2" in words(built).replace("  ", " ")


def test_a_latex_that_does_not_start(built):
    built.write(LIGHT.replace("After it.", "After all."))
    once = built.replacing("pdflatex", '[ -e used ] && exec "$real" "$@"; touch used')
    built.builds({"used"}, PATH=once)
    assert "After all." in words(built)


def test_a_change_of_the_bibliography_alone(built):
    bib = built.folder / "bib/references.bib"
    bib.write_text(bib.read_text().replace("Cee", "Dee"))
    assert "latexmk" in passes(built)
    assert "Dee" in words(built)


def test_what_a_chunk_changes_after_latex_may_have_read_it(built):
    """Which changes count, test_inputs shows."""
    for code in ("pass", "open('build/late.dat', 'w').close()\nNone"):
        chunk = (
            f'<<name="Change">>=\nimport time\ntime.sleep(1)  # LaTeX reads meanwhile\n{code}\n@\n'
        )
        reads = r"\IfFileExists{build/late.dat}{found}{none}"
        built.write(LIGHT.replace("After it.", f"{reads}\n{chunk}"))
        built.builds()
        assert ("found" in words(built)) == ("open" in code)


def test_a_figure_that_another_file_shows_before_it_is_drawn(built):
    chapter = built.folder / "chapter.tex"
    chapter.write_text(EARLY_FIGURE)
    built.write(LIGHT.replace(r"\section", r"\input{chapter}\section"))
    built.builds({"chapter.tex"})
    built.write((built.folder / "report.texw").read_text().replace("[1, 3, 2]", "[1, 3, 9]"))
    assert "latexmk" in passes(built, {"chapter.tex"})
    assert built.pdf.read_bytes() == from_clean(built, {"chapter.tex"})


def test_a_bibliography_that_goes(built):
    lines = "\n".join(line for line in LIGHT.splitlines() if "bibliography" not in line)
    built.write(lines.replace(r"\citet{book}", "a book"))
    assert built.builds() == from_clean(built)


def test_a_message_of_the_loader_is_not_taken_for_latex(built):
    built.write(LIGHT.replace("After it.", "After all."))
    built.builds(LD_PRELOAD="/nonexistent/lib.so")
    assert "After all." in words(built)


def test_a_chunk_that_lets_a_closed_pipe_end_the_process(built):
    code = """<<name="Signal">>=
import signal, time
before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
@
\\input{nowhere-at-all.tex}
<<name="Sleep">>=
time.sleep(0.7)
@
More text.
<<name="Sleep again">>=
time.sleep(0.7)
@
"""
    built.write(LIGHT.replace("After it.", code))
    status, said = built.build()
    assert status == 1 and "nowhere-at-all.tex' not found" in said


def test_a_package_that_reads_the_latex_itself(built):
    digest = r"\pdfmdfivesum file{build/report.tex}"
    built.write(LIGHT.replace("After it.", digest))
    assert "latexmk" in passes(built)
    made = hashlib.md5((built.folder / "build/report.tex").read_bytes()).hexdigest()
    assert made.upper() in words(built)


def test_a_chunk_that_fails_leaves_what_latex_had_made(built):
    def state():
        made = built.folder.joinpath("build").glob("report*")
        return {path.name: path.read_bytes() for path in made if "json" not in path.name}

    before = state()
    built.write(LIGHT.replace("2 + 3", "2 / 0"))
    status, said = built.build()
    assert status == 1 and "ZeroDivisionError" in said and state() == before
    built.write(LIGHT.replace("2 + 3", "2 + 5"))
    assert passes(built) == ["pdflatex"]


def test_a_chunk_that_waits_for_all_its_children_does_not_wait_for_latex(built):
    code = """<<name="Wait", depends=[]>>=
import os
for status in (3, 4):
    if not os.fork():
        os._exit(status)
try:
    while True:
        print(os.waitstatus_to_exitcode(os.wait()[1]))
except ChildProcessError:
    print("no more")
@
"""
    built.write(LIGHT.replace("After it.", code))
    built.builds()
    assert re.search("[34] [34] no more", " ".join(words(built).split()))


def test_latex_does_not_wait_for_a_process_that_a_chunk_leaves_behind(built):
    code = """<<name="Leave", depends=[]>>=
import os, time
child = os.fork()
if not child:
    time.sleep(60)
    os._exit(0)
with open("left", "w") as file:
    print(child, file=file)
@
"""
    built.write(LIGHT.replace("After it.", f"{code}\\begin{{Verbatim}}"))  # LaTeX reads to the end
    process = built.start()
    try:
        assert process.wait(timeout=30) == 1
    finally:
        os.kill(int((built.folder / "left").read_text()), signal.SIGKILL)
    assert b"File ended" in b"".join(process.communicate())
