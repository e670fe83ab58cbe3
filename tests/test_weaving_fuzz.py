"""Whatever is written in a document or a log, its faults are named, and no traceback is ours.

HYPOTHESIS_PROFILE=fuzz (make fuzz) draws new examples for minutes, `make test` the same few.
"""

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from weaving.document import read
from weaving.pdf import write
from weaving.problems import BuildFailed
from weaving.prose import percent_that_deletes
from weaving.reader import StrictReader
from weaving.results import replay
from weaving.tex import files_read
from weaving.texlog import read_log

TOKENS = r"""
<< >>= <<name="a">>= @ % \% \\ <%= %> <% word ' ( ) { } \begin{document} \end{document}
\url{a%b} \verb|%| \begin{verbatim} \end{verbatim} \given{1.5} 1.5 .5 7\,\% é
"""
SPACED = [
    '"""',
    "\n",
    "\n\n",
    " ",
    "\t",
    "x = 1",
    "1 + 1",
    "Section 3.5",
    '<<name="b", echo=True>>=',
    "\ufeff",
]
PIECE = st.sampled_from([*TOKENS.split(), *SPACED])
WRITTEN = st.lists(st.one_of(PIECE, st.text(max_size=3)), max_size=30).map("".join)
OPTIONS = """name= echo= fig= depends= label= "a" True true [1] ['a'] , **{} ( ) \\ r' x= 1"""
OPTION = st.one_of(
    st.text(max_size=20), st.lists(st.sampled_from(OPTIONS.split()), max_size=8).map("".join)
)


def parsed(text):
    """The reader of a document with this text; None if it is refused, at one of its lines."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.texw")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        reader = StrictReader(str(file))
        try:
            reader.parse()
        except BuildFailed as failed:
            assert failed.problems and all(
                1 <= problem.line <= text.count("\n") + 1 for problem in failed.problems
            )
            return None
        return reader


@given(WRITTEN)
def test_a_document_is_refused_or_all_of_it_is_in_the_chunks(text):
    if reader := parsed(text.replace("\r", "")):
        lines = reader.rawtext.split("\n")
        for chunk in reader.parsed:
            for k, line in enumerate(
                chunk["content"].removeprefix("\n").split("\n")
                if chunk["type"] == "code"
                else chunk["content"].split("\n")[:-1]
            ):
                assert lines[chunk["line"] - 1 + k].rstrip() == line.rstrip()


@given(OPTION)
def test_chunk_options_are_read_or_refused(options):
    line = "".join(options.split("\n"))
    parsed(f"<<{line}>>=\nx = 1\n@\n")


def as_tex_reads_it(line):
    """What is left of a line when TeX has dropped its comment; letter by letter, as TeX reads."""
    k = 0
    while k < len(line) and line[k] != "%":
        k += 2 if line[k] == "\\" else 1
    return line[:k]


@given(st.text(st.sampled_from("ab%\\ \n{}"), max_size=40))
def test_no_text_is_lost_to_a_percent_sign(text):
    if percent_that_deletes(text) is None:
        for line in text.split("\n"):
            assert line.lstrip().startswith("%") or not line[len(as_tex_reads_it(line)) :].strip(
                "% "
            )
    if percent_that_deletes(text, within_a_line=True) is None:
        first, *_, last = text.split("\n")[0], text.split("\n")[-1]
        assert as_tex_reads_it(last) == last and not first[len(as_tex_reads_it(first)) :].strip(
            "% "
        )


@given(WRITTEN)
def test_every_word_of_the_prose_is_in_the_latex(text):
    """Comment lines and inline code left out, which are no prose."""
    text = re.sub(r"<%=|<<", "", text)
    if reader := parsed(text):
        tex, lines = write(read(replay(reader.getparsed(), [[] for _ in reader.parsed])))
        prose = "".join(chunk["content"] for chunk in reader.parsed if chunk["type"] == "doc")
        assert prose.split() == [
            word for word in tex.split() if word != "%" or "%" in prose.split()
        ]
        assert len(lines) == tex.count("\n") + 1


LOGS = r"""build/report.tex:5: Undefined control sequence.
! Emergency stop.
l.5 x

   y
(build/report.toc
)
LaTeX Warning: Reference `a' on page 1 undefined on input line 99999999.
(hyperref)   more
### simple group (level 1) entered at line 6 ({)
Overfull \hbox (9.0pt too wide) in paragraph at lines 4--6
Overfull \vbox (9..0pt too high)
Type  H <return>"""
LOGGED = st.lists(
    st.one_of(st.sampled_from(LOGS.split("\n")), st.text(max_size=20)), max_size=20
).map("\n".join)


@given(LOGGED, st.lists(st.integers(1, 9), max_size=9))
def test_any_log_is_read(log, lines):
    for fault in read_log(log, "report.texw", lines, "build/report.tex"):
        problem = fault.problem
        assert str(problem) and (problem.line in [0, *lines] or problem.source != "report.texw")


@given(st.text(max_size=60))
def test_any_list_of_latexmk_is_read(text):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "report.fdb_latexmk").write_bytes(
            ('  "' + text).encode("utf-8", "surrogatepass")
        )
        assert isinstance(files_read(Path(folder, "report")), list)
