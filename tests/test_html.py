"""The page for the browser: all that a tree can hold, accessible, without dead links."""

import re
from pathlib import Path

import pytest
from packages import needs_packages

from weaving import html, tree
from weaving.document import Figure, Listing, Output, Text
from weaving.problems import BuildFailed

pytestmark = pytest.mark.slow

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
SVG = (
    '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    '<metadata>x</metadata><defs><path id="p"/></defs>'
    '<use xlink:href="#p" clip-path="url(#p)"/></svg>'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(f"{name}.svg").write_text(SVG)


def page(latex, *parts):
    return html.page(tree.read([Text(1, latex), *parts], "report.texw"), "report.texw")


@pytest.fixture
def made(folder):
    figures = [
        part
        for name in "ab"
        for part in (
            Figure(9, "", f"{name}.svg", "A caption.", 'A "line" <b>.', name),
            Text(9, "\n\n"),
        )
    ]
    return page(
        LATEX,
        Listing(8, "def f(x):\n    return '<b>'", 41, "code/f.py"),
        Text(8, "\n"),
        Output(8, "1 < 2\n"),
        *figures,
    )


@needs_packages
def test_the_page_is_one_file_with_title_contents_and_headings(made):
    assert (
        made.startswith('<!DOCTYPE html>\n<html lang="en-GB">')
        and "<title>A &lt;title&gt;</title>" in made
        and CSS in made
    )
    assert (
        re.findall(r"<(h[1-6])\b", made) == ["h1", "h2", "h3"]
        and "<h1>A &lt;title&gt;</h1>" in made
    )
    contents = made[made.index("<nav") : made.index("</nav>")]
    assert (
        'aria-label="Contents"' in contents
        and 'href="#ex:1"' in contents
        and contents.count("<li>") == 2
    )
    assert not re.search(r'(?:src|href)="(?!#)', made)


@needs_packages
def test_formulas_are_mathml_with_upright_bold_and_spaced_operators(made):
    assert (
        made.count("<math") == 6
        and "<annotation" not in made
        and "\\" not in made[made.index("<main>") :]
    )
    assert '<mi mathvariant="bold">𝐱</mi>' in made and "𝜺" in made
    assert '<mi mathvariant="normal">log</mi><mspace' in made
    assert made.count("</math>,</span>") == 2 and made.count("</math>.</span>") == 1
    operator = r"Var</mi><mo>[^<]*</mo></mrow><mspace"
    assert re.search(operator, made) and not re.search(operator.replace("Var", "E"), made)
    assert made.count('class="scroll formula"') == 1 and made.count('class="scroll long"') == 1


@needs_packages
def test_ticks_and_rows_link_to_each_other(made):
    for number in "12":
        assert f'<a href="#row:{number}" id="tick:{number}" aria-label="Check {number}">' in made
        assert (
            f'<a href="#tick:{number}" id="row:{number}" aria-label="To formula {number}">' in made
        )


@needs_packages
def test_listings_and_output(made):
    assert '<p class="file">code/f.py</p>' in made and re.findall(r'data-line="(\d+)"', made) == [
        "41",
        "42",
    ]
    assert '<span class="k">def</span>' in made and "&lt;b&gt;" in made and "1 &lt; 2" in made


@needs_packages
def test_what_scrolls_can_be_reached_and_has_a_name(made):
    for box in re.findall(r'<[^>]*class="scroll[^>]*>', made):
        assert (
            'tabindex="0"' in box
            and re.search('role="group"', box)
            and re.search('aria-label="[^"]', box)
        ), box
    assert 'class="aside" role="note"' in made and "scope" not in made


@needs_packages
def test_figures_have_alt_texts_and_ids_of_their_own(made):
    assert (
        made.count('<svg role="img" aria-label="A &quot;line&quot; &lt;b&gt;."') == 2
        and "metadata" not in made
    )
    assert (
        re.findall(r'id="(\w-p)"', made)
        == re.findall(r'href="#(\w-p)"', made)
        == re.findall(r"url\(#(\w-p)\)", made)
        == ["a-p", "b-p"]
    )
    assert "<figcaption" in made and "Figure\u00a01." in made


@needs_packages
@pytest.mark.parametrize(
    "latex, words",
    [
        (r"\claimmark{3}", "row:3"),
        (r"\hyperref[ex:none]{x}", "ex:none"),
        (r"\claimmark{1}\claimmark{1}\claimrow{1}", "tick:1"),
    ],
)
def test_a_link_without_its_target_and_an_id_used_twice_are_refused(latex, words, folder):
    with pytest.raises(BuildFailed, match=words):
        page(latex)


@needs_packages
def test_a_formula_that_has_no_mathml_is_refused(folder):
    with pytest.raises(BuildFailed, match="rotatebox"):
        page(r"$\rotatebox{x}$")


def test_colours_have_enough_contrast():
    """WCAG 2.1 AA, by day and by night."""

    def luminance(colour):
        full = "".join(2 * digit for digit in colour) if len(colour) == 3 else colour
        parts = [int(full[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for rule in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL):
        colours = dict(re.findall(r"--(\w+): #(\w+)", rule))
        for ground in ("paper", "box"):
            for ink in ("text", "accent", "second", "quiet", "keyword", "string"):
                bright, dark = sorted(
                    [luminance(colours[ground]), luminance(colours[ink])], reverse=True
                )
                assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ground, ink)
