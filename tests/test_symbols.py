"""One letter, one meaning: clashes that once stopped readers do not come back."""

import re
from pathlib import Path

import pytest

from proofs import runner
from proofs.notation import all_letters
from proofs.printing import latex_letter

ROOT = Path(__file__).parent.parent
DOCUMENTS = ["report.texw", "supplement.texw"]
TABLE = (ROOT / "report.texw").read_text().split(r"symbol & meaning & where \\")[1]
SYMBOLS = re.findall(r"^(.+) & .+ & .+ \\\\$", TABLE, re.MULTILINE)  # the first cell of each row

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
        assert not re.search(CLASHES[clash], line), f"{document}:{number}: {clash}"


def test_no_symbol_is_in_the_table_twice():
    symbols = [symbol.strip() for row in SYMBOLS for symbol in row.replace(";", ",").split(",")]
    assert len(symbols) == len(set(symbols)) > 60


# Letters of the report's claims that the table leaves out, and why.
UNLISTED = {
    **{rf"\mathbf M^{{{blocks}}}": "M^xp is listed" for blocks in ("xx", "px", "pp")},
    **dict.fromkeys([r"\mathbf W_k^x", r"\mathbf W_k^p"], "as W_q^x and W_q^p, for the keys"),
    **dict.fromkeys([r"\mu_x", r"\mu_y"], r"the entries of \boldsymbol\mu"),
    **dict.fromkeys(["d_x", "d_p"], "the numbers of rows of the blocks, named in the claim"),
}


def split(symbol):
    r"""(base, subscript, superscript), so that \vec{x}^{\prime}_{i} is \mathbf x_i."""
    symbol = re.sub(r"\\(?:vec|mathbf|mat) ?", "*", symbol).replace(r"^{\prime}", "")
    symbol = re.sub(r"\(\w\)|[{} ]", "", re.sub(r"([_^])\{+(.*?)\}+", r"\1<\2>", symbol))
    base, *_ = re.split("[_^]", symbol)
    around = {mark: more or one for mark, more, one in re.findall("([_^])(?:<(.*?)>|(.))", symbol)}
    return base, around.get("_", ""), around.get("^", "")


def test_every_letter_of_the_claims_of_the_report_is_in_the_table():
    listed = set()
    for row in SYMBOLS:
        for formula in re.findall(r"\$(.*?)\$", row):
            listed |= set(map(split, re.split(r", ?(?![^{]*\})", formula)))
    trees = [c.statement.trees for c in runner.load().values() if c.document == "report"]
    shown = {split(latex_letter(letter)) for each in trees for letter in all_letters(each)}

    def is_listed(base, below, above):
        """With its own subscript and any indices."""
        return any(
            (base, above) == (other, high) and re.fullmatch(rf"{re.escape(below)}[hijmn,-]*", low)
            for other, low, high in listed
        )

    missing = {symbol for symbol in shown if not is_listed(*symbol)}
    expected = {split(name) for name in UNLISTED}
    assert missing == expected, (sorted(missing - expected), sorted(expected - missing))
