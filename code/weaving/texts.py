"""What a chunk or an inline expression hands to the document, checked before it is LaTeX."""

import re

from weaving.latex import Tex
from weaving.reader import percent_that_deletes

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")


def stream(text):
    _check_addresses(text, "output")
    text = text.expandtabs()
    if found := CONTROL.search(text):
        raise ValueError(
            f"the output holds the control character {found[0]!r}; a page cannot show it"
        )
    return [{"output_type": "stream", "name": "stdout", "text": text}] if text else []


def _check_addresses(text, what):
    if found := ADDRESS.search(text):
        raise ValueError(f"the {what} holds a memory address, {found[0]}; it differs in each run")


def inline_text(value):
    if type(value) not in (str, Tex, int):
        given = type(value).__name__
        raise TypeError(f"the value is a {given}; format it: a str of LaTeX or an int is needed")
    _check_addresses(str(value), "value")
    return checked(str(value), within_a_line=True)


def checked(text, within_a_line=False):
    r"""LaTeX without a bare % and control characters ("\beta" without an r is a backspace)."""
    if found := CONTROL.search(text):
        hint = "is an r missing before its quotes?"
        raise ValueError(f"the LaTeX holds the control character {found[0]!r}; {hint}")
    if found := re.search(r"\\(?:end\s*\{document\}|endinput\b)", text):
        raise ValueError(f"the LaTeX holds {found[0]}, which would end the document")
    if (offset := percent_that_deletes(text, within_a_line)) is not None:
        near = text[max(offset - 20, 0) : offset + 20]
        raise ValueError(f"the LaTeX holds a bare % ({near!r}), which deletes text; write \\%")
    return str(text)
