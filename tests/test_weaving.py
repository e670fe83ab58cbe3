"""The weave without TeX: what stops it, at which line, what is kept and what runs again, and what the LaTeX looks like."""

import importlib
import json
import os
import re
import sys
from pathlib import Path

import pytest

from weaving import results
from weaving.__main__ import build_and_say
from weaving.build import Target, weave
from weaving.problems import BuildFailed
from weaving.reader import StrictReader
from weaving.tex import never_cited, read_log

ROOT = Path(__file__).resolve().parents[1]
GOOD = b"the last good report"
FIGURE = '<<name="Draw", fig=True, caption="A line.", alt="A line.", label="line">>='
DRAW = ["from matplotlib.figure import Figure", "figure = Figure()", "figure.subplots().plot([1, 3, 2])", "figure", "@"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty project, with a report.pdf to lose."""
    monkeypatch.chdir(tmp_path)
    Path("report.pdf").write_bytes(GOOD)
    Path("code").mkdir()
    Path("build").mkdir()
    Path("requirements.txt").touch()
    return tmp_path


def report(*lines):
    """Write report.texw; the first of the lines is its line 3."""
    text = "\n".join(["\\documentclass{article}", "\\begin{document}", *lines, "\\end{document}", ""])
    Path("report.texw").write_text(text, encoding="utf-8")


def said(capsys):
    """What a build that must fail says."""
    assert build_and_say(Target()) == 1
    assert Path("report.pdf").read_bytes() == GOOD
    message = capsys.readouterr().err
    assert message.endswith("report.pdf is left as it was\n")
    return message


# ---- what stops the weave: (lines from line 3 on, the line of the fault, what is said of it)

CHUNK = '<<name="Count">>='
FAULTS = {
    "exception": ([CHUNK, "x = 1", "x / 0", "@"], 5, "ZeroDivisionError"),
    "exception in a function": ([CHUNK, "def f():", "    raise ValueError('5 columns')", "", "f()", "@"], 7, "5 columns"),
    "failed assertion": ([CHUNK, "assert 1 + 1 == 3", "@"], 4, "AssertionError"),
    "sys.exit(0)": ([CHUNK, "import sys", "sys.exit(0)", "@"], 5, "SystemExit"),
    "os._exit(0)": ([CHUNK, "import os", "os._exit(0)", "@"], 5, "os._exit(0)"),
    "inline os._exit": (["<%= __import__('os')._exit(0) %>"], 3, "os._exit(0)"),
    "warning": ([CHUNK, "import warnings", "", "warnings.warn('too small')", "@"], 6, "too small"),
    "warning of NumPy": ([CHUNK, "import numpy as np", "np.log(np.array([0.0, 2.0]))[0:0].sum()", "@"], 5, "divide by zero"),
    "logged warning": ([CHUNK, "import logging", "logging.getLogger('x.y').warning('no such font')", "@"], 5, "no such font"),
    "syntax error": ([CHUNK, "x = (1,", "y = 2", "@"], 4, "SyntaxError"),
    "invalid escape": ([CHUNK, "x = 1", "y = '\\s'", "@"], 5, "invalid escape"),
    "unknown name": (["", CHUNK, "nobody + 1", "@"], 5, "nobody"),
    "a value that is not LaTeX": ([CHUNK, "[1, 2]", "@"], 3, "ends with a list"),
    "a memory address": ([CHUNK, "print(object())", "@"], 3, "memory address"),
    "control character in a Tex": ([CHUNK, "from weaving.latex import Tex", "Tex('\\beta')", "@"], 3, "control character"),
    "figure without fig=True": ([CHUNK, *DRAW], 3, "1 figure in a chunk without fig=True"),
    "figure chunk without a figure": ([FIGURE, "1", "@"], 3, "ends with a Matplotlib figure"),
    "figure chunk with an empty figure": ([FIGURE, "from matplotlib.figure import Figure", "Figure()", "@"], 3, "0 axes"),
    "figure without caption": (['<<name="D", fig=True, alt="A.", label="l">>=', *DRAW], 3, "has no caption"),
    "figure without alt text": (['<<name="D", fig=True, caption="A.", label="l">>=', *DRAW], 3, "has no alt"),
    "figure without label": (['<<name="D", fig=True, caption="A.", alt="A.">>=', *DRAW], 3, "has no label"),
    "empty caption": (['<<name="D", fig=True, caption="", alt="A.", label="l">>=', *DRAW], 3, "caption=''"),
    "caption without figure": (['<<name="D", caption="A.">>=', "1", "@"], 3, "not fig=True"),
    "control character in a caption": ([FIGURE.replace("A line.", "\\beta", 1), *DRAW], 3, "holds a control character"),
    "LaTeX in an alt text": ([FIGURE.replace('alt="A', 'alt="100 %'), *DRAW], 3, "the alt text holds '%'"),
    "fault inside a caption": ([FIGURE.replace("A line", "<%= 1 / 0 %>", 1), *DRAW], 3, "ZeroDivisionError"),
    "two chunks with one label": ([FIGURE, *DRAW, FIGURE.replace("Draw", "Again"), *DRAW], 9, "the label 'line'"),
    "inline exception": (["One,", "two <%= 1 / 0 %>."], 4, "ZeroDivisionError"),
    "inline exception over lines": (["One, <%=", " [1,", "  2][5] %>."], 4, "IndexError"),
    "inline assertion": ([CHUNK, "def check(x): assert x > 5, 'small'", "@", "", "<%= check(3) %>"], 7, "small"),
    "inline sys.exit": (["<%= __import__('sys').exit(0) %>"], 3, "SystemExit"),
    "inline warning": (["<%= __import__('warnings').warn('hm') %>"], 3, "hm"),
    "inline float": (["It is <%= 0.1 + 0.2 %>."], 3, "the value is a float"),
    "inline None": (["It is <%= None %>."], 3, "NoneType"),
    "inline statement": (["It is <%= x = 3 %>."], 3, "SyntaxError"),
    "inline control character": (["It is <%= '\\theta' %>."], 3, "control character"),
    "unknown option": (['<<name="A", results="hidden">>=', "1", "@"], 3, "unknown chunk option 'results'; there are"),
    "misspelt option": (['<<name="A", ehco=True>>=', "1", "@"], 3, "did you mean 'echo'?"),
    "malformed options": (['<<name="A", echo=>>=', "1", "@"], 3, "malformed chunk options"),
    "options that are code": (['<<name="A", echo=print("x")>>=', "1", "@"], 3, "malformed chunk options"),
    "options that break out": (['<<name="A") + dict(echo=True>>=', "1", "@"], 3, "malformed chunk options"),
    "an option twice": (['<<name="A", name="B">>=', "1", "@"], 3, "comes once"),
    "an option of the wrong type": (['<<name="A", echo="yes">>=', "1", "@"], 3, "a bool is needed"),
    "an option that is no literal": (['<<name="A", echo=true>>=', "1", "@"], 3, "echo=true must be a literal"),
    "a chunk without a name": (["<<echo=True>>=", "1", "@"], 3, "without a name"),
    "two chunks with one name": ([CHUNK, "a = 1", "@", CHUNK, "b = 1", "@"], 6, "the other is at line 3"),
    "malformed opening": (['<<name="A">>', "1", "@"], 3, "malformed chunk opening"),
    "indented opening": (["", '  <<name="A">>=', "1", "@"], 4, "malformed chunk opening"),
    "unclosed chunk": (["", CHUNK, "x = 1"], 4, "not closed by a line with @"),
    "chunk closed by the next one": ([CHUNK, "x = 1", '<<name="B">>=', "y = 1", "@"], 3, "before the next one, at line 5"),
    "empty chunk": (["", CHUNK, "", "@"], 4, "an empty chunk"),
    "closed twice": ([CHUNK, "x = 1", "@", "@"], 6, "none is open"),
    "unclosed inline": (["One <%= 1 two"], 3, "<% without its %>"),
    "unclosed inline before another": (["One <%= 1 two", "and <%= 3 %>."], 3, "<%= without its %>"),
    "unopened inline": (["", "One 1 %> two"], 4, "%> without its <%="),
    "another kind of inline": (["<% x = 1 %>"], 3, "only <%= expression %> is known"),
    "a typed number": (["The weight is 0.734 here."], 3, "the number 0.734 is typed by hand"),
    "a typed percentage": (["", "That is 37\\,\\% more."], 4, "the number 37\\,\\% is typed by hand"),
    "a typed percentage in words": (["That is 37", "percent."], 3, "37 percent"),
    "a typed number in mathematics": (["$x=0.734$"], 3, "0.734"),
    "a typed number in a macro": ([r"\emph{0.734}"], 3, "0.734"),
    "a typed number without its zero": (["It is .5 then."], 3, "the number .5"),
    "a bare percent sign": (["", "In 20% of cases."], 4, "'% of cases.'"),
    "a bare percent sign after a line break": ([r"One \\% two"], 3, "a bare %"),
    "a percent sign in a value": (["<%= f'{0.5:.0%}' %> are ill."], 3, "a bare %"),
    "a percent sign in the last line of a value": (["<%= 'a\\n% b' %> are ill."], 3, "a bare %"),
    "a percent sign in a result": ([CHUNK, "from weaving.latex import Tex", "Tex('50% of all')", "@"], 3, "a bare %"),
    "a percent sign in a caption": ([FIGURE.replace("A line", "5% of", 1), *DRAW], 3, "a bare %"),
    "text after the end": ([r"\end{document}", "", "Lost."], 5, "is not printed"),
    "another document as input": ([r"\input{part.texw}"], 3, "part.texw"),
    "a fault in a thread": ([CHUNK, "import threading", "t = threading.Thread(target=lambda: 1 / 0)", "t.start()", "@"],
                            5, "ZeroDivisionError"),
    "a fault in a destructor": ([CHUNK, "class A:", "    def __del__(self):", "        1 / 0", "a = A(); del a", "@"],
                                6, "ZeroDivisionError"),
    "a cancelled task": ([CHUNK, "import asyncio", "raise asyncio.CancelledError", "@"], 5, "CancelledError"),
    "GeneratorExit": ([CHUNK, "raise GeneratorExit", "@"], 4, "GeneratorExit"),
    "a broken message": ([CHUNK, "class E(Exception):", "    def __str__(self): 1 / 0", "raise E", "@"], 6, "E"),
    "escape sequences in the output": ([CHUNK, r"print('\x1b[31mred')", "@"], 3, "control character"),
    "output that is not UTF-8": ([CHUNK, "import os", r"os.write(1, b'\xff')", "@"], 3, "UnicodeDecodeError"),
    "inline output": (["<%= print('x') or 1 %>"], 3, "prints"),
    "inline figure": (["<%= __import__('matplotlib.pyplot').pyplot.figure().number %>"], 3, "makes a figure"),
    "a declared file that is missing": (['<<name="A", depends=["data.db"]>>=', "1", "@"], 3, "data.db"),
    "a declaration that is no list of files": (['<<name="A", depends=[1]>>=', "1", "@"], 3, "list of file names"),
    "a typed number in a caption": (["Body.", FIGURE.replace("A line", "At 2.5", 1), *DRAW], 4, "the number 2.5"),
    "a control character": (["one \x0c two"], 3, "control character"),
}


@pytest.mark.filterwarnings("ignore")  # the weave must not need pytest's own strictness
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_build_at_its_line(name, capsys):
    lines, number, words = FAULTS[name]
    report(*lines)
    message = said(capsys)
    assert re.search(rf"^report\.texw:{number}: .*{re.escape(words)}", message, re.MULTILINE), message


def test_what_the_faults_are_built_from_is_no_fault_itself():
    report(CHUNK, "print('x', end='')", "@", FIGURE.replace("A line", r"Half: <%= 1 + 1 %>\\%", 1), *DRAW,
           r"Of \given{0.25}, \href{http://a.b/1.5}{x}, \cite{a2.5} \vspace{1.5pt} \rule{0.9\textwidth}{2.5pt}%",
           "  % 3.5 <%= never_run %>", "Section 3.5 and 3.6, Python 3.11, arXiv:1706.03762, 1.2.3; \\verb|0.5%|",
           "<%= '''1.5''' %> and <%= 2 +", " 3 %>")
    weave(Target())
    tex = Path("build/report.tex").read_text()
    assert "\\caption{Half: 2\\%.}\\label{fig:line}" in tex and "1.5 and 5" in tex


def test_what_follows_from_a_fault_is_not_told(capsys):
    """The third chunk would read the first one's x, where the second was about to give it another value."""
    report('<<name="First">>=', "x = 1", "@", '<<name="Second">>=', "y = 1 / 0", "x = [y]", "@", '<<name="Third">>=', "len(x)", "@")
    message = said(capsys)
    assert "report.texw:7: chunk 'Second' raised ZeroDivisionError" in message and "\n1 problem;" in message and "len" not in message


def test_what_a_fault_has_made_already_stays(capsys):
    """The third chunk has a fault of its own, and is told of it."""
    report('<<name="First">>=', "x = 1", "@", '<<name="Second">>=', "x = 2", "1 / 0", "@", '<<name="Third">>=', "x / 0", "@")
    message = said(capsys)
    assert "chunk 'Second'" in message and "chunk 'Third' raised ZeroDivisionError" in message and "\n2 problems;" in message


def test_all_faults_of_a_stage_are_told_at_once(capsys):
    report('<<name="A", fgi=True>>=', "1", "@", "<%= 2", "", "At 1.25.", "", '<<nome="B">>=', "x = 1")
    message = said(capsys)
    assert [int(n) for n in re.findall(r"^report\.texw:(\d+):", message, re.MULTILINE)] == [3, 6, 8, 10, 10, 10]
    report("<%= 1 / 0 %>", CHUNK, "[][1]", "@", "<%= 'a' + 1 %>", '<<name="C">>=', "unknown", "@")
    message = said(capsys)
    assert [int(n) for n in re.findall(r"^report\.texw:(\d+):", message, re.MULTILINE)] == [3, 5, 7, 9]
    assert "4 problems; report.pdf is left" in message


def test_a_forked_process_may_end_as_it_does():
    report("<%= (lambda os: (lambda child: os.waitpid(child, 0)[1] if child else os._exit(5))(os.fork()))(__import__('os')) >> 8 %>")
    weave(Target())
    assert "\n5\n" in Path("build/report.tex").read_text()


def test_a_failed_chunk_does_not_accuse_the_lines_that_need_it(capsys):
    report(CHUNK, "import nosuchmodule", "weight = nosuchmodule.x", "@", "<%= weight %>", "<%= other %>")
    message = said(capsys)
    assert re.findall(r"^report\.texw:(\d+):", message, re.MULTILINE) == ["4", "8"] and "'other'" in message


def test_a_report_that_is_missing_or_not_utf_8(capsys):
    assert "report.texw: No such file or directory" in said(capsys)
    Path("report.texw").write_bytes(b"one\n\ntwo \xe4\n")
    assert "report.texw:3: byte 0xe4 is not UTF-8" in said(capsys)


def test_a_byte_order_mark_and_windows_line_ends_are_taken_away():
    Path("report.texw").write_bytes(b"\xef\xbb\xbfone\r\ntwo <%= 1 + 1 %>\r\n")
    weave(Target())
    assert Path("build/report.tex").read_text() == "one\ntwo 2\n"


# ---- the log

LINES = list(range(101, 141))
LOGGED = {
    "build/report.tex:5: Undefined control sequence.\nl.5 one \\nothing\n": (105, "Undefined control sequence"),
    "./build/report.tex:5: LaTeX Error: File `x.png' not found.": (105, "File `x.png' not found"),
    "code/weaving/house.sty:5: Missing number.": (5, "Missing number"),
    "/usr/share/x.sty:5: Missing number.": (0, "/usr/share/x.sty:5"),
    "! Emergency stop.": (0, "Emergency stop"),
    "!pdfTeX error: pdflatex (file x): Font x not found": (0, "Font x not found"),
    "LaTeX Warning: Reference `a' on page 1 undefined on input line 7.": (107, "Reference `a' on page 1 undefined"),
    "LaTeX Warning: Label `a' multiply defined.": (0, "multiply defined"),
    "Package natbib Warning: Citation `a' on page 1 undefined on input line 8.": (108, "Citation `a'"),
    "Package hyperref Warning: Token not allowed in a PDF string:\n(hyperref)                removing `x' on input line 9.":
        (109, "removing `x'"),
    "LaTeX Font Warning: Font shape `T1/x/m/n' undefined\n(Font)              using `T1/cmr/m/n' instead on input line 3.":
        (103, "instead"),
    "[3pdfTeX warning (ext4): destination with the same identifier": (0, "same identifier"),
    "Missing character: There is no x in font cmr10!": (0, "Missing character"),
    "Overfull \\hbox (1.01pt too wide) in paragraph at lines 4--6": (104, "1.01pt"),
    "Overfull \\vbox (22.0pt too high) has occurred while \\output is active": (0, "page is too full"),
}
NOT_LOGGED = ["Overfull \\hbox (0.99pt too wide) in paragraph at lines 4--6", "Underfull \\hbox (badness 10000)",
              "Package x Info: a warning", "LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right."]


@pytest.mark.parametrize("log", LOGGED)
def test_the_log_is_read(log):
    line, words = LOGGED[log]
    (problem,) = read_log(f"before\n{log}\nafter", "report.texw", LINES, "build/report.tex")
    assert problem.line == line and words in problem.message


def test_a_line_of_the_table_of_contents_is_not_a_line_of_the_report():
    log = "(build/report.toc\nOverfull \\hbox (9.0pt too wide) in paragraph at lines 4--6\n)\n" \
          "(build/report.bbl)\nOverfull \\hbox (8.0pt too wide) in paragraph at lines 5--6\n"
    assert [problem.line for problem in read_log(log, "report.texw", LINES, "build/report.tex")] == [0, 105]


@pytest.mark.parametrize("log", NOT_LOGGED)
def test_what_is_harmless_in_the_log_is_left_out(log):
    assert read_log(f"before\n{log}\nafter", "report.texw", LINES, "build/report.tex") == []


def test_an_entry_that_is_never_cited_is_named_with_its_line():
    Path("bib").mkdir()
    Path("bib/all.bib").write_text("@string{a = {b}}\n@book{one,\n title={x}}\n\n@article{two,\n title={y}}\n")
    Path("job.aux").write_text("\\citation{zero,one}\n\\bibdata{all}\n")
    (problem,) = never_cited(Path("job"))
    assert str(problem) == "bib/all.bib:5: two is never cited"


# ---- only what changed, and never a stale result

INPUT_REPORT = [
    '<<name="Run">>=',
    "import json, pathlib",
    "from rules import rule",
    "with open('build/ran', 'a') as file: file.write('x')",
    "case = json.loads(pathlib.Path(case_file).read_text()) if case_file else 0",
    "total = [rule.value, json.loads(pathlib.Path('code/rules/numbers.json').read_text()), case,"
    " pathlib.Path('measured.txt').read_text().strip(), 1]",
    "@",
    "Total <%= str(total) %>, once <%= 7 + 1 %>.",
    FIGURE, *DRAW, "Prose."]


@pytest.fixture
def project(folder, monkeypatch):
    report(*INPUT_REPORT)
    monkeypatch.syspath_prepend("code")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    Path("code/rules").mkdir()
    for name, text in {"code/rules/rule.py": "value = 10\n", "code/rules/numbers.json": "[20]", "case.json": "30",
                       "measured.txt": "40", "code/weaving.sty": "%"}.items():
        Path(name).write_text(text)
    return folder


def run_weave(case="case.json"):
    """Weave with nothing of the project imported yet; how often the chunk ran in all, and the LaTeX."""
    for name in [name for name in sys.modules if name.split(".")[0] == "rules"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    weave(Target("report", case))
    return len(Path("build/ran").read_text()), Path("build/report.tex").read_text()


def change(name, old, new):
    """Change a file at once, keeping its size and time: only its content tells."""
    path = Path(name)
    times = path.stat()
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_each_kind_of_input_makes_the_chunks_run_again_and_nothing_else_does(project):
    ran, tex = run_weave()
    assert ran == 1 and "Total [10, [20], 30, '40', 1], once 8." in tex
    for name, old, new, shown in [
            ("code/rules/rule.py", "10", "11", "[11, [20], 30, '40', 1], once 8"),
            ("code/rules/numbers.json", "20", "21", "[11, [21], 30, '40', 1], once 8"),
            ("case.json", "30", "31", "[11, [21], 31, '40', 1], once 8"),
            ("measured.txt", "40", "41", "[11, [21], 31, '41', 1], once 8"),
            ("report.texw", ", 1]", ", 2]", "[11, [21], 31, '41', 2], once 8"),
            ("report.texw", "7 + 1", "7 + 2", "[11, [21], 31, '41', 2], once 9")]:
        change(name, old, new)
        assert run_weave()[0] == ran + 1, name
        ran, tex = run_weave()  # the second time nothing has changed
        assert f"Total {shown}." in tex, name
    for name, old, new in [("report.texw", "Prose", "Verse"), ("code/weaving.sty", "%", " ")]:
        change(name, old, new)
        assert run_weave()[0] == ran, name
    assert "Verse" in run_weave()[1]
    assert "[11, [21], 0, '41', 2]" in run_weave(case="")[1]
    assert run_weave(case="case.json")[0] == ran + 2


def test_a_figure_or_results_that_are_lost_or_damaged_are_made_again(project):
    run_weave()
    figure, kept = Path("figures/report/line.pdf"), Path("build/report.results.json")
    good, good_results = figure.read_bytes(), kept.read_bytes()
    damages = [figure.unlink, lambda: figure.write_bytes(good[:-9]), kept.unlink, lambda: kept.write_bytes(good_results[:99]),
               lambda: kept.write_text("[]"), lambda: kept.write_text(json.dumps({"key": 1}))]
    for k, damage in enumerate(damages):
        damage()
        assert run_weave()[0] == k + 2
        assert figure.read_bytes() == good
        assert json.loads(kept.read_bytes())["results"] == json.loads(good_results)["results"]


def test_a_failed_run_keeps_nothing(project):
    run_weave()
    change("report.texw", "total = [", "total = {")
    with pytest.raises(BuildFailed):
        weave(Target("report", "case.json"))
    change("report.texw", "total = {", "total = [")
    assert "Total [10" in run_weave()[1]


def test_results_do_not_outlive_their_python(project, monkeypatch):
    reader = StrictReader("report.texw")
    reader.parse()
    key = results.key(reader.parsed, "")
    monkeypatch.setattr(results.inputs.platform, "python_version", lambda: "3.99.0")
    assert results.key(reader.parsed, "") != key
