"""The build with TeX: its faults stop it, no PDF is lost, the same sources give the same bytes."""

import functools
import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from pypdf import PdfReader

from weaving import files
from weaving.provenance import Provenance, provenance

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
GOOD = b"the last good report"
LIMIT = 90  # seconds that nothing takes

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{lmodern,graphicx,natbib,xcolor,fancyvrb,url}
\newcommand{\sidefigure}[2]{#1 #2}\newcommand{\listing}{}\newcommand{\printed}{}
\input{listings}\definecolor{rulegrey}{gray}{0.5}
\begin{document}
"""
BODY = r"""\section{One}\label{one}
Section \ref{one}, figure \ref{fig:line}, \citet{book}: <%= 2 + 3 %>.
<<name="Draw", fig=True, caption="A line.", alt="A line.", label="line">>=
from matplotlib.figure import Figure
figure = Figure(figsize=(2, 1), layout="constrained")
figure.subplots().plot([1, 3, 2])
figure
@
After it.

\bibliographystyle{plainnat}
\bibliography{references}
\end{document}
"""
LIGHT = PREAMBLE + BODY
BIB = """@book{book,
  title = {A Title},
  author = {Ada B. Cee},
  publisher = {P},
  year = {2024},
}
"""
UNREAD = "@book{unread,\n  title = {Another},\n}\n"


class Project:
    """A small report with code/ and a report.pdf to lose."""

    def __init__(self, folder, report=LIGHT):
        self.folder = folder
        weaving, ignored = "code/weaving", shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / weaving, folder / weaving, ignore=ignored, dirs_exist_ok=True)
        for name, text in {
            "bib/references.bib": BIB,
            "requirements.txt": "",
            "PROVENANCE": "0123456 1700000000\n",
        }.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        self.write(report)
        self.pdf = folder / "report.pdf"
        self.pdf.write_bytes(GOOD)

    def write(self, report):
        (self.folder / "report.texw").write_text(report, encoding="utf-8")

    def start(self, *words, **environment):
        command = list(words) or [sys.executable, "-m", "weaving"]
        environment = {**os.environ, "PYTHONPATH": "code", **environment}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={name: value for name, value in environment.items() if value is not None},
        )

    def build(self, *words, **environment):
        """Exit status and all that was said."""
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=LIMIT)
        return process.returncode, (out + err).decode("utf-8", "replace")

    def builds(self, also=frozenset(), **environment):
        """The bytes of a build that must not fail, and leaves no other files than these."""
        status, said = self.build(**environment)
        assert status == 0, said
        names = {path.name for path in self.folder.iterdir()} - {"PROVENANCE", "bin", *also}
        made = {"build", "figures", "report.pdf", "report.synctex.gz"}
        assert names == made | {"bib", "code", "report.texw", "requirements.txt"}
        return self.pdf.read_bytes()

    def replacing(self, program, script):
        """A PATH whose `program` is this shell script; $real is the real one, $group the build."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        group = "read -r _ _ _ _ group _ </proc/self/stat"
        (folder / program).write_text(
            f"#!/bin/sh\nreal={shutil.which(program)}\n{group}\n{script}\n"
        )
        (folder / program).chmod(0o755)
        return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """The light report, built where nothing goes wrong."""
    project = Project(tmp_path_factory.mktemp("reference"))
    project.builds()
    return project


@pytest.fixture
def reference(pristine):
    return pristine.pdf.read_bytes()


@pytest.fixture
def project(tmp_path):
    """Nothing in it is built yet."""
    return Project(tmp_path)


@pytest.fixture
def built(tmp_path, pristine):
    """It has been built before, but its report.pdf is another."""
    shutil.copytree(pristine.folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


# ---- what LaTeX finds

FAULTS = r"""\section{One}\label{twice}

An undefined \nothing here.
\ref{nowhere} and \citep{nobody,book}
\label{twice}
{\fontfamily{lmss}\fontshape{sc}\selectfont odd}
\symbol{22}{\fontencoding{OT1}\fontfamily{cmr}\selectfont\symbol{200}}
\hbox to \hsize{\rule{1.1\hsize}{1pt}}
<%= r'\nor this' %>
\includegraphics{none.png}
Two letters: 李.
<<name="Print too much", echo=True>>=
x = "LONG"
print("x" * 300)
@
<<name="Draw too much", fig=True, caption="A line.", alt="A line.", label="wide">>=
from matplotlib.figure import Figure
figure = Figure(figsize=(12, 2))
figure.subplots().plot([1, 3, 2])
figure
@
\cite{book}{\bfseries

\bibliographystyle{plainnat}
\bibliography{references}
\end{document}
""".replace("LONG", "0123456789" * 11)


@pytest.mark.parametrize("before", ["project", "built"])
def test_all_that_latex_finds_is_told_at_once_with_its_line(before, request):
    project = request.getfixturevalue(before)
    first = PREAMBLE.count("\n") + 1
    (project.folder / "bib/references.bib").write_text(BIB + UNREAD)
    project.write(
        PREAMBLE.replace(r"\begin{document}", "\\tracinglostchars=3\n\\begin{document}") + FAULTS
    )
    status, said = project.build()
    assert all(re.match(r"\S+:\d+: |    |$|\d+ problems;", line) for line in said.split("\n")), said
    assert status == 1 and project.pdf.read_bytes() == GOOD
    for line, words in [
        (3, "Undefined control sequence"),
        (4, "Reference `nowhere'"),
        (4, "Citation `nobody'"),
        (5, f"label twice is already defined at line {first + 1}"),
        (6, "Font shape `T1/lmss/m/sc'"),
        (7, "Missing character"),
        (8, "overflows by"),
        (9, "Undefined control sequence"),
        (10, "File `none.png' not found"),
        (11, "Unicode character 李 (U+674E) not set up"),
        (13, "overflows"),
        (17, "overflows"),
        (22, "the group opened here"),
    ]:
        place = rf"^report\.texw:{first + line}: .*"
        assert re.search(place + re.escape(words), said, re.MULTILINE), (words, said)
    assert "bib/references.bib:7: unread is never cited" in said
    assert "An undefined \\nothing" in said


def test_one_warning_alone_is_enough(built):
    built.write(LIGHT.replace("Section", r"\hbox to \hsize{\rule{1.1\hsize}{1pt}}Section"))
    status, said = built.build()
    assert status == 1 and "1 problem; report.pdf is left" in said
    assert built.pdf.read_bytes() == GOOD
    assert built.build() == (status, said)  # in a pass that changes nothing


@pytest.mark.parametrize(
    "lines, lost",
    [
        ([r"\rlap{LONG}", r"\hspace*{-9cm}gone", r"\vspace*{-12cm}gone\vspace*{12cm}"], [0, 1, 2]),
        ([r"\rlap{short words in the margin}", r"\hspace*{20cm}\hspace*{-20cm}"], []),
        ([r"\rotatebox{90}{\rlap{LONG}}"], []),  # SyncTeX's places are not turned
    ],
)
def test_words_beyond_the_edge_of_the_paper(built, lines, lost):
    text = "".join(f"{line} after.\n\n" for line in lines).replace("LONG", 30 * "long ")
    built.write(LIGHT.replace("\\section", f"Before.\n\n{text}\\section", 1))
    status, said = built.build()
    found = re.findall(r"^report\.texw:(\d+): .*runs off the page", said, re.MULTILINE)
    first = PREAMBLE.count("\n") + 3
    assert found == [str(first + 2 * k) for k in lost] and status == (1 if lost else 0), said


def test_a_package_or_latexmk_that_is_missing(built, reference):
    built.write(LIGHT.replace("xcolor", "nosuchpackage"))
    status, said = built.build()
    assert status == 1 and re.search(r"report\.texw:3: .*File `nosuchpackage.sty' not found", said)
    built.write(LIGHT)
    status, said = built.build(PATH=str(built.folder))
    assert status == 1 and re.match(r"latexmk: .*; report\.pdf is left as it was\n$", said)
    assert built.pdf.read_bytes() == GOOD
    assert built.builds() == reference


PROSE = r"""
% A comment of oddities, with <%= no_such_name %> in it.
Alpha beta-gamma, (delta) ``epsilon''; half a\% of zeta \& eta\footnote{Theta, iota.}%
kappa <%= "lambda" %> mu \emph{nu
xi}. \textbf{omicron}\\ pi~rho. \url{http://sigma.org/a%20b}
\begin{itemize}
\item tau \item[upsilon] phi
\end{itemize}
\input{chapter}
<<name="Print", echo=True>>=
matrix = [[1, 0]]  # psi % omega
print("printed", "<%= 100% %>", matrix)
print("\n".join(f"row-{k}" for k in range(120)), flush=True)
import os
os.system("echo from another process")
if __name__ == "__main__": print("as a script")
import threading, time
def late():
    time.sleep(0.3)
    print("from a thread")
threading.Thread(target=late).start()
@
<<name="Act as a module", echo=True>>=
from __future__ import annotations
import pickle
from dataclasses import dataclass
from multiprocessing import Pool

@dataclass
class Node:
    value: int
    next: Node | None = None

def double(node):
    return Node(2 * node.value)

import typing
assert typing.get_type_hints(Node)["next"] == Node | None
assert pickle.loads(pickle.dumps(Node(1))) == Node(1)
with Pool(2) as pool:
    print("pickled", pool.map(double, [Node(1), Node(2)]))
@
<<name="Result">>=
from weaving.latex import Tex
Tex("resulting %\n% a remark\n\\begin{tabular}{l}cell\\end{tabular}")
@
The last word.
"""
MARKUP = re.compile(
    r"\\[a-zA-Z]+\*?(?:\{(?:itemize|tabular|l)\})*|[{}~%`;&$\\]|\[(?=upsilon)|(?<=upsilon)\]"
)


def words(text):
    return set(re.findall(r"[^\W\d_]{2,}", text))


def test_every_word_is_in_the_pdf(project):
    """Prose, listings, output, results, captions, inputs; and the output flows over pages."""
    (project.folder / "chapter.tex").write_text("chi")
    project.write(PREAMBLE + PROSE + BODY)
    project.builds(also={"chapter.tex"})
    pages = PdfReader(project.pdf).pages
    text = "\n".join(page.extract_text() for page in pages).replace("-\n", "")
    typed = MARKUP.sub(" ", re.sub(r"^%.*|<<.*|<%=.*?%>", "", PROSE, flags=re.MULTILINE))
    expected = words(typed) | set("lambda chi printed from another process line After it".split())
    missing = expected - words(text) - words("from weaving.latex import Tex a remark chapter")
    assert not missing and len(pages) > 2, (missing, text)
    assert [f"row-{k}" for k in range(120)] == re.findall(r"row-\d+", text)
    assert "as a script" in text and "<%= 100% %>" in text and "comment of" not in text
    assert "pickled [Node(value=2" in text
    printed = ["printed ", "row-0", "from another process", "as a script", "from a thread"]
    order = [text.rindex(word) for word in [*printed, "pickled [", "resulting", "The last"]]
    assert order == sorted(order)


# ---- nobody's settings


def test_a_fault_is_a_fault_whatever_the_settings(built):
    """Asserts under -OO, a crash in C code, streams that are closed."""

    def build(old, new, *words):
        built.write(LIGHT.replace(old, new))
        return built.build(*words)

    status, said = build("figure\n@", "assert 1 == 2\n@", sys.executable, "-OO", "-m", "weaving")
    assert status == 1 and "AssertionError" in said
    status, said = build("figure\n@", "import ctypes; ctypes.string_at(0)\n@")
    line = LIGHT[: LIGHT.index("figure\n@")].count("\n") + 1
    assert status == -signal.SIGSEGV and f'report.texw", line {line}' in said
    weaving = f"'{sys.executable}' -m weaving"
    assert build("2 + 3", "1 / 0", "sh", "-c", f"{weaving} 2>&-")[0] == 1
    assert built.pdf.read_bytes() == GOOD
    assert build("", "", "sh", "-c", f"{weaving} <&- >&- 2>&-")[0] == 0


def test_a_chapter_in_a_folder_and_a_list_that_is_cut_off(built):
    (built.folder / "parts").mkdir()
    chapter = built.folder / "parts/chapter.tex"
    chapter.write_text("\\section{Two}\\label{two}\n\\begin{figure}X\\caption{B}\\end{figure}\n")
    body = "\\listoffigures\n\\include{parts/chapter}\nAs in \\ref{two}.\n" + BODY
    built.write(PREAMBLE + body)
    status, said = built.build()
    assert status == 0, said
    whole = built.pdf.read_bytes()
    (built.folder / "build/report.lof").write_text("\\contentsline {figure}{\\numberline {1")
    (built.folder / "build/report.whole").unlink()  # as after kill -9
    for made in ["report.pdf", "build/report.build.json"]:
        (built.folder / made).unlink()
    status, said = built.build()
    assert status == 0 and built.pdf.read_bytes() == whole, said
    chapter.write_text(chapter.read_text().replace("two}", "one}"))
    status, said = built.build()
    assert status == 1 and "Label `one' multiply defined" in said and "label one is" not in said


def test_two_documents_in_one_folder(built, reference):
    assert built.builds() == reference
    (built.folder / "supplement.texw").write_text(LIGHT.replace("After it", "Beyond it"))
    status, said = built.build(sys.executable, "-m", "weaving", "supplement")
    assert status == 0 and "supplement.pdf: 1 page" in said
    assert "Beyond it" in PdfReader(built.folder / "supplement.pdf").pages[0].extract_text()
    assert "report.pdf: up to date" in built.build()[1] and built.pdf.read_bytes() == reference
    status, said = built.build(sys.executable, "-m", "weaving", "suplement")
    assert status == 1 and "report, supplement" in said
    status, said = built.build(sys.executable, "-m", "weaving", "--side", "left")
    assert status == 1 and "SIDE" in said and "CASE=" in said


# ---- nothing is lost: kill -9 and Ctrl-C at each stage, then a plain build

KILL_AT = """
import os, signal, sys
real = os.replace
def replace(source, target):
    if str(target) == sys.argv[1]:
        os.kill(os.getpid(), int(sys.argv[2]))
    real(source, target)
os.replace = replace
from weaving.command import Target, build_and_report
sys.exit(build_and_report(Target()))
"""
HALF_DONE = (
    "cd build; for file in report.pdf report.aux report.fdb_latexmk; do echo x > $file; done; "
)


def changed(mark, chunk=False):
    """A report from which the same PDF is built, but anew."""
    old, new = ("figure\n@", f"figure  # {mark}\n@") if chunk else ("After", f"% {mark}\nAfter")
    return LIGHT.replace(old, new)


# With a label more, the first pass is not the last.
CHANGED_FOR = {
    "pdflatex": changed("once more"),
    "latexmk": LIGHT.replace("After", "\\label{l}After"),
}
BOTH = pytest.mark.parametrize("program", CHANGED_FOR)


@pytest.mark.parametrize(
    "how, file",
    [
        (signal.SIGKILL, "build/report.tex"),
        (signal.SIGKILL, "report.pdf"),
        (signal.SIGKILL, "build/report.results.json"),
        (signal.SIGINT, "build/report.tex"),
        (signal.SIGINT, "report.pdf"),
    ],
)
def test_a_build_stopped_as_it_writes(how, file, built, reference):
    built.write(changed(file, chunk="results" in file))
    status, said = built.build(sys.executable, "-c", KILL_AT, file, str(int(how)))
    if how == signal.SIGINT:
        assert status == 130 and "interrupted; report.pdf is left as it was" in said
        assert not list(built.folder.rglob(".*.part"))
    else:
        assert status == -signal.SIGKILL, said
    assert built.pdf.read_bytes() == GOOD
    assert built.builds() == reference


@pytest.mark.parametrize(
    "program, script",
    [
        ("pdflatex", "kill -9 $group"),
        ("pdflatex", HALF_DONE + "kill -9 $group"),
        ("pdflatex", '"$real" "$@"; kill -9 $group'),
        ("latexmk", HALF_DONE + "kill -9 $group"),
    ],
)
def test_a_build_killed_around_tex(program, script, built, reference):
    built.write(CHANGED_FOR[program])
    status, said = built.build(PATH=built.replacing(program, script))
    assert status == -signal.SIGKILL and built.pdf.read_bytes() == GOOD, said
    assert built.builds() == reference


@BOTH
def test_ctrl_c_in_tex(program, built, reference):
    built.write(CHANGED_FOR[program])
    started = built.folder / "build/started"
    script = HALF_DONE + "touch started; exec sleep 60"
    process = built.start(PATH=built.replacing(program, script))
    deadline = time.monotonic() + LIMIT
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT)
    # Python ends itself with the signal if it came in an exec of the standard library.
    assert process.returncode in (130, -signal.SIGINT) and b"interrupted" in said
    assert built.pdf.read_bytes() == GOOD
    assert built.builds() == reference


def test_a_build_waits_for_the_tex_of_one_that_was_killed(built, reference):
    script = "kill -9 $group; sleep 1; touch build/ended; " + HALF_DONE
    assert built.build(PATH=built.replacing("pdflatex", script))[0] == -signal.SIGKILL
    ended = built.replacing("pdflatex", '[ -e build/ended ] && exec "$real" "$@"')
    assert built.builds(PATH=ended) == reference


def test_two_builds_at_once(project, reference):
    slow = project.replacing("pdflatex", 'sleep 0.5; exec "$real" "$@"')
    both = [project.start(PATH=slow) for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, said
    assert project.pdf.read_bytes() == reference


@pytest.mark.parametrize("file", ["pdf", "aux", "fdb_latexmk", "results.json"])
def test_a_damaged_file_in_build(file, built, reference):
    damaged = built.folder / f"build/report.{file}"
    damaged.write_bytes(damaged.read_bytes()[:200])
    assert built.builds() == reference


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device.*file'"):
        files.replace(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


# ---- the same bytes

HOUSE = r"""\input{metadata}
\documentclass[11pt,a4paper]{article}
\usepackage{house}
\input{provenance}
\input{listings}
\hypersetup{pdftitle={T}}
\begin{document}
Made from \commit{} on \reportdate{} with \versions.
<<name="Print", echo=True>>=
def double(x):
    if x > 0:
        return {'a': 2 * x, "b": "~^\\n"}

    return None
print(double(3))
@
""" + BODY.replace(r"Section \ref{one}, f", "F")


def test_two_builds_in_different_circumstances_give_the_same_bytes(tmp_path):
    one = Project(tmp_path / "one", HOUSE)
    pdf = one.builds(PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC")
    odd = Project(tmp_path / 'Lauri\'s "report" ä $x 50%', HOUSE)
    for path in odd.folder.rglob("*"):
        os.utime(path, (2e9, 2e9))
    (odd.folder / "rc").mkdir()
    (odd.folder / "rc/matplotlibrc").write_text("lines.linewidth: 9\n")
    settings = {
        "PYTHONHASHSEED": "2",
        "PYTHONOPTIMIZE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUTF8": "0",
        "MPLCONFIGDIR": None,
        "MATPLOTLIBRC": str(odd.folder / "rc"),
        "LC_ALL": "en_US.ISO-8859-1",
        "TZ": "Asia/Kolkata",
        "HOME": "/nonexistent",
        "USER": "nobody",
        "TEXINPUTS": "/nowhere",
    }
    assert odd.builds(also={"rc"}, **settings) == pdf
    assert str(tmp_path).encode() not in pdf
    assert_the_listing_runs(odd.pdf)
    assert b"2023-11-14T22:13:20" in pdf  # the commit's date


@pytest.mark.parametrize(
    "edits",
    [
        {
            "After it.": "After it, more.",
            r"\section{One}": "\\section{Nought}\\label{nought}\n\n\\section{One}",
            r"\ref{one}": r"\ref{nought}",
        },
        {"2 + 3": "2 + 4", "figsize=(2, 1)": "figsize=(3, 1)"},
    ],
    ids=["prose", "code"],
)
def test_an_edit_gives_the_bytes_of_a_build_from_clean(edits, tmp_path, built, reference):
    report = LIGHT
    for old, new in edits.items():
        assert old in report
        report = report.replace(old, new)
    built.write(report)
    assert built.builds() == Project(tmp_path / "clean", report).builds() != reference


def assert_the_listing_runs(pdf):
    """What a reader copies from the page is the program."""
    text = "".join(page.extract_text() + "\n" for page in PdfReader(pdf).pages)
    scope = {}
    exec(text[text.index("def") : text.index("{'a': 6")], scope)
    assert scope["double"](3) == {"a": 6, "b": "~^\\n"}


# ---- SyncTeX


@pytest.mark.xfail(not shutil.which("synctex"), run=False, reason="TeX lacks the synctex command")
def test_synctex_leads_from_the_report_to_the_page_and_back(built):
    built.builds()
    line = LIGHT[: LIGHT.index("After it")].count("\n") + 1
    report = f"{built.folder.resolve()}/report.texw"
    _, view = built.build("synctex", "view", "-i", f"{line}:1:{report}", "-o", "report.pdf")
    x, y = (re.search(rf"^{axis}:(\S+)", view, re.MULTILINE).group(1) for axis in "xy")
    _, edit = built.build("synctex", "edit", "-o", f"1:{x}:{y}:report.pdf")
    assert f"Input:{report}" in edit and f"Line:{line}" in edit
    data = gzip.decompress((built.folder / "report.synctex.gz").read_bytes())
    assert b"report.tex\n" not in data


# ---- watch


def test_watch_builds_at_each_save_and_lives_through_faults(built):
    def next_build():
        """What it says until it waits again."""
        said = []
        while not said or b"waiting for a change" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], process.stderr.read()
        return b"".join(said)

    process = built.start(sys.executable, "-m", "weaving", "--watch")
    try:
        assert b"report.pdf: 1 page" in next_build()
        first = built.pdf.read_bytes()
        built.write(LIGHT.replace("2 + 3", "1 / 0"))
        assert b"report.pdf" not in next_build() and built.pdf.read_bytes() == first != GOOD
        built.write(LIGHT.replace("2 + 3", "2 + 4"))
        assert b"report.pdf: 1 page" in next_build() and built.pdf.read_bytes() != first
        builder = built.folder / "code/weaving/pdf.py"
        edited = builder.read_text().replace("[htb]", "[t]")
        builder.write_text("def (")
        assert b"pdf.py: invalid syntax" in next_build()
        builder.write_text(edited)
        second = built.pdf.read_bytes()
        assert b"report.pdf: 1 page" in next_build() and built.pdf.read_bytes() != second
    finally:
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0 and b"ZeroDivisionError" in err


# ---- only what changed


def test_the_build_goes_by_content_and_not_by_dates(built):
    (built.folder / "case.json").write_text("[1]")
    (built.folder / "chapter.tex").write_text("A chapter.\n")
    reads = "\\input{chapter}\n\n<%= open(case_file).read() %>\n\nAfter it."
    built.write(LIGHT.replace("After it.", reads))
    used = built.replacing("pdflatex", 'touch used; exec "$real" "$@"')

    def build():
        """Whether TeX was asked."""
        (built.folder / "used").unlink(missing_ok=True)
        command = [sys.executable, "-m", "weaving", "--case", "case.json"]
        status, said = built.build(*command, PATH=used)
        asked = (built.folder / "used").exists()
        assert status == 0 and ("report.pdf: up to date" in said) != asked, said
        return asked

    assert build() and not build()
    for file, old, new in [
        ("report.texw", "After", "Below"),
        ("case.json", "1", "2"),
        ("chapter.tex", "chapter", "Chapter"),
        ("bib/references.bib", "Cee", "Dee"),
        ("code/weaving/pdf.py", "Colours", "colours"),
        ("PROVENANCE", "0123456", "0123457"),
        ("report.pdf", None, GOOD),
    ]:
        path = built.folder / file
        if old is None:
            path.write_bytes(new)
        else:
            path.write_text(path.read_text().replace(old, new))
        os.utime(path, (1e8, 1e8))  # restored with an old date
        assert build() and not build(), file
    (built.folder / "code/weaving/house.sty").write_text("% not loaded by this document")
    assert not build()
    for path in built.folder.rglob("*.*"):
        os.utime(path, (2e9, 2e9))
    assert not build()
    (built.folder / "build/report.build.json").write_text("{")
    assert build() and not build()
    built.write(LIGHT.replace("2 + 3", "1 / 0"))
    assert built.build()[0] == 1


def test_make_asks_the_build_each_time(project):
    shutil.copy(ROOT / "Makefile", project.folder)
    (project.folder / "code/setup.sh").write_text("")

    def make(*words, **environment):
        return project.build(
            "make", "--no-print-directory", "RUN=echo asked", *words, **environment
        )

    case = "--case a b --names X=c W_q=d --side left --until 3"
    settings = dict(CASE="a b", NAMES="X=c W_q=d", SIDE="left", UNTIL="3")
    for _ in range(2):
        assert make("pdf", **settings) == (0, f"asked -m weaving report {case}\n")
    assert "asked -m weaving report --case c" in make("report.pdf", "CASE=c")[1]
    assert make("proofs", NAME="the computer's, in WSL")[1] == "asked -m proofs\n"
    assert make("proofs", "NAME=simplex")[1] == "asked -m proofs simplex\n"
    for command in (["supplement"], ["pdf", "DOC=supplement"]):
        assert make(*command, **settings) == (0, f"asked -m weaving supplement {case}\n")


def commit(folder):
    """Commit what is in the folder; an archive of it knows the commit."""
    for file in ["PROVENANCE", ".gitattributes"]:
        shutil.copy(ROOT / file, folder)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in [["init", "-q"], ["add", "."], ["commit", "-qm", "One"]]:
        subprocess.run([*git, *words], cwd=folder, check=True, timeout=LIMIT)


def test_an_unpacked_archive_of_a_clone_knows_its_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commit(tmp_path)
    archive = ["git", "archive", "--format=zip", "-o", "clone.zip", "HEAD"]
    subprocess.run(archive, check=True, timeout=LIMIT)
    clone = provenance()
    shutil.unpack_archive("clone.zip", "unpacked")
    monkeypatch.chdir(tmp_path / "unpacked")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert provenance() == clone != Provenance("unknown", 0)


def test_a_submission_builds_the_same_report_elsewhere(built, tmp_path_factory):
    """And its plain LaTeX runs without Python."""
    (built.folder / ".gitignore").write_text("/build/\n/figures/\n__pycache__/\n*.pdf\n*.gz\n")
    commit(built.folder)
    status, said = built.build(sys.executable, "-m", "weaving.submission")
    assert status == 0, said
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(built.folder / "submission.tar.gz") as files:
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(folder)
    unpacked = folder / "submission"
    assert "$Format" not in (unpacked / "PROVENANCE").read_text()
    handed_in = (unpacked / "report.pdf").read_bytes()
    run = functools.partial(subprocess.run, stdout=subprocess.DEVNULL, check=True, timeout=LIMIT)
    for _ in range(2):
        run(["pdflatex", "-interaction=batchmode", "report"], cwd=unpacked / "latex")
    pages = PdfReader(unpacked / "latex/report.pdf").pages
    assert "After it" in pages[0].extract_text()
    (unpacked / "report.pdf").unlink()
    run([sys.executable, "-m", "weaving"], cwd=unpacked, env={**os.environ, "PYTHONPATH": "code"})
    assert (unpacked / "report.pdf").read_bytes() == handed_in
    (built.folder / "bib/references.bib").write_text(BIB + "\n")
    assert built.build(sys.executable, "-m", "weaving.submission")[0] == 1


@pytest.mark.xfail(not shutil.which("faketime"), run=False, reason="faketime is not installed")
def test_a_wrong_clock_that_jumps_back_changes_nothing(project, reference):
    def build(clock, report):
        project.write(report)
        status, said = project.build("faketime", "-f", clock, sys.executable, "-m", "weaving")
        assert status == 0, said
        return project.pdf.read_bytes()

    assert build("@2039-06-01 00:00:00", LIGHT) == reference
    assert build("@1999-12-31 23:59:59", LIGHT.replace("2 + 3", "2 + 4")) != reference
    assert build("@1970-01-01 00:00:10", LIGHT) == reference
