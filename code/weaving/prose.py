"""What stands in a document besides chunks: text, captions and inline expressions.

Two rules hold for the text between \\begin{document} and \\end{document}:

* A percent sign is written \\%. A bare one may only begin a line (the line is a comment, and
  inline code in it does not run) or end it, but not after a number or a blank: there it was meant
  to be printed. Anywhere else it would delete the rest of the line.
* A result is computed, not typed. A decimal number (0.734, .5) or a percentage (37\\,\\%, 37
  percent) is an error in prose, formulas and captions, unless it is an input, written
  \\given{0.734}; a length (0.5em); the number of a section, table, version or the like (Section
  3.5, Python 3.11, arXiv:1706.03762); or is part of an address, citation, label or listing.
"""

import re
from collections.abc import Callable, Iterator

Fault = tuple[int, str]  # line, message

VALUE = "\ufffc"  # stands for an inline expression where the text around it is examined

BEGIN = r"\begin{document}"
NO_COMMENT = r"^(?![ \t]*%)"
END = re.compile(NO_COMMENT + r".*?\\end\s*\{document\}", re.MULTILINE)
LOST = re.compile(NO_COMMENT + r"[ \t]*\S", re.MULTILINE)
MISPLACED = [
    (re.compile(NO_COMMENT + r".*?\\begin\{(listing|printed)\}", re.MULTILINE),
     "{} is for what a program made; type Verbatim, or a chunk"),
    (re.compile(NO_COMMENT + r".*\\(?:input|include)\s*\{([^}]*\.texw)\}", re.MULTILINE),
     r"\input prints {} as it stands, no chunk of it runs; move its text here"),
]  # fmt: skip

# From left to right: a comment line, an escaped character, an inline expression, a part of one.
SCAN = re.compile(
    r"^[ \t]*%(?!>)[^\n]*|\\[\\%]|<%=(?P<code>.*?)%>|(?P<open><%[^\n]*)|(?P<close>%>)",
    re.DOTALL | re.MULTILINE,
)

# A line up to its bare %, which deletes what follows it or is lost at the end after one of these.
# A comment line has none, unless MORE follows it.
MORE = "\ufffd"
PERCENT = rf"(?m)^(?![ \t]*%[^{MORE}\n]*$)(?:\\.|[^\\%\n])*?(?:%(?=.*\S)|\\?(?:AFTER)%)"
NUMBER = rf"[\d{VALUE}$)]|{VALUE}\}}+"
IN_PREAMBLE = re.compile(PERCENT.replace("AFTER", r"(?!)"))
IN_COMPUTED = re.compile(PERCENT.replace("AFTER", NUMBER))
IN_TYPED = re.compile(PERCENT.replace("AFTER", rf"{NUMBER}|[ \t]"))
ARGUMENT = r"\s*\{(?:[^{}]|\{[^{}]*\})*\}"
# What TeX reads letter by letter, where it is not commented out.
RAW = re.compile(
    r"^[ \t]*%[^\n]*|\\[\\%]"
    r"|(?P<raw>\\begin\{(?P<name>listing|[vV]erbatim)\*?\}.*?\\end\{(?P=name)\*?\}"
    rf"|\\(?:url|nolinkurl|path|href){ARGUMENT}|\\verb\*?(?P<mark>[^\w\s*])[^\n]*?(?P=mark))",
    re.DOTALL | re.MULTILINE,
)

DECIMAL = r"(?:\d++\.\d++|\.\d++)(?!\.\d)"
UNIT = r"\s*(?:true)?(?:pt|mm|cm|em|ex|in|bp|mu)\b|\s*\\[a-zA-Z]*(?:width|height|size|skip|sep)\b"
TYPED_NUMBER = re.compile(
    rf"(?<![\w.]){DECIMAL}(?!{UNIT})|(?<![\w.])\d++(?:\s|~|\\,|\\ )*(?:\\%|per\s?cent\b)"
)
NUMBERED = """Section Chapter Part Appendix Table Figure Fig Equation Eq Exercise Question Theorem
Lemma Algorithm Listing Page Step version release Live arXiv PDF TeX Python NumPy SymPy Matplotlib
Pweave PyTorch JAX Pandoc Java Git Debian Ubuntu""".split()
PLACE = rf"(?:{DECIMAL}|\d++)"
NOT_RESULTS = re.compile(
    rf"^[ \t]*%[^\n]*|(?:\b(?:{'|'.join(NUMBERED)})s?\.?|§)(?:\s|~|:)*{PLACE}"
    rf"(?:(?:,| and| to|--)(?:\s|~)*{PLACE})*"
    r"|\\(?:given|[cC]ite\w*|label|\w*ref|doi|hypertarget|hyperlink|bibliography\w*|input"
    rf"|scalebox|color|includegraphics|linespread|arraystretch\}})(?:\[[^\]]*\])*{ARGUMENT}",
    re.MULTILINE | re.IGNORECASE,
)


def inline_expressions(text: str) -> Iterator[re.Match]:
    """The matches of <%= ... %> in the text, in order, those in comment lines left out."""
    return (match for match in SCAN.finditer(text) if match["code"] is not None)


def pieces(text: str, line: int, value: Callable) -> list[tuple[int, str, bool]]:
    """Text that begins on this line as pieces: (line, text, whether it was computed).

    value(code, line) is the text of an inline expression.
    """
    found, end = [], 0
    for match in inline_expressions(text):
        found.append((line, text[end : match.start()], False))
        line += text.count("\n", end, match.start())
        found.append((line, value(match["code"], line), True))
        line += match[0].count("\n")
        end = match.end()
    return [*found, (line, text[end:], False)]


def percent_that_deletes(text: str, within_a_line: bool = False) -> int | None:
    """Where a bare % deletes the rest of its line, or is lost after a number: the offset, or None.

    within_a_line: other text stands before the first line of this one and after its last.
    """
    if within_a_line:
        text = f"x{text}{MORE}"
    found = IN_COMPUTED.search(_without_raw(text))
    return found.end() - 1 - within_a_line if found else None


def faults(text: str, source: str) -> Iterator[Fault]:
    """What breaks the rules, at its line.

    text: the text and captions of the document, each at its line, VALUE for each inline expression;
    source: the whole document.
    """
    start = text.find(BEGIN) if BEGIN in text else len(text)
    before, body = text[:start], _from(text, start)
    yield from _percents(before, IN_PREAMBLE)
    yield from _percents(body, IN_TYPED)
    if end := END.search(body):
        after, body = _from(body, end.end()), body[: end.end()]
        if lost := LOST.search(after):
            yield (
                _line(after, lost.end()),
                r"text after \end{document} is not printed; move or delete it",
            )
    elif BEGIN in text and not END.search(source):
        yield source.count("\n") + 1, r"\end{document} is missing"
    yield from _typed_numbers(body)
    for pattern, message in MISPLACED:
        for match in pattern.finditer(body):
            yield _line(body, match.end()), message.format(match[1])


def without_inline(text: str, first_line: int) -> tuple[str, list[Fault]]:
    """The text with VALUE in the place of each <%= ... %>, and what is not closed."""
    found = []

    def blank(match):
        code, line = match["code"], first_line - 1 + _line(text, match.start())
        if match["open"]:
            found.append((line, "<% without its %> (only <%= expression %> is known)"))
        elif match["close"]:
            found.append((line, "%> without its <%="))
        elif code is None:
            return match[0]
        elif "<%" in code:
            found.append((line, "<%= without its %>"))
        return VALUE + "\n" * match[0].count("\n")

    return SCAN.sub(blank, text), found


def _percents(text, percent):
    for match in percent.finditer(_without_raw(text)):
        lost = text[match.end() - 1 :].partition("\n")[0][:40]
        what = f"deletes the rest of its line, {lost!r}" if lost[1:].strip() else "is lost"
        message = f"a bare % {what}; write \\% (a comment stands on a line of its own)"
        yield _line(text, match.end()), message


def _typed_numbers(text):
    """The first of each line."""
    prose, typed = NOT_RESULTS.sub(_fill, _without_raw(text)), {}
    for match in TYPED_NUMBER.finditer(prose):
        typed.setdefault(_line(prose, match.start()), " ".join(match[0].split()))
    for line, number in typed.items():
        advice = "compute it with <%= %>, or write \\given{...} if it is an input"
        yield line, f"the number {number} is typed by hand; {advice}"


def _line(text, offset):
    """The number of the line that contains this offset."""
    return text.count("\n", 0, offset) + 1


def _from(text, offset):
    """The text from the offset on; the lines before it are empty."""
    return "\n" * text.count("\n", 0, offset) + text[offset:]


def _fill(match):
    return re.sub(r"[^\n]", VALUE, match[0])


def _without_raw(text):
    """The text, one and the same letter in the place of what TeX reads letter by letter.

    It must not be a blank: a % after it would look like the beginning of a comment line.
    """
    return RAW.sub(lambda match: _fill(match) if match["raw"] else match[0], text)
