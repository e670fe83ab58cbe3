"""The preamble as a TeX format: used where it changes nothing, and made anew when it would."""

import os
from pathlib import Path

import pytest
from documents import folder  # noqa: F401
from pypdf import PdfReader

from weaving import preamble, tex
from weaving.problems import BuildFailed

pytestmark = pytest.mark.slow

JOB = Path("build/report")
BODY = "\\begin{document}\n\\word, \\the\\year\n\\end{document}\n"
PLAIN = "\\documentclass{article}\n\\input{own}\n"


@pytest.fixture
def typeset(folder):  # noqa: F811
    """typeset(preamble): the words of the PDF, and whether the format was used."""
    Path("own.tex").write_text("\\newcommand{\\word}{one}\n")

    def typeset(before=PLAIN, epoch=1700000000):
        text = preamble.SKIP + before + BODY
        JOB.with_suffix(".tex").write_text(text)
        tex.typeset(JOB, "report.texw", list(range(1, text.count("\n") + 1)), epoch)
        (page,) = PdfReader("build/report.pdf").pages
        used = "format=report" in JOB.with_suffix(".log").read_text()
        return page.extract_text().split("\n")[0], used

    return typeset


def test_the_format_is_used_and_made_anew_when_something_read_for_it_changes(typeset):
    assert typeset() == ("one, 2023", True)
    made = os.stat("build/report.preamble/report.fmt").st_mtime_ns
    assert typeset() == ("one, 2023", True)
    assert os.stat("build/report.preamble/report.fmt").st_mtime_ns == made
    Path("own.tex").write_text("\\newcommand{\\word}{two}\n")
    assert typeset() == ("two, 2023", True)
    assert typeset(PLAIN + "\\renewcommand{\\word}{three}\n") == ("three, 2023", True)
    assert typeset(PLAIN, epoch=1500000000) == ("two, 2017", True)
    Path("code/weaving").mkdir()
    Path("code/weaving/article.cls").write_text("\\LoadClass{report}\\def\\word{four}\n")
    Path("own.tex").write_text("")
    assert typeset() == ("four, 2023", True), "a new file took the place of another"


def test_a_damaged_format_is_made_anew(typeset):
    typeset()
    os.truncate("build/report.preamble/report.fmt", 1000)
    assert typeset() == ("one, 2023", True)
    Path("build/report.preamble/record.json").write_text("{")
    assert typeset() == ("one, 2023", True)


@pytest.mark.parametrize(
    "line",
    [
        "\\newwrite\\file\\immediate\\openout\\file=\\jobname.list\n",
        "\\iftrue\n",
        "\\newcommand{\\text}{\\begin{quote}}\\begin{filecontents}{x.tex}\n\\end{filecontents}\n",
    ],
)
def test_a_preamble_that_goes_on_in_the_text_is_read_in_each_pass(line, typeset):
    closing = "\\AtEndDocument{\\fi}" if "iftrue" in line else ""
    assert typeset(PLAIN + closing + line) == ("one, 2023", False)


@pytest.mark.parametrize(
    "line, said",
    [("\\nosuch\n", "Undefined control"), ("\\PackageWarning{own}{Beware}\n", "Beware")],
)
def test_what_tex_reports_in_the_preamble_is_reported_each_time(line, said, typeset):
    for _ in range(2):
        with pytest.raises(BuildFailed, match=rf"report\.texw:3: .*{said}"):
            typeset(PLAIN + line)


def test_where_the_text_begins():
    begin = preamble.before_document
    assert begin("a\n% \\begin{document}\n\\{\\begin{document}\\begin{document}") == (
        "a\n% \\begin{document}\n\\{"
    )
    assert begin("\\newcommand{\\a}{\\begin{document}}\\begin {document}") is None
    assert begin("\\begin{filecontents}\\begin{document}") is None
    assert begin("\\beginning{\\begin{document}") is None


def test_the_files_of_the_preamble_are_files_of_the_document(typeset):
    typeset()
    assert "own.tex" in tex.files_read(JOB)
