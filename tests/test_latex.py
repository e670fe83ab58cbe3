"""LaTeX from values: matrices, tables, numbers."""

import numpy as np
import pytest

from weaving import latex


def test_plain_text_is_escaped():
    assert latex.escape("50% of {a_b} & #1 $ ~^\\") == \
        r"50\% of \{a\_b\} \& \#1 \$ \textasciitilde{}\textasciicircum{}\textbackslash{}"


def test_matrices_and_tables():
    assert latex.matrix(np.array([[1.0, -0.0004], [-2.25, 10.0]]), 2) == \
        "\\begin{pmatrix*}[r]\n\\phantom{-}1.00 & \\phantom{-}0.00 \\\\\n-2.25 & \\phantom{-}10.00\n\\end{pmatrix*}"
    assert latex.matrix(np.zeros((14, 13))).count(r"\cdots") == 12 and latex.matrix(np.zeros((14, 13))).count(r"\vdots") == 13
    assert "phantom" not in latex.matrix(np.ones((2, 3)))
    named = [(name, np.full((2, 6), -1.5)) for name in "abc"]
    shown = latex.displayed(named, 1)
    assert "{alignat*}{2}" in shown and shown.count(r" & \qquad ") == 1 and "fitted" not in shown
    assert "{alignat*}{3}" in latex.displayed([(name, array[:, :3]) for name, array in named], 1)
    wide = latex.displayed([("a", np.full((2, 12), -1234.5)), *named], 3)
    assert "{alignat*}{1}" in wide and wide.count(r"\fitted{") == 4
    with pytest.raises(ValueError, match="2 cells, the header has 3"):
        latex.table(["a", "b", "c"], [["1", "2"]], "lll")
