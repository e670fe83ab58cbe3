"""What chunks print and expressions return, checked before it becomes LaTeX."""

import re

from weaving.latex import Tex
from weaving.prose import percent_that_deletes

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")


def stream_results(text):
    """What a chunk printed as its results: none if it is empty. Raises ValueError."""
    _check_addresses(text, "output")
    text = text.expandtabs()
    if found := CONTROL.search(text):
        odd = f"the control character {found[0]!r}"
        raise ValueError(f"the output contains {odd}; a page cannot show it")
    return [{"printed": text}] if text else []


def _check_addresses(text, what):
    if found := ADDRESS.search(text):
        address = f"the memory address {found[0]}"
        raise ValueError(f"the {what} contains {address}; it differs in each run")


def inline_text(value):
    """The LaTeX of an inline expression's value. Raises TypeError or ValueError."""
    if type(value) not in (str, Tex, int):
        remedy = 'format it, as in f"{x:.2f}"'
        raise TypeError(f"expected str or int, got {type(value).__name__}; {remedy}")
    _check_addresses(str(value), "value")
    return valid_latex(str(value), within_a_line=True)


def valid_latex(text, within_a_line=False):
    r"""The LaTeX, if it has no bare % and no control characters ("\beta" has one without an r).

    Raises ValueError.
    """
    if found := CONTROL.search(text):
        hint = "is an r missing before its quotes?"
        raise ValueError(f"the LaTeX contains the control character {found[0]!r}; {hint}")
    if found := re.search(r"\\(?:end\s*\{document\}|endinput\b)", text):
        raise ValueError(f"the LaTeX contains {found[0]}, which would end the document")
    if (offset := percent_that_deletes(text, within_a_line)) is not None:
        near = text[max(offset - 20, 0) : offset + 20]
        raise ValueError(f"the LaTeX contains a bare % ({near!r}), which deletes text; write \\%")
    return str(text)
