"""What stops the weave, at which line, and what does not."""

import logging
import os
import re
import runpy
import sys
from pathlib import Path

import pytest
from documents import CHUNK, DRAW, FIGURE, GOOD, folder, report  # noqa: F401

from weaving.build import weave
from weaving.command import build_and_report
from weaving.execution import build_lock
from weaving.problems import BuildFailed
from weaving.target import Target

pytestmark = pytest.mark.usefixtures("folder")


def said(capsys):
    """What a build that must fail says."""
    assert build_and_report(Target()) == 1
    assert Path("report.pdf").read_bytes() == GOOD
    message = capsys.readouterr().err
    assert message.endswith("report.pdf is left as it was\n")
    return message


def test_the_lock_needs_no_folder_to_be_there():
    Path("build").rmdir()
    with build_lock(print):
        assert Path("build/lock").exists()


def test_a_build_that_is_repeated_makes_nothing(capsys):
    report("Of two words.")
    assert build_and_report(Target()) == 0 and "report.pdf: 1 page" in capsys.readouterr().out
    made = Path("report.pdf").read_bytes()
    assert build_and_report(Target()) == 0 and "up to date" in capsys.readouterr().out
    assert Path("report.pdf").read_bytes() == made != GOOD


# ---- what stops the weave: (lines from line 3 on, the line of the fault, what is said of it)

DRAWING = "\n" + "\n".join(DRAW)


def code(lines, name="Count"):
    """A chunk; its first line of code is line 4."""
    return f'<<name="{name}">>=\n{lines}\n@'


def places(message):
    """The lines of the report of which something is said."""
    return [int(line) for line in re.findall(r"^report\.texw:(\d+):", message, re.MULTILINE)]


def figure(caption="A line.", alt="A line.", name="Draw"):
    """The first line of a chunk that draws."""
    return f'<<name="{name}", fig=True, caption="{caption}", alt="{alt}", label="line">>='


# fmt: off
FAULTS = {
    'exception': (code('x = 1\nx / 0'), 5, 'ZeroDivisionError'),
    'exception in a function': (
        code("def f():\n    raise ValueError('5 columns')\n\nf()"), 7, '5 columns'),
    'failed assertion': (code('assert 1 + 1 == 3'), 4, 'AssertionError'),
    'sys.exit(0)': (code('import sys\nsys.exit(0)'), 5, 'SystemExit'),
    'os._exit(0)': (code('import os\nos._exit(0)'), 5, 'os._exit(0)'),
    'inline os._exit': ("<%= __import__('os')._exit(0) %>", 3, 'os._exit(0)'),
    'a question': (code("x = 1\ninput('Go on? ')"), 5, 'EOFError'),
    'warning': (code("import warnings\n\nwarnings.warn('too small')"), 6, 'too small'),
    'warning of NumPy': (
        code('import numpy as np\nnp.log(np.array([0.0, 2.0]))[0:0].sum()'), 5, 'divide by zero'),
    'logged warning': (
        code("import logging\nlogging.getLogger('x.y').warning('no such font')"),
        5, 'no such font'),
    'syntax error': (code('x = (1,\ny = 2'), 4, 'SyntaxError'),
    'invalid escape': (code("x = 1\ny = '\\s'"), 5, 'invalid escape'),
    'unknown name': ("\n" + code('nobody + 1'), 5, 'nobody'),
    'a value that is not LaTeX': (code('[1, 2]'), 3, 'of type list'),
    'a memory address in a value': ('<%= str(object()) %>', 3, 'memory address'),
    'a memory address': (code('print(object())'), 3, 'memory address'),
    'control character in a Tex': (
        code("from weaving.latex import Tex\nTex('\\beta')"), 3, 'control character'),
    'figure without fig=True': (
        '<<name="Count">>=' + DRAWING, 3, '1 figure in a chunk without fig=True'),
    'figure chunk without a figure': (figure() + '\n1\n@', 3, 'must end with a Matplotlib figure'),
    'figure chunk with an empty figure': (
        figure() + '\nfrom matplotlib.figure import Figure\nFigure()\n@', 3, '0 axes'),
    'figure without caption': (
        '<<name="D", fig=True, alt="A.", label="l">>=' + DRAWING, 3, 'has no caption'),
    'figure without alt text': (
        '<<name="D", fig=True, caption="A.", label="l">>=' + DRAWING, 3, 'has no alt'),
    'figure without label': (
        '<<name="D", fig=True, caption="A.", alt="A.">>=' + DRAWING, 3, 'has no label'),
    'empty caption': (
        '<<name="D", fig=True, caption="", alt="A.", label="l">>=' + DRAWING, 3, "caption=''"),
    'caption without figure': ('<<name="D", caption="A.">>=\n1\n@', 3, 'not fig=True'),
    'control character in a caption': (
        figure(caption=r"\beta") + DRAWING, 3, 'contains a control character'),
    'LaTeX in an alt text': (figure(alt='100 % line.') + DRAWING, 3, "the alt text contains '%'"),
    'fault inside a caption': (figure(caption='<%= 1 / 0 %>.') + DRAWING, 3, 'ZeroDivisionError'),
    'two chunks with one label': (
        figure() + DRAWING + "\n" + figure(name='Again') + DRAWING, 9, "the label 'line'"),
    'inline exception': ('One,\ntwo <%= 1 / 0 %>.', 4, 'ZeroDivisionError'),
    'inline exception over lines': ('One, <%=\n [1,\n  2][5] %>.', 4, 'IndexError'),
    'inline assertion': (
        '<<name="Count">>=\ndef check(x): assert x > 5, \'small\'\n@\n\n<%= check(3) %>',
        7, 'small'),
    'inline sys.exit': ("<%= __import__('sys').exit(0) %>", 3, 'SystemExit'),
    'inline warning': ("<%= __import__('warnings').warn('hm') %>", 3, 'hm'),
    'inline float': ('It is <%= 0.1 + 0.2 %>.', 3, 'got float'),
    'inline None': ('It is <%= None %>.', 3, 'NoneType'),
    'inline statement': ('It is <%= x = 3 %>.', 3, 'SyntaxError'),
    'inline control character': (r"It is <%= '\theta' %>.", 3, 'control character'),
    'unknown option': (
        '<<name="A", results="hidden">>=\n1\n@', 3, "unknown chunk option 'results'; there are"),
    'misspelt option': ('<<name="A", ehco=True>>=\n1\n@', 3, "did you mean 'echo'?"),
    'malformed options': ('<<name="A", echo=>>=\n1\n@', 3, 'malformed chunk options'),
    'options that are code': ('<<name="A", echo=print("x")>>=\n1\n@', 3, 'malformed chunk options'),
    'options that break out': (
        '<<name="A") + dict(echo=True>>=\n1\n@', 3, 'malformed chunk options'),
    'an option twice': ('<<name="A", name="B">>=\n1\n@', 3, 'each given once'),
    'an option of the wrong type': ('<<name="A", echo="yes">>=\n1\n@', 3, 'a bool is needed'),
    'an option that is no literal': (
        '<<name="A", echo=true>>=\n1\n@', 3, 'echo=true must be a literal'),
    'a chunk without a name': ('<<echo=True>>=\n1\n@', 3, 'without a name'),
    'two chunks with one name': (
        code('a = 1\n@\n<<name="Count">>=\nb = 1'), 6, 'the other is at line 3'),
    'malformed opening': ('<<name="A">>\n1\n@', 3, 'malformed chunk opening'),
    'indented opening': ('\n  <<name="A">>=\n1\n@', 4, 'malformed chunk opening'),
    'unclosed chunk': ('\n<<name="Count">>=\nx = 1', 4, 'not closed by a line with @'),
    'chunk closed by the next one': (
        code('x = 1\n<<name="B">>=\ny = 1'), 3, 'before the next one, at line 5'),
    'empty chunk': ("\n" + code(''), 4, 'an empty chunk'),
    'closed twice': (code('x = 1\n@'), 6, 'none is open'),
    'unclosed inline': ('One <%= 1 two', 3, '<% without its %>'),
    'unclosed inline before another': ('One <%= 1 two\nand <%= 3 %>.', 3, '<%= without its %>'),
    'unopened inline': ('\nOne 1 %> two', 4, '%> without its <%='),
    'another kind of inline': ('<% x = 1 %>', 3, 'only <%= expression %> is known'),
    'a typed number': ('The weight is 0.734 here.', 3, 'the number 0.734 is typed by hand'),
    'a typed percentage': ('\nThat is 37\\,\\% more.', 4, r"the number 37\,\% is typed by hand"),
    'a typed percentage in words': ('That is 37\npercent.', 3, '37 percent'),
    'a typed number in mathematics': ('$x=0.734$', 3, '0.734'),
    'a typed number in a macro': (r"\emph{0.734}", 3, '0.734'),
    'a typed number without its zero': ('It is .5 then.', 3, 'the number .5'),
    'a bare percent sign': ('\nIn 20% of cases.', 4, "'% of cases.'"),
    'a bare percent sign after a number at the end of a line': (
        'Costs rose by 20%\nper year.', 3, 'a bare % is lost'),
    'a bare percent sign after a value at the end of a line': (
        'A\n<%= 20 %>%\nb.', 4, 'a bare % is lost'),
    'a bare percent sign after a value in braces': (
        'By \\textbf{<%= 30 %>}%\nsince then.', 3, 'a bare % is lost'),
    'a bare percent sign that ends a line of prose': ('It is given in %\nonly.', 3, 'a bare % is'),
    'a bare percent sign after a line break': (r"One \\% two", 3, 'a bare %'),
    'a bare percent sign after verbatim': (r"\verb|a|% lost", 3, 'a bare %'),
    'a bare percent sign after an address': (r"  \path{a}  % lost and more", 3, 'a bare %'),
    'a typed listing': ("\\begin{listing}{}{1}\nx = 5\n\\end{listing}", 3, 'listing is for'),
    'a figure that is cut off': (
        figure() + DRAWING.replace("\nfigure\n", "\n_ = figure.text(1.2, 1, 'off')\nfigure\n"),
        3, 'cut off'),
    'a percent sign in a value': ("<%= f'{0.5:.0%}' %> are ill.", 3, 'a bare %'),
    'a percent sign in the last line of a value': (r"<%= 'a\n% b' %> are ill.", 3, 'a bare %'),
    'a percent sign in a result': (
        code("from weaving.latex import Tex\nTex('50% of all')"), 3, 'a bare %'),
    'a percent sign in a caption': (figure(caption='5% of.') + DRAWING, 3, 'a bare %'),
    'text after the end': ('\\end{document}\n\nLost.', 5, 'is not printed'),
    'text after the end and a chunk': (
        '\\end{document}\n' + code('x = 1') + '\nLost.', 7, 'is not printed'),
    'another document as input': (r"\input{part.texw}", 3, 'part.texw'),
    'a fault in a thread': (
        code('import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()'),
        5, 'ZeroDivisionError'),
    'a fault in a destructor': (
        code('class A:\n    def __del__(self):\n        1 / 0\na = A(); del a'),
        6, 'ZeroDivisionError'),
    'the end of the document in a value': (
        r"<%= r'\end{document}' %>", 3, 'would end the document'),
    'text after the end, with a space': ('\\end {document}\nLost.', 4, 'is not printed'),
    'a cancelled task': (code('import asyncio\nraise asyncio.CancelledError'), 5, 'CancelledError'),
    'GeneratorExit': (code('raise GeneratorExit'), 4, 'GeneratorExit'),
    'a broken message': (
        code('class E(Exception):\n    def __str__(self): 1 / 0\nraise E'), 6, 'E'),
    'escape sequences in the output': (code(r"print('\x1b[31mred')"), 3, 'control character'),
    'output that is not UTF-8': (code("import os\nos.write(1, b'\\xff')"), 3, 'UnicodeDecodeError'),
    'a standard output of its own': (
        code("import io, sys\nsys.stdout = io.StringIO()\nprint('lost')"), 3, 'redirect_stdout'),
    'inline output': ("<%= print('x') or 1 %>", 3, 'prints'),
    'inline figure': (
        "<%= __import__('matplotlib.pyplot').pyplot.figure().number %>", 3, 'makes a figure'),
    'a declared file that is missing': ('<<name="A", depends=["data.db"]>>=\n1\n@', 3, 'data.db'),
    'a declaration that is no list of files': (
        '<<name="A", depends=[1]>>=\n1\n@', 3, 'list of file names'),
    'a typed number in a caption': (
        'Body.\n' + figure(caption='At 2.5.') + DRAWING, 4, 'the number 2.5'),
    'a fork that goes on': (
        code("import os\nos.fork()\nprint('twice')"), 3, 'end it with os._exit'),
    'a fault in a fork': (
        code('import os\nchild = os.fork()\nif not child: 1 / 0\nos.waitpid(child, 0)\nNone'),
        3, 'end it with os._exit'),
    'a control character': ('one \x0c two', 3, 'control character'),
}
# fmt: on


@pytest.mark.filterwarnings("ignore")  # the weave must not need pytest's own strictness
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_build_at_its_line(name, capsys):
    text, number, words = FAULTS[name]
    report(text)
    message = said(capsys)
    assert re.search(rf"^report\.texw:{number}: .*{re.escape(words)}", message, re.MULTILINE), (
        message
    )


def test_what_the_faults_are_built_from_is_no_fault_itself():
    report(
        CHUNK,
        "print('x', end='')",
        "@",
        FIGURE.replace("A line", r"Half: <%= 1 + 1 %>\\%", 1),
        *DRAW,
        r"Of \given{0.25}, \href{http://a.b/1.5}{x}, \cite{a2.5} \vspace{1.5pt}",
        r"\rule{0.9\textwidth}{2.5pt}%",
        "  % 3.5 <%= never_run %>",
        "Section 3.5 and 3.6, Python 3.11, arXiv:1706.03762, 1.2.3; \\verb|0.5%|",
        "<%= '''1.5''' %> and <%= 2 +",
        " 3 %>",
    )
    weave(Target())
    tex = Path("build/report.tex").read_text()
    assert "\\caption{Half: 2\\%.}\\label{fig:line}" in tex and "1.5 and 5" in tex


def test_what_follows_from_a_fault_is_not_told(capsys):
    """The third chunk would read the first one's x, which the second was about to replace."""
    report(code("x = 1", "One"), code("y = 1 / 0\nx = [y]", "Two"), code("len(x)", "Three"))
    message = said(capsys)
    assert "report.texw:7: chunk 'Two' raised ZeroDivisionError" in message
    assert places(message) == [7] and "len" not in message


def test_what_a_fault_has_made_already_stays(capsys):
    """The third chunk has a fault of its own, and is told of it."""
    report(code("x = 1", "One"), code("x = 2\n1 / 0", "Two"), code("x / 0", "Three"))
    message = said(capsys)
    assert "chunk 'Two'" in message and "chunk 'Three' raised ZeroDivisionError" in message
    assert len(places(message)) == 2


def test_all_faults_of_a_stage_are_told_at_once(capsys):
    report('<<name="A", fgi=True>>=\n1\n@\n<%= 2\n\nAt 1.25.\n', '<<nome="B">>=\nx = 1')
    assert places(said(capsys)) == [3, 6, 8, 10, 10, 10]
    report("<%= 1 / 0 %>", code("[][1]"), "<%= 'a' + 1 %>", code("unknown", "C"))
    message = said(capsys)
    assert places(message) == [3, 5, 7, 9] and "4 problems; report.pdf is left" in message


def test_an_at_sign_alone_may_belong_to_the_code():
    text = code('text = """one\n@\n"""')
    report(text, "Prose <%= text.split()[-1] %>.", code("x = 1", "B"))
    weave(Target())
    assert "Prose @." in Path("build/report.tex").read_text()


def test_a_chunk_may_log_as_a_script_does(monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.WARNING)
    setting = "logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(message)s')"
    again = ['<<name="Log again">>=', "logging.info('once more')", "@"]
    report(CHUNK, "import logging, sys", setting, "logging.info('once')", "@", *again)
    weave(Target())
    tex = Path("build/report.tex").read_text()
    assert "once\n" in tex and "once more\n" in tex


@pytest.mark.parametrize(
    "lines, words",
    [
        (
            "import contextlib, io, sys\n@contextlib.contextmanager\ndef hidden():\n"
            "    before, sys.stdout = sys.stdout, io.StringIO()\n    try:\n        yield\n"
            "    finally:\n        sys.stdout = before\nleft = hidden()\n_ = left.__enter__()",
            "redirect_stdout",
        ),
        ("import os\nos.environ = {}\n1 / 0", "ZeroDivisionError"),
    ],
)
def test_what_a_chunk_has_replaced_is_put_back(lines, words, capsys):
    before = os.environ, sys.stdout
    report(code(lines), '<<name="Go on">>=', "left = print('on')", "@")
    assert words in said(capsys)
    assert before[0] is os.environ and before[1] is sys.stdout


@pytest.mark.parametrize("writable", [True, False])
def test_the_list_of_fonts_is_cached_where_it_can_be_written(writable, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/venv")
    monkeypatch.setattr(os, "access", lambda path, mode: writable)
    settings = runpy.run_path(sys.modules["weaving.settings"].__file__, run_name="settings")
    caches = settings["LIBRARIES"]["MPLCONFIGDIR"]
    assert caches == ("/venv/matplotlib" if writable else os.path.abspath("build/matplotlib"))


def test_a_document_without_its_end():
    Path("report.texw").write_text("\\begin{document}\none\n")
    with pytest.raises(BuildFailed, match=r"report.texw:3: .*end\{document\} is missing"):
        weave(Target())


LATE = """import os, threading, time
from concurrent.futures import ThreadPoolExecutor
def late():
    time.sleep(0.5)
    try:
        print('late')
    finally:
        open('ended', 'w').close()
"""
WAIT = """import os, time
end = time.monotonic() + 5
while not os.path.exists('ended') and time.monotonic() < end:
    time.sleep(0.02)"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines, place",
    [
        ("_ = os.system('(sleep 0.5; echo late; touch ended) &')", "report.texw:3: "),
        ("threading.Thread(target=late, daemon=True).start()", "report.texw:9: "),
        ("_ = (pool := ThreadPoolExecutor(1)).submit(late)", "report.texw: "),
    ],
)
def test_output_that_comes_after_its_chunk(lines, place, capsys):
    report(code(LATE + lines), code(WAIT).replace("Count", "Wait"))
    assert re.search(rf"^{re.escape(place)}.*wait for it", said(capsys), re.MULTILINE)


@pytest.mark.parametrize(
    "child, shown", [("print('child')\n    sys.exit()", "child"), ("os._exit(5)", "\n5\n")]
)
def test_a_forked_process_may_end(child, shown):
    fork = f"import os, sys\nchild = os.fork()\nif not child:\n    {child}\n"
    report(code(fork + "print(os.waitpid(child, 0)[1] >> 8)"))
    weave(Target())
    assert shown in Path("build/report.tex").read_text()


def test_a_failed_chunk_does_not_accuse_the_lines_that_need_it(capsys):
    report(code("import nosuchmodule\nweight = nosuchmodule.x"), "<%= weight %>\n<%= other %>")
    message = said(capsys)
    assert places(message) == [4, 8] and "'other'" in message


def test_a_report_that_is_missing_or_not_utf_8(capsys):
    assert "report.texw: No such file or directory" in said(capsys)
    Path("report.texw").write_bytes(b"one\n\ntwo \xe4\n")
    assert "report.texw:3: byte 0xe4 is not UTF-8" in said(capsys)


def test_a_byte_order_mark_and_windows_line_ends_are_taken_away():
    Path("report.texw").write_bytes(b"\xef\xbb\xbfone\r\ntwo <%= 1 + 1 %>\r\n")
    weave(Target())
    assert Path("build/report.tex").read_text() == "one\ntwo 2\n"
