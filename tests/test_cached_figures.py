"""A figure is drawn again when anything that it shows has changed, and only then."""

import importlib
import json
import os
import sys
from pathlib import Path

import matplotlib
import pytest
from documents import folder, report  # noqa: F401
from test_inputs import change

from weaving import figures
from weaving.execution import execute
from weaving.problems import BuildFailed
from weaving.target import Target


def test_the_list_of_fonts_is_made_anew_when_a_font_has_come_or_gone(tmp_path, monkeypatch):
    fonts, cached = tmp_path / "fonts/serif", tmp_path / "fontlist-v3.json"
    fonts.mkdir(parents=True)
    cached.write_text("{}")
    monkeypatch.setattr(figures, "FONTS", [str(tmp_path / "fonts")])
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    os.utime(fonts, (1, 1))
    os.utime(fonts.parent, (1, 1))
    figures.forget_old_fonts()
    assert cached.exists()
    os.utime(cached, (2, 2))
    (fonts / "new.ttf").touch()
    figures.forget_old_fonts()
    assert not cached.exists()


def test_another_version_of_a_font_is_another_figure(tmp_path, monkeypatch):
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontEntry, fontManager

    font = tmp_path / "new.ttf"
    font.write_text("1")
    monkeypatch.setattr(fontManager, "ttflist", [FontEntry(str(font), "New")])
    before = figures.key(Figure())
    assert before and figures.key(Figure()) == before
    font.write_text("version 2")
    assert figures.key(Figure()) != before


SHADES = """import hues
from matplotlib.figure import Figure
from matplotlib.text import Text

calls = []

class Mark(Text):
    word = 'one'

    def draw(self, renderer):
        self.set_text(self.word)
        super().draw(renderer)

def draw(*shown, color='black', marks=()):
    figure = Figure()
    figure.add_subplot(xticks=[], yticks=[]).set_title(str(shown), color=color)
    for mark in marks:
        figure.add_artist(mark(0.5, 0.5))
    return figure

def count():
    calls.append(1)
    return len(calls)
"""
PREPARE = "values, other = [1], 7; C = matplotlib.colors.get_named_colors_mapping()"
PREPARE += "; C['ours'] = '#0000ff'"

# What the figure shows, and what becomes of PREPARE or of a file.
CHANGES = {
    "its own code": ("shades.draw('old')", ("report.texw", "'old'", "'new'")),
    "a value": ("shades.draw(values)", "values.append(2)"),
    "a module behind it": ("shades.draw(hues.name)", ("code/hues.py", "pale", "pink")),
    "how it is drawn": ("shades.draw(marks=[shades.Mark])", ("code/shades.py", "'one'", "'two'")),
    "how the document draws it": ("shades.draw(marks=[Mark])", ("report.texw", "'old'", "'new'")),
    "Matplotlib's settings": ("shades.draw(1)", "matplotlib.rcParams['pdf.fonttype'] = 42"),
    "a named colour": ("shades.draw(1, color='ours')", "C['ours'] = '#ff0000'"),
    "a value in the caption": ("shades.draw(1)", "other = 8"),
    "the alternative text": ("shades.draw(1)", ("report.texw", "A line.", "A lime.")),
}


@pytest.fixture
def project(folder, monkeypatch):  # noqa: F811
    monkeypatch.syspath_prepend(str(folder / "code"))
    Path("code/shades.py").write_text(SHADES)
    Path("code/hues.py").write_text("name = 'pale'\n")
    with matplotlib.rc_context():
        yield


def document(shown, then="", after="0"):
    report(
        '<<name="Prepare">>=',
        "import hues, matplotlib.colors, shades",
        "class Mark(shades.Mark):",
        "    word = 'old'",
        f"{PREPARE}; {then}",
        "@",
        '<<name="Draw", fig=True, label="line", caption="Of <%= str(other) %>.", alt="A line.">>=',
        shown,
        "@",
        f"After it <%= str({after}) %>. Prose.",
        '<<name="Draw another", fig=True, label="another", caption="No.", alt="A line.">>=',
        "shades.draw(2)",
        "@",
    )


def built():
    """The drawing, its caption, and the text after it; how often anything was drawn."""
    for name in ("shades", "hues"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    with pytest.MonkeyPatch.context() as patch:
        drawn = []
        patch.setattr(figures, "_check_edges", drawn.append)
        *_, line, text, _, _ = execute(Target())
    made = Path("figures/report/line.pdf").read_bytes()
    return (made, line["result"][-1], text["pieces"][1][1]), len(drawn)


def from_nothing():
    for name in ("results", "figures"):
        Path(f"build/report.{name}.json").unlink()
    return built()[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
def test_a_figure_is_what_a_build_from_nothing_draws(kind, project):
    shown, then = CHANGES[kind]
    document(shown)
    before, drawn = built()
    assert drawn == 2
    if isinstance(then, str):
        document(shown, then)
    else:
        change(*then)
    made, drawn = built()
    assert made != before and (drawn > 0) == (made[0] != before[0])
    assert from_nothing() == made


@pytest.mark.slow
@pytest.mark.parametrize("shown", ["shades.draw(values)", "shades.draw(marks=[shades.Mark])"])
def test_a_figure_is_not_drawn_again_for_nothing(shown, project):
    document(shown)
    first, _ = built()
    document(shown, "unseen = 3")
    assert built() == (first, 0)
    document(shown, after="5 - 5")
    assert built() == (first, 0)
    Path("build/report.results.json").unlink()
    assert built() == (first, 0)
    Path("figures/report/line.pdf").write_bytes(b"damaged")
    assert built() == (first, 1)


def test_the_chunk_of_a_figure_runs_in_every_build(project):
    document("shades.draw(shades.count())", after="shades.calls")
    first, _ = built()
    document("shades.draw(shades.count())", "unseen = 3", after="shades.calls")
    assert built() == (first, 0)


def test_a_word_that_holds_a_modules_name_is_no_module(project):
    document("shades.draw('nightshades')")
    first, _ = built()
    change("code/hues.py", "pale", "pink")  # which shades.py imports, and the figure does not show
    assert built() == (first, 0)


def test_what_failed_is_not_cached(project, monkeypatch):
    document("shades.draw(1)")
    monkeypatch.setattr(figures, "_check_edges", lambda figure: 1 / 0)
    with pytest.raises(BuildFailed):
        execute(Target())
    assert json.loads(Path("build/report.figures.json").read_text()) == {}


def test_an_svg_is_drawn_when_it_is_asked_for(project):
    document("shades.draw(1)")
    first, _ = built()
    drawing = Path("figures/report/line.svg")
    assert not drawing.exists()
    execute(Target(), screen=True)
    before = drawing.read_bytes()
    assert built() == (first, 0) and drawing.read_bytes() == before
    document("shades.draw(2)")
    built()
    assert not drawing.exists()  # it would show the old figure
