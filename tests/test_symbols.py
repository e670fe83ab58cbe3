"""One letter, one meaning: clashes that once stopped readers do not come back."""

import re
from pathlib import Path

import pytest

from tables.symbols import SYMBOLS

ROOT = Path(__file__).parent.parent
DOCUMENTS = ["report.texw", "supplement.texw"]

# What a letter must not be used for, and how that would look in a document.
CLASHES = {
    "S for sums of products, which is the scores": r"S_\{xx\}|S_\{xy\}|S_\{yy\}",
    "E for embeddings, which is the expected value": r"\\mat E|\\mat\{E\}|\\R\^E",
    "V for a basis, which is the values": r"\\mat V\\vec b|\\mat\{V\}\\vec\{b\}",
    "M for a number of keys, which is a matrix": r"N \\times M|j=1\}\^\{M\}",
    "d_k for d": r"\bd_k\b",
    "N for the number of pairs of exercise 3, which is n": r"t_N|\\chi\^2_N",
    "law for distribution": r"\blaws?\b(?! of (large numbers|total variance))",
    "logit for score": r"\blogits?\b(?!\}\{|$)",
}


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("clash", CLASHES)
def test_no_letter_or_word_has_two_meanings(document, clash):
    for number, line in enumerate((ROOT / document).read_text().splitlines(), 1):
        text = line.replace("libraries call it a logit", "")
        assert not re.search(CLASHES[clash], text), f"{document}:{number}: {clash}"


def test_no_symbol_is_in_the_table_twice():
    symbols = [symbol.strip() for row, *_ in SYMBOLS for symbol in row.replace(";", ",").split(",")]
    assert len(symbols) == len(set(symbols))


def test_every_symbol_of_the_table_is_used():
    text = re.sub(
        r"[{} ]",
        "",
        (ROOT / "report.texw").read_text()
        + "".join(path.read_text() for path in (ROOT / "code/proofs").glob("*.py")),
    )
    for letter in [r"\lambda_", r"\omega_m", r"D_p", r"w_0", r"\varepsilon_i", r"\pi(i)", r"d_h"]:
        assert letter in text, letter
