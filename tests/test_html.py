"""make html: what we add to LaTeXML always, LaTeXML itself where it is installed."""

import re
import shutil
from pathlib import Path

import pytest

from weaving.html import __main__ as html
from weaving.html import convert, fonts
from weaving.html.page import page
from weaving.latex import code_listing
from weaving.problems import BuildFailed

CSS = Path(convert.__file__).with_name("page.css").read_text(encoding="utf-8")
CODE = 'def f(x_1):\n    """Ends in {x} ^ ~ \\\\ $5 & 100 % #1."""\n\n    return x_1 <= 2 and "it\'s" != x_1 - 1  # y > z'

needs_converter = pytest.mark.skipif(bool(convert.missing()), reason="LaTeXML, Poppler or the fonts are not installed")
needs_poppler = pytest.mark.skipif(not shutil.which("pdftocairo"), reason="pdftocairo is not installed")


@pytest.fixture
def no_fonts(monkeypatch):
    monkeypatch.setattr("weaving.html.page.faces", lambda text: "")


def text_of(markup):
    return re.sub(r"<[^>]*>", "", markup).replace("&quot;", '"').replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">") \
        .replace("&amp;", "&")


# --- listings and figures -----------------------------------------------------------------------------------------------

def test_a_listing_is_the_code_with_the_lines_of_the_file():
    match = convert.VERBATIM.search(code_listing(CODE, 17))
    made = convert.listing(*match.groups())
    assert text_of(made) == CODE
    assert re.findall(r'data-line="(\d+)"', made) == ["17", "18", "19", "20"]
    assert '<span class="k">def</span>' in made


def test_listings_and_figures_are_taken_out_in_order(monkeypatch):
    monkeypatch.setattr(convert, "drawing", lambda alt, figure: f"{figure}: {alt}")
    tex = ("\\DocumentMetadata{lang=en}\n\\input{provenance}\n\\input{listings}\n"
           + "\\hypersetup{pdftitle={{T}}, pdfauthor={{A & B}}}\n" + code_listing("a = 1", 3)
           + "\n\\includegraphics[alt={A cat.}]{figures/cat.pdf}\n\\bibliography{references}")
    ready, places = convert.prepared(tex, "\\newcommand{\\commit}{c0ffee}\n\\input{glyphs}\n", "THE \\works")
    assert ready == "\\newcommand{\\commit}{c0ffee}\n\\htmlplace{0}\n\\htmlplace{1}\nTHE \\works"
    assert 'data-line="3"' in places[0] and places[1] == "figures/cat.pdf: A cat."


@needs_poppler
def test_two_figures_do_not_share_ids(tmp_path):
    from matplotlib.figure import Figure
    made = []
    for name in ["one", "two"]:
        figure = Figure(figsize=(1, 1))
        figure.text(0.1, 0.5, name)
        figure.savefig(tmp_path / f"{name}.pdf")
        made.append(convert.drawing('a "quoted" <text>', str(tmp_path / f"{name}.pdf")))
    ids = [set(re.findall(r'\bid="([^"]*)"', svg)) for svg in made]
    assert all(ids) and not ids[0] & ids[1]
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', made[0])) <= ids[0]
    assert 'role="img" aria-label="a &quot;quoted&quot; &lt;text&gt;"' in made[0]


# --- the page -----------------------------------------------------------------------------------------------------------

SAMPLE = """<?xml version="1.0"?>
<html xmlns="http://www.w3.org/1999/xhtml"><body><div><article class="ltx_document">
<div id="p1"><p><span class="ltx_font_bold">Attention</span></p><p style="color:#6B7280;">A sheet</p></div>
<div id="p2" class="ltx_para"><p><a href="#S1">Exercise 1</a></p></div>
<section id="S1"><h2 class="ltx_title">Exercise 1</h2>
<div class="ltx_theorem ltx_theorem_answer">
<h6 class="ltx_title ltx_runin">Answer.</h6><div><p class="ltx_p">No.</p></div></div>
<section id="S2"><h4>Cost.</h4><div><p>It is 4&#x2009;000<span id="mark1" class="ltx_text mark"><a href="#row1">1</a></span>
(<cite><a href="#b2"><span>2</span></a>,
<a href="#b1">1</a></cite>) for
<math xmlns="http://www.w3.org/1998/Math/MathML" id="m1" alttext="PQ" display="inline"><mrow><msup>
<mi>&#x1D40F;&#x1D410;</mi><mi>T</mi></msup><mo>/</mo><mi mathsize="80%">s</mi></mrow></math>, as said.</p></div></section>
<table class="ltx_equation ltx_eqn_table"><tbody><tr><td class="ltx_eqn_cell ltx_eqn_center_padleft"/><td><math
 xmlns="http://www.w3.org/1998/Math/MathML" display="block"
><mrow><mi>X</mi><mspace width="2em"/><mrow><mi>Y</mi><mo rspace="2.167em">,</mo><mi>Z</mi></mrow></mrow></math></td></tr>
</tbody></table>
<p><span class="ltx_text file">code/a.py</span><span class="ltx_text place">0</span></p>
<figure id="F1"><span class="ltx_text place">1</span><figcaption><span
 class="ltx_tag ltx_tag_figure">Figure 1: </span>It.</figcaption></figure>
<table class="ltx_tabular"><tbody><tr><th class="ltx_th_column ltx_align_right">Claim</th><th class="ltx_th_column"/>
<th class="ltx_th_row">7</th>
<td class="ltx_align_right" style="width:3pt"><span id="row1"
 class="ltx_text row"><a href="#mark1">1</a></span></td></tr></tbody></table>
</section>
<section class="ltx_bibliography"><h2>References</h2><ul><li id="b1"><span
 class="ltx_tag_bibitem">A [2024]</span>A.</li><li id="b2"><span
 class="ltx_tag_bibitem">[2]</span>B.</li></ul></section>
</article></div></body></html>"""
PLACES = ['<pre class="scroll"><code>x = 1</code></pre>', '<svg role="img" aria-label="A cat" width="75pt" height="30pt"/>']


@pytest.fixture
def made(no_fonts):
    return page(SAMPLE, PLACES, "Attention & more").replace("\n", " ")


def test_the_page_stands_alone(made):
    assert made.startswith('<!DOCTYPE html> <html lang="en-GB">')
    assert "<title>Attention &amp; more</title>" in made and "width=device-width" in made
    assert not re.search(r"<link|<img|<iframe|\bsrc=|@import|url\((?!data:|#)", made)


def test_the_first_lines_are_title_and_contents(made):
    assert "<h1>" in made and made.count("<h1") == 1
    assert '<p class="subtitle">A sheet</p>' in made
    assert '<nav aria-label="Contents">' in made


def test_the_title_may_be_wide(made, no_fonts):
    head = re.search('<div id="p1">(.*?)</div>', SAMPLE).group(1)
    wide = '<h6>.</h6>' + head.replace("<p", "<div><p").replace("</p>", "</p></div>")
    assert page(SAMPLE.replace(head, wide), PLACES, "Attention & more").replace("\n", " ") == made


def test_headings_in_the_line_begin_it(made):
    assert re.search(r'<div class="answer">\s*<div><p><b class="run-in">Answer\.</b> No\.', made)
    assert '<b class="run-in">Cost.</b> It is' in made
    assert not re.search("<h[456]", made)


def test_claims_and_checks_are_linked_and_named(made):
    assert '<span id="mark1" class="mark"><a href="#row1" aria-label="Check 1">' in made
    assert '<span id="row1" class="row"><a href="#mark1" aria-label="To claim 1">' in made


def test_each_bold_letter_is_a_name_of_its_own(made):
    assert re.search("<mi>\U0001D40F</mi><mo>\u2062</mo><msup>\\s*<mi>\U0001D410</mi>", made)
    assert '<mo lspace="0em" rspace="0em">/</mo>' in made
    assert 'class="small"' in made and "mathsize" not in made


def test_formulas_side_by_side_may_stand_below_each_other(made):
    assert re.search('<div [^>]*class="display scroll"><math display="block"><mrow><mi>X</mi></mrow></math>'
                     '<math display="block"><mrow><mi>Y</mi><mo>,</mo></mrow></math>'
                     '<math display="block"><mrow><mi>Z</mi></mrow></math></div>', made)


def aligned(cells):
    return ('<table class="ltx_equationgroup ltx_eqn_align ltx_eqn_table"><tbody><tr><td class="ltx_eqn_cell ltx_eqn_center_padleft"/>'
            + "".join(f'<td class="ltx_td ltx_eqn_cell">{cell}</td>' for cell in cells) + "</tr></tbody></table>")


@pytest.mark.parametrize("pairs, kind", [(1, "aligned scroll"), (2, "aligned pairs2 scroll"), (5, "aligned pairs4 scroll")])
def test_a_name_and_what_it_equals_are_a_pair(no_fonts, pairs, kind):
    made = body_with(aligned([LETTER, LONG_FORMULA] * pairs))
    box = re.search(f'<div [^>]*class="{kind}">(.*?)</div></div></div>', made).group(1) + "</div></div>"
    assert box.count("<div><div><math") == pairs and box.count("<math") == 2 * pairs == box.count('display="block"')
    assert "long" not in box


def test_a_name_without_an_equal_keeps_its_place(no_fonts):
    made = body_with(aligned([LETTER]))
    assert re.search('aligned scroll"><div><div><math[^>]*><mi>i</mi></math></div><div></div></div></div>', made)


def test_a_prime_is_not_raised_twice(no_fonts):
    prime = "<mi>i</mi><mo>\u2032</mo>"
    formula = LETTER.replace("<mi>i</mi>", f"<msup>{prime}</msup><msubsup>{prime.replace('<mo', '<mn>1</mn><mo')}</msubsup>")
    prime = prime.replace("<mo>", '<mo lspace="0em" rspace="0em">')
    assert f"<mrow>{prime}</mrow><msub><mrow>{prime}</mrow><mn>1</mn></msub>" in body_with(f"<p>{formula}</p>")


def test_a_listing_stands_between_the_words_before_and_after_it(no_fonts):
    place = '<span class="ltx_text place">0</span>'
    pre = '<pre class="scroll" role="region" aria-label="Listing: report.texw( .2.)?"><code>x = 1</code></pre>'
    assert re.search(f"<p>Before </p>{pre}<p> after <em>it</em>.</p>",
                     body_with(f'<p>Before {place} after <em class="ltx_font_italic">it</em>.</p>'))
    made = body_with(f"<p>{place} After.</p>")
    assert re.search(f"{pre}<p> After.</p>", made) and not re.search(r"<p>\s*</p>", made)


def test_a_cell_begins_with_its_words(no_fonts):
    made = page(SAMPLE.replace("<td class", "<td><span>\u2003\u00a0</span><b>W</b></td><td class", 2), PLACES, "Attention")
    assert "<td><span></span><b>W</b></td>" in made


def test_regions_of_one_name_are_numbered(no_fonts):
    twice = re.sub('(<p><span class="ltx_text file">code/a.py</span><span class="ltx_text place">0</span></p>)', r"\1\1", SAMPLE)
    names = re.findall('aria-label="(Listing: .*?)"', page(twice, PLACES, "Attention"))
    assert names == ["Listing: code/a.py", "Listing: code/a.py (2)"]


def test_listings_figures_and_tables_scroll_in_boxes_with_names(made):
    assert re.search(r'<p>\s*<span class="file">code/a.py</span></p><pre class="scroll" role="region" '
                     r'aria-label="Listing: code/a.py">', made)
    assert '<svg role="img" aria-label="A cat" width="100" height="40">' in made
    assert re.search(r'<div role="region" aria-label="Table: Exercise 1" class="scroll"><table', made)
    assert made.count("<th") == made.count('<th scope="col"') == 1 and "<td>7</td>" in made
    assert not re.search('<p[^>]*>[^<]*<pre', made)


def test_nothing_of_the_converters_looks_is_left(made):
    body = made[made.index("<body>"):]
    assert "ltx_" not in body and "style=" not in body


def test_works_are_numbered_and_cited_in_order(made):
    assert re.search(r'<a href="#b1">1</a>,\s*<a href="#b2">2</a>', made)
    assert '<span>[1]</span> A.' in made and '<span>[2]</span> B.' in made


def test_no_line_ends_inside_a_number_or_before_a_comma(made):
    assert "4\u2060\u2009\u2060000" in made
    assert re.search('<span class="whole"><math [^>]*>(?:(?!</?math).)*</math>,</span> as', made)


def body_with(paragraph):
    return page(SAMPLE.replace("<figure", f"{paragraph}<figure"), PLACES, "Attention").replace("\n", " ")


LETTER = '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mi>i</mi></math>'
LONG_FORMULA = LETTER.replace("<mi>i</mi>", "<mrow>" + "<mi>i</mi><mo>+</mo>" * 7 + "</mrow>")


def test_a_word_with_a_formula_in_it_stays_whole(no_fonts):
    made = body_with(f"<p>f({LETTER}); the {LETTER}th, {LETTER} or {LETTER}</p>")
    formula = '<math display="inline"><mi>i</mi></math>'
    assert (f'<p>f<span class="whole">({formula});</span> the <span class="whole">{formula}th,</span> {formula} or {formula}</p>'
            in made)


def test_a_long_formula_takes_its_comma_into_its_box(no_fonts):
    made = body_with(f"<p>Here ({LONG_FORMULA}), that</p>")
    assert re.search(r'<p>Here <span [^>]*class="long scroll">\(<math(?:(?!</math>).)*</math>\),</span> that</p>', made)


def test_a_hat_is_the_small_one_and_does_not_grow(no_fonts):
    made = body_with("<p>" + LETTER.replace("<mi>i</mi>", '<mover accent="true"><mi>w</mi><mo>^</mo></mover>') + "</p>")
    assert '<mover accent="true"><mi>w</mi><mo stretchy="false">\u02c6</mo></mover>' in made


NOTE = '<span class="ltx_text aside">See <em>there</em>.</span>'


def test_a_side_note_follows_its_paragraph(no_fonts):
    made = body_with(f"<div><p>One.{NOTE} Two <em>and {NOTE.replace('there', 'here')}three</em>.</p></div>")
    assert re.search('<div class="noted"><p>One. Two <em>and three</em>.</p><div>'
                     '<aside role="note"[^>]*>See <em>there</em>.</aside>'
                     '<aside role="note"[^>]*>See <em>here</em>.</aside></div></div>', made)


def test_a_side_note_alone_stands_alone(no_fonts):
    made = body_with(f"<div><p>{NOTE}</p></div>")
    assert re.search('<div><aside [^>]*>See <em>there</em>.</aside></div>', made) and "noted" not in made[made.index("<body>"):]


def test_a_side_note_where_there_is_no_paragraph_stays(no_fonts):
    made = page(SAMPLE.replace("</span>It.", f"</span>It.{NOTE}"), PLACES, "Attention")
    assert re.search('It.<span role="note"[^>]*>See <em>there</em>.</span></figcaption>', made)


def test_no_box_stands_in_a_paragraph(no_fonts):
    place = '<span class="ltx_text place">1</span>'
    made = page(SAMPLE.replace(place, f'<p class="ltx_align_center">{place}</p>'), PLACES, "Attention")
    assert re.search('<div class="center"><div [^>]*><svg', made)
    assert not re.search(r"<p\b[^>]*>(?:(?!</p>).)*<div", made, re.DOTALL)


# --- the style sheet ----------------------------------------------------------------------------------------------------

def rule(selector):
    return re.search(r"(?:^|\{ )" + re.escape(selector) + r" \{(.*?)\}", CSS, re.MULTILINE | re.DOTALL).group(1)


def test_an_edge_with_more_behind_it_is_shaded():
    layers = [layer.strip() for layer in rule(".scroll").partition("background:")[2].strip(" ;\n").split("no-repeat")]
    assert [("local" in layer, "--ground" in layer, "--shade" in layer) for layer in layers[:4]] == \
        [(True, True, False)] * 2 + [(False, False, True)] * 2
    grounds = re.findall(r"--ground: ([^;]*)", CSS)
    assert grounds == ["var(--paper)", "var(--box)", "#fff"] and "--ground: var(--box)" in rule(".answer, .claimed")


def test_the_shade_is_seen_by_day_and_by_night():
    for scheme, ground in zip(re.findall(r":root \{(.*?)\}", CSS, re.DOTALL), [255, 0x14]):
        red, *_, alpha = re.search(r"--shade: rgb\((\d+) (\d+) (\d+) / ([\d.]+)\)", scheme).groups()
        assert abs(int(red) - ground) * float(alpha) > 60


# --- colours ------------------------------------------------------------------------------------------------------------

def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[k:k + 2], 16) / 255 for k in (0, 2, 4)]
    r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_all_text_can_be_read_on_all_grounds(scheme):
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[scheme]))
    for ground in ["paper", "box"]:
        for name in colours.keys() - {"paper", "box", "rule"}:
            light, dark = sorted([luminance(colours[name]), luminance(colours[ground])], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)


# --- what goes wrong ----------------------------------------------------------------------------------------------------

def test_what_is_missing_is_said_in_one_message(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    Path("report.html").write_text("old")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert html.main() == 1
    said = capsys.readouterr().err
    assert "sudo apt-get install --no-install-recommends latexml poppler-utils fonts-texgyre fonts-texgyre-math\n" in said
    assert said.count("\n") == 3 and Path("report.html").read_text() == "old"


@pytest.mark.parametrize("fault", [BuildFailed([]), OSError(28, "No space left on device", "build/html")])
def test_a_fault_leaves_the_last_page(monkeypatch, tmp_path, capsys, fault):
    def fail():
        raise fault
    monkeypatch.chdir(tmp_path)
    Path("report.html").write_text("old")
    monkeypatch.setattr(convert, "missing", lambda: "")
    monkeypatch.setattr(html, "make", fail)
    assert html.main() == 1
    assert Path("report.html").read_text() == "old" and "report.html is left as it was" in capsys.readouterr().err


def test_complaints_are_told_and_the_harmless_are_not():
    log = ("Warning:uninitialized:value Use of uninitialized value value in join or string\n\tat Package.pm\n"
           "Warning:not_parsed:ADDOP MathParser failed\n"
           "Error:undefined:\\foo The token \\foo is not defined.\n\tat report.tex; line 4\n")
    assert [str(problem) for problem in convert.complaints(log)] == [
        "report.html: LaTeXML: Error:undefined:\\foo The token \\foo is not defined.\n\tat report.tex; line 4"]


def test_what_the_page_lost_is_counted():
    tex = r"\claimmark{1}\begin{pmatrix*}[r]1\end{pmatrix*}"
    good = '<span class="mark"><a href="#a"></a></span><mtable></mtable><b id="a"></b>'
    assert html.lost(tex, good) == []
    assert [p.message for p in html.lost(tex, good.replace("<mtable></mtable>", ""))] == ["the LaTeX has 1 matrices, the page 0"]
    assert [p.message for p in html.lost(tex, good.replace('id="a"', ""))] == ["a link to #a leads nowhere"]


def test_the_title_is_without_braces():
    assert html.title(r"\hypersetup{pdftitle={{Attention: a sheet}}, pdfauthor={{}}}") == "Attention: a sheet"


def test_the_mathematics_of_the_style_is_found():
    part = convert.mathematics(Path(convert.HERE.parent, "house.sty").read_text(encoding="utf-8"))
    assert r"\newcommand{\mat}" in part and "tcolorbox" not in part and "hyperref" not in part


# --- with the converter -------------------------------------------------------------------------------------------------

LATEX = r"""\documentclass{article}\usepackage{house}\begin{document}
\begin{flushleft}Attention\par A sheet\end{flushleft}
\hyperref[ex:1]{One}
\exercise{Exercise 1}{Positions}\label{ex:1}
\begin{answer}No: $\mat{P}\mat{Q}\T$.\claimmark{1}\end{answer}
\[ \fitted{\mat{X} = \begin{pmatrix*}[r]1 & -2\\ 3 & 4\end{pmatrix*}} \]
\begin{longtable}{rl} & Claim\\ \claimrow{1} & \fittedtext{$\softmax x$}\\ \end{longtable}
%s\end{document}
"""


@needs_converter
def test_the_converter_keeps_all_of_it_and_makes_the_same_bytes(tmp_path, no_fonts):
    made = [page(convert.latexml(LATEX % "", tmp_path / name), [], "Attention") for name in ["one", "two"]]
    assert made[0] == made[1]
    assert html.lost(LATEX, made[0]) == []
    assert '<h1>Attention</h1>' in made[0] and '<div class="answer">' in made[0]


@needs_converter
def test_a_command_that_the_converter_does_not_know_stops_it(tmp_path):
    with pytest.raises(BuildFailed, match=r"undefined:\\unheard"):
        convert.latexml(LATEX % r"\unheard", tmp_path)


CAT = r"\includegraphics[alt={A cat}]{cat}"


@pytest.fixture
def converted(tmp_path, monkeypatch, no_fonts):
    monkeypatch.setattr(convert, "drawing", lambda alt, figure: PLACES[1])
    return lambda latex: _converted(latex, tmp_path)


def _converted(latex, tmp_path):
    ready, places = convert.prepared(LATEX % latex, "", "")
    made = page(convert.latexml(ready, tmp_path), places, "Attention")
    assert html.lost(LATEX % latex, made) == []
    return made.replace("\n", " ")


@needs_converter
def test_a_side_figure_is_the_figure_and_then_its_caption(converted):
    latex = r"\begin{figure}\sidefigure{CAT}{\caption{A cat.}\label{fig:cat}}\end{figure} \cref{fig:cat}"
    made = converted(latex.replace("CAT", CAT))
    inside = "(?:(?!</figure>).)*"
    assert re.search(rf'<figure id="(.*?)">{inside}<svg{inside}<figcaption>{inside}A cat\.</figcaption>\s*</figure>'
                     r'.*href="#\1"', made)


@needs_converter
@pytest.mark.parametrize("latex", [
    r"\begin{wide}\begin{figure}CAT\caption{It.}\end{figure}\end{wide}",
    r"\begin{figure}\begin{wide}CAT\caption{It.}\end{wide}\end{figure}",
    r"\begin{figure}\begin{wide}CAT\end{wide}\caption{It.}\end{figure}",
    r"\begin{wide}It. \[ x \]\end{wide}",
    r"\begin{wide}It.\begin{longtable}{rl} 1 & a\\ 2 & b\\ \end{longtable}\end{wide}",
], ids=["around a figure", "inside one", "around its picture", "text", "table"])
def test_what_may_be_wide_is_marked_so(converted, latex):
    made = converted(latex.replace("CAT", CAT) + " After.")
    assert re.search('<div class="broad">.*(<svg|class="display scroll"|<table).*After', made) and "It." in made


@needs_converter
def test_matrices_side_by_side_keep_their_names(converted):
    matrix = r"\begin{pmatrix*}[r]\phantom{-}1 & -2\end{pmatrix*}"
    latex = r"\begin{wide}\footnotesize\begin{alignat*}{2} A &= X & \qquad B &= X \\[3pt] C' &= X \end{alignat*}\end{wide}"
    made = converted(latex.replace("X", matrix))
    names = re.findall(r"<div><div><math[^>]*>(.*?)</math></div><div><math[^>]*><mrow><mi></mi><mo[^>]*>=</mo>", made)
    assert [text_of(name) for name in names] == ["A", "B", "C\u2032"]
    assert 'class="aligned pairs2 scroll"' in made


@needs_converter
def test_a_side_note_keeps_its_formulas_and_links(converted):
    made = converted(r"One.\aside{By $\hat{w}$, \emph{see} \hyperref[ex:1]{there}.} Two.\claimmark{2}\claimrow{2}")
    assert re.search(r'<p>One\.\s+Two\..*?</p><div><aside [^>]*>By <span class="whole"><math.*?</math>,</span> <em>see</em> '
                     r'<a href="#.*?">there</a>\.</aside></div></div>', made)


@needs_converter
def test_the_fonts_hold_the_letters_asked_for():
    rules = fonts.faces("aZ\u2211")
    assert rules.count("@font-face") == 4 and rules == fonts.faces("\u2211Za")
