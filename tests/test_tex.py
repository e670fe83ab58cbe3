"""What is read from the logs of LaTeX and BibTeX, and what they do not report."""

from pathlib import Path

import pytest

from weaving.bibtex import problems as bibtex_problems
from weaving.bibtex import uncited_entries
from weaving.tex import files_read
from weaving.texlog import problems, read_log
from weaving.unreported import code_outside_document

LINES = list(range(101, 141))
LOGGED = {
    "build/report.tex:5: Undefined control sequence.\nl.5 \\one\n": (105, "Undefined control"),
    "./build/report.tex:5: LaTeX Error: File `x.png' not found.": (105, "File `x.png' not found"),
    "code/weaving/house.sty:5: Missing number.": (5, "Missing number"),
    "/usr/share/x.sty:5: Missing number.": (0, "/usr/share/x.sty:5"),
    "(\\end occurred inside a group at level 1)": (0, "not closed"),
    "### simple group (level 1) entered at line 6 ({)": (106, "not closed"),
    " (\\end occurred when \\ifnum on line 7 was incomplete)": (107, "\\ifnum has no \\fi"),
    "! Emergency stop.": (0, "Emergency stop"),
    "!pdfTeX error: pdflatex (file x): Font x not found": (0, "Font x not found"),
    "LaTeX Warning: Reference `a' undefined on input line 7.": (107, "Reference `a' undefined"),
    "Package natbib Warning: Citation `a' undefined on input line 8.": (108, "Citation `a'"),
    "Package hyperref Warning: Token:\n(hyperref)      removing `x' on input line 9.": (109, "`x'"),
    "LaTeX Font Warning: Font shape\n(Font)      instead on input line 3.": (103, "instead"),
    "[3pdfTeX warning (ext4): destination with the same identifier": (0, "same identifier"),
    "Missing character: There is no x in font cmr10!": (0, "Missing character"),
    "Overfull \\hbox (1.01pt too wide) in paragraph at lines 4--6": (104, "1.01pt"),
    "Overfull \\vbox (22.0pt too high) has occurred while \\output": (0, "page 3 is too full"),
}
NOT_LOGGED = [
    "Overfull \\hbox (0.99pt too wide) in paragraph at lines 4--6",
    "Underfull \\hbox (badness 10000)",
    "Package x Info: a warning",
    "LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right.",
]


def read(log):
    return [fault.problem for fault in read_log(log, "report.texw", LINES, "build/report.tex")]


@pytest.mark.parametrize("log", LOGGED)
def test_the_log_is_read(log):
    line, words = LOGGED[log]
    (problem,) = read(f"before [1] [2]\n{log}\nafter")
    assert problem.line == line and words in problem.message


@pytest.mark.parametrize("log", NOT_LOGGED)
def test_what_is_harmless_in_the_log_is_left_out(log):
    assert read(f"before [1] [2]\n{log}\nafter") == []


def test_a_line_of_the_table_of_contents_is_not_a_line_of_the_report():
    log = (
        "(build/report.toc\nOverfull \\hbox (9.0pt too wide) in paragraph at lines 4--6\n)\n"
        "(build/report.bbl)\nOverfull \\hbox (8.0pt too wide) in paragraph at lines 5--6\n"
    )
    assert [problem.line for problem in read(log)] == [0, 105]


EXPLAINED = """build/report.tex:5: LaTeX Error: Unicode character X (U+674E)
               not set up for use with LaTeX.

See the LaTeX manual or LaTeX Companion for explanation.
Type  H <return>  for immediate help.
 ...

l.5 Hello X
           and more.
You may provide a definition with
\\DeclareUnicodeCharacter

Overfull \\hbox (9.0pt too wide) in paragraph at lines 4--6
"""


def test_all_that_latex_explains_of_an_error_is_told_with_a_remedy():
    error, overfull = read(EXPLAINED)
    assert (error.line, overfull.line) == (105, 104)
    assert "(U+674E) not set up" in error.message and "Latin letters" in error.message
    shown = ["Hello X", "and more.", "You may provide a definition with"]
    assert list(map(str.strip, error.details.split("\n"))) == [*shown, "\\DeclareUnicodeCharacter"]


def test_errors_one_after_the_other_are_all_told():
    log = "! One.\nbuild/report.tex:6: Two.\n! Three.\nl.7 x\n   y\n\n"
    log += "build/report.tex:8: Four on input line 9.\n"
    assert [(problem.line, problem.message) for problem in read(log)] == [
        (0, "One."),
        (106, "Two."),
        (0, "Three."),
        (108, "Four at line 109"),
    ]


def test_the_files_that_tex_has_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    for name in ["chapter one.tex", "bib.bib", "old.tex", "build/report.tex"]:
        Path(name).touch()
    Path("build/report.fdb_latexmk").write_text(
        '# Fdb version 4\n["bibtex build/report"] 1795702065 "a" "b" "c" 17 0\n'
        '  "bib.bib" 17 26816 ffe5 ""\n["pdflatex"] 17 "a" "b"\n  "old.tex" 17.5 4 8a ""\n'
    )
    Path("build/report.fls").write_text(
        "INPUT ./chapter one.tex\nINPUT build/report.tex\nINPUT gone.tex\nOUTPUT old.tex\n"
    )
    Path("chapter one.tex").write_text(
        '% <%= a comment %>\n50\\% of all\nThe value <%= 1 + 1 %>\n<<name="A">>=\n'
    )
    names = files_read(Path("build/report"))
    assert names == ["bib.bib", "chapter one.tex"]
    assert [(problem.source, problem.line) for problem in code_outside_document(names)] == [
        ("chapter one.tex", 3),
        ("chapter one.tex", 4),
    ]


def test_entries_that_are_never_cited_are_named_with_their_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bib").mkdir()
    Path("bib/all.bib").write_text(
        "@string{a = {b}}\n@book{one,\n title={x}}\n\n@article{two,\n title={y}}\n@book{three,}"
        "\n@book{four,\n crossref = {five}}\n@book{five,}"
    )
    Path("another.texw").write_text(r"\citet[p.~1]{three}")
    Path("job.aux").write_text(
        "\\citation{zero,One}\n\\bibdata{all,more.bib}\n\\@input{parts/chapter.aux}\n"
    )
    Path("parts").mkdir()
    Path("parts/chapter.aux").write_text("\\citation{four}\n")
    Path("more.bib").write_text("@book{six,}")  # beside the report
    assert list(map(str, uncited_entries(Path("job")))) == [
        "bib/all.bib:5: two is never cited",
        "more.bib:1: six is never cited",
    ]


def test_what_bibtex_complains_of_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bib").mkdir()
    Path("bib/all.bib").touch()
    Path("job.blg").write_text(
        "The style file: plainnat.bst\nWarning--empty year in one\n"
        "I was expecting a `,' or a `}'---line 5 of file all.bib\n"
        "Unbalanced braces---line 7 of file all.bib\n"
        'Warning--string name "abc" is undefined\n--line 8 of file all.bib\n'
        'A bad cross reference---entry "a"\nrefers to entry "b", which doesn\'t exist\n'
        'Warning--I didn\'t find a database entry for "two"\n'  # LaTeX says it, with its line
    )
    assert bibtex_problems(Path("job")) == []  # of an earlier run: there is no bibliography now
    Path("job.aux").write_text("\\bibdata{all}\n")
    assert list(map(str, bibtex_problems(Path("job")))) == [
        "bib: BibTeX: empty year in one",
        "bib/all.bib:5: BibTeX: I was expecting a `,' or a `}'",
        "bib/all.bib:7: BibTeX: Unbalanced braces",
        'bib/all.bib:8: BibTeX: string name "abc" is undefined',
        'bib: BibTeX: A bad cross reference---entry "a" refers to entry "b", which doesn\'t exist',
    ]


def test_a_label_used_twice_is_told_at_its_second_place(tmp_path):
    job = tmp_path / "job"
    job.with_suffix(".tex").write_text("\\label{a b}\n% \\label{a b}\n\\label{a b}\n\\label{c}\n")
    job.with_suffix(".log").write_text(
        "LaTeX Warning: Label `a b' multiply defined.\nLaTeX Warning: Label `c' multiply defined.\n"
    )
    chapter, twice = problems(job, "report.texw", LINES, complete=True)
    assert "`c'" in chapter.message  # where the other c is
    assert twice.line == 103 and "label a b is already" in twice.message and "101" in twice.message
