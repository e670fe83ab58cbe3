"""LaTeX from values: matrices, tables, numbers, source code."""

from pathlib import Path

import numpy as np
import pytest

from solutions import attention
from weaving import latex


def entries(tex):
    """The numbers between the parentheses, row by row."""
    body = tex.split("[r]\n")[1].split("\n\\end")[0]
    return [
        [cell.strip().removeprefix(r"\phantom{-}") for cell in row.split("&")]
        for row in body.split("\\\\")
    ]


def test_plain_text_is_escaped():
    escaped = r"50\% of \{a\_b\} \& \#1 \$ \textasciitilde{}\textasciicircum{}\textbackslash{}"
    assert latex.escape("50% of {a_b} & #1 $ ~^\\") == escaped


def test_a_matrix_aligns_its_decimals_and_has_no_negative_zero():
    tex = latex.matrix(np.array([[1.0, -0.0004], [-2.25, 10.0]]), 2)
    assert entries(tex) == [["1.00", "0.00"], ["-2.25", "10.00"]]
    assert tex.count(r"\phantom{-}") == 3 and tex.startswith(r"\begin{bmatrix*}[r]")
    assert "phantom" not in latex.matrix(np.ones((2, 3)))


@pytest.mark.parametrize(
    "scale, power, first",
    [
        (1e-5, "10^{-5}", "1.500"),
        (1e-13, "10^{-13}", "1.500"),
        (1e6, "10^{6}", "1.500"),
        (1e-300, "10^{-300}", "1.500"),
        (0.01, "", "0.015"),
        (1e4, "", "15000.000"),
        (0.0, "", "0.000"),
    ],
)
def test_tiny_and_huge_matrices_have_a_common_power_of_ten(scale, power, first):
    tex = latex.matrix(np.array([[1.5, -0.25]]) * scale)
    assert tex.split("\\begin")[0] == power and entries(tex)[0][0] == first


def test_a_matrix_that_its_decimals_show_exactly_has_no_power_of_ten():
    for value, decimals in [(0.5, 1), (0.05, 2), (3, 0)]:
        assert not latex.matrix(np.array([[value]]), decimals).startswith("10^")
    assert latex.matrix(np.array([[0.004]]), 2).startswith("10^")


def test_of_a_large_matrix_the_corner_is_shown():
    tex = latex.matrix(np.ones((200, 96)))
    rows = entries(tex)
    assert len(rows) == latex.MAX_SHOWN + 1 and {len(row) for row in rows} == {latex.MAX_SHOWN + 1}
    assert rows[-1] == [r"\vdots"] * latex.MAX_SHOWN + [r"\ddots"] and rows[0][-1] == r"\cdots"
    assert len(entries(latex.matrix(np.ones((200, 2))))[-1]) == 2


def test_as_many_matrices_stand_side_by_side_as_fit():
    named = [(name, np.full((2, 6), -1.5)) for name in "abc"]
    shown = latex.displayed(named, 1)
    assert "{alignat*}{2}" in shown and shown.count(r" & \qquad ") == 1 and "fitted" not in shown
    assert "{alignat*}{3}" in latex.displayed([(name, array[:, :3]) for name, array in named], 1)
    wide = latex.displayed([("a", np.full((2, 12), -1234.5)), *named], 3)
    assert "{alignat*}{1}" in wide and wide.count(r"\fitted{") == 4


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.0, "0.000"),
        (0.25, "0.250"),
        (-3.14159, "-3.142"),
        (1e-5, r"1.0\times10^{-5}"),
        (-2.5e7, r"-2.5\times10^{7}"),
    ],
)
def test_a_number_is_never_printed_as_zero_unless_it_is(value, shown):
    assert latex.number(value) == shown


def test_numbers_that_are_not_finite_are_refused():
    for write in (latex.number, latex.scientific):
        for value in (float("nan"), float("inf")):
            with pytest.raises(ValueError, match=str(value)):
                write(value)
    assert latex.scientific(2.2e-16) == r"$2\times10^{-16}$" and latex.scientific(0) == "$0$"


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="3.*2"):
        latex.table(["a", "b", "c"], [["1", "2"]], "lll")


def test_a_whole_module_is_numbered_from_one(tmp_path, monkeypatch):
    (tmp_path / "narrow.py").write_text('"""A module."""\n\nx = 1\n')
    monkeypatch.syspath_prepend(tmp_path)
    import narrow

    assert latex.source(narrow).endswith('narrow.py}{1}\n"""A module."""\n\nx = 1\n\\end{listing}')


def test_the_lines_of_a_function_are_those_of_its_listing():
    function = attention.multi_head_self_attention
    first, last = map(int, latex.lines(function).split(" to "))
    listed = Path(attention.__file__).read_text().splitlines()[first - 1 : last]
    assert listed[0].startswith("@") and any("def multi_head_self_attention" in x for x in listed)
    assert "return" in listed[-1]
