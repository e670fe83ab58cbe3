"""The page for the browser: all that a tree can hold, accessible, without dead links."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from drawings import contrast
from matplotlib.colors import to_rgb
from packages import needs_packages

from weaving import html, tree
from weaving.document import Figure, Listing, Output, Text
from weaving.problems import BuildFailed

pytestmark = needs_packages

CSS = Path(html.__file__).with_name("page.css").read_text(encoding="utf-8")
LATEX = r"""\reporttitle{A <title>}{Sub}{Ada}{Course}
\reportcontents
\exercise{Exercise 1}{Lines}\label{ex:1}
\subexercise{1 (a)}{More}
Text \term{word}{meaning} with $\vec{x} = \Var y$,
$\left(\log z\right)$, $\E(z)$ and $\boldsymbol{\varepsilon}$.
\checked{1,2}{ \mat{X} = \sum_{i=1}^{n} a_i }
\begin{answer}Yes, see \hyperref[ex:1]{there}.\end{answer}
$a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 = b$

\begin{tabular}{lr}\toprule a & b \\ \midrule
\claimrow{1} & \claimrow{2} \\ \bottomrule\end{tabular}
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path id="p"/></svg>'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(f"{name}.svg").write_text(SVG)


def page(latex, *parts):
    return html.page(tree.read([Text(1, latex), *parts], "report.texw"), "report.texw")


@pytest.fixture
def made(folder):
    listing = Listing(8, "def f(x):\n    return '<b>'", 41, "code/f.py")
    a, b = (Figure(9, "", f"{x}.svg", "A caption.", 'A "line" <b>.', x) for x in "ab")
    return page(LATEX, listing, Text(8, "\n"), Output(8, "1 < 2\n"), a, Text(9, "\n\n"), b)


def test_the_page_is_one_file_with_title_contents_and_headings(made):
    assert made.startswith('<!DOCTYPE html>\n<html lang="en-GB">') and CSS in made
    assert "<title>A &lt;title&gt;</title>" in made and "<h1>A &lt;title&gt;</h1>" in made
    assert re.findall(r"<(h[1-6])\b", made) == ["h1", "h2", "h3"]
    contents = made[made.index("<nav") : made.index("</nav>")]
    assert 'aria-label="Contents"' in contents and 'href="#ex:1"' in contents
    assert contents.count("<li>") == 2
    assert not re.search(r'(?:src|href)="(?!#|data:)', made)


def test_formulas_are_mathml_with_upright_bold_and_spaced_operators(made):
    assert made.count("<math") == 6 and "<annotation" not in made
    assert "\\" not in made[made.index("<main>") :]
    assert '<mi mathvariant="bold">𝐱</mi>' in made and "𝜺" in made
    assert '<mi mathvariant="normal">log</mi><mspace' in made
    assert made.count("</math>,</span>") == 2 and made.count("</math>.</span>") == 1
    operator = r"Var</mi><mo>[^<]*</mo></mrow><mspace"
    assert re.search(operator, made) and not re.search(operator.replace("Var", "E"), made)
    assert made.count('class="scroll formula"') == 1 and made.count('class="scroll long"') == 1


def test_ticks_and_rows_link_to_each_other(made):
    for number in "12":
        tick, row = f"tick:{number}", f"row:{number}"
        assert f'<a href="#{row}" id="{tick}" aria-label="Check {number}">' in made
        assert f'<a href="#{tick}" id="{row}" aria-label="To formula {number}">' in made


def test_listings_and_output(made):
    assert '<p class="file">code/f.py</p>' in made
    assert re.findall(r'data-line="(\d+)"', made) == ["41", "42"]
    assert '<span class="k">def</span>' in made and "&lt;b&gt;" in made and "1 &lt; 2" in made


def test_what_scrolls_can_be_reached_and_has_a_name(made):
    for box in re.findall(r'<[^>]*class="scroll[^>]*>', made):
        for attribute in ['tabindex="0"', 'role="group"', 'aria-label="[^"]']:
            assert re.search(attribute, box), box
    assert 'class="aside" role="note"' in made and "scope" not in made


def test_figures_are_in_the_page_with_their_alt_texts(made):
    assert made.count('alt="A &quot;line&quot; &lt;b&gt;."') == 2
    drawings = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]*)"', made)
    assert [base64.b64decode(data).decode() for data in drawings] == [SVG, SVG]
    assert "<figcaption" in made and "Figure\u00a01." in made


@pytest.mark.parametrize(
    "latex, words",
    [
        (r"\tick{3}", "row:3"),
        (r"\hyperref[ex:none]{x}", "ex:none"),
        (r"\tick{1}\tick{1}\claimrow{1}", "tick:1"),
        (r"$\rotatebox{x}$", "rotatebox"),
    ],
)
def test_a_dead_link_an_id_used_twice_and_a_formula_without_mathml_are_refused(latex, words):
    with pytest.raises(BuildFailed, match=words):
        page(latex)


def test_colours_have_enough_contrast():
    """WCAG 2.1 AA, by day and by night."""
    by_day, by_night = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    for rule in (by_day, by_night):
        colours = dict(re.findall(r"--(\w+): (#\w+)", rule))
        for ground in ("paper", "box"):
            for ink in ("text", "accent", "second", "quiet", "keyword", "string"):
                pair = [np.array([to_rgb(colours[name])]) for name in (ink, ground)]
                assert contrast(*pair) >= 4.5, (ground, ink)
