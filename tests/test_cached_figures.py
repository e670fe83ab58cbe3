"""A figure is drawn again when anything that it shows has changed, and only then."""

import importlib
import json
import os
import sys
from pathlib import Path

import pytest
from documents import folder, report  # noqa: F401
from test_inputs import change

from weaving import figures
from weaving.build import Target, execute
from weaving.problems import BuildFailed


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


MODULES = {
    "code/shades.py": """from functools import cache
import hues
from matplotlib.figure import Figure

colour, names, calls = 'red', ['a'], []

class Pen:
    width = 1

def draw(*shown, color='black'):
    figure = Figure()
    figure.add_subplot(xticks=[], yticks=[]).set_title(str(shown), color=color)
    return figure

def state(memory=[0]):
    return [colour, names, Pen.width, memory, hues.name, step()]

state.x = 1

def late():
    import lazy
    return lazy.name

def count():
    calls.append(1)
    return len(calls)

def counter():
    here = [0]
    return lambda: here

step = counter()

@cache
def store():
    return {}

@cache
def table():
    with open('data.txt') as file:
        return file.read()
""",
    "code/hues.py": "name = 'pale'\n\ndef other():\n    return [5]\n",
    "code/lazy.py": "name = 'late'\n",
    "data.txt": "1",
}
PREPARE = (
    "values, box, other = [1], numpy.zeros(3), 7; import matplotlib.colors as C; "
    "C.get_named_colors_mapping()['ours'] = '#0000ff'"
)

# What the figure shows, and what becomes of PREPARE or of a file.
STATE = "shades.draw(shades.state())"
COLOURS = "C.get_named_colors_mapping()"
# fmt: off
CHANGES = {
    "its own code": ("shades.draw('old')", ("report.texw", "'old'", "'new'")),
    "a value": ("shades.draw(values)", "values = [2]"),
    "an array that is changed in place": ("shades.draw(box)", "box[0] = 2"),
    "a value in a comprehension": ("shades.draw([values for k in 'ab'])", "values.append(2)"),
    "data of a module": (STATE, "shades.colour = 'blue'"),
    "a list in a module": (STATE, "shades.names.append('b')"),
    "data of a class": (STATE, "shades.Pen.width = 2"),
    "data of a module behind it": (STATE, "hues.name = 'dark'"),
    "the default of a function": (STATE, "shades.state.__defaults__[0].append(1)"),
    "what is written on a function": ("shades.draw(shades.state.x)", "shades.state.x = 2"),
    "what a function holds": (STATE, "shades.step().append(1)"),
    "another function in its place": (STATE, "shades.step = hues.other"),
    "a module's code": ("shades.draw(shades.colour)", ("code/shades.py", "'red'", "'ted'")),
    "code behind it": (STATE, ("code/hues.py", "pale", "pink")),
    "a module that a function imports": (
        "shades.draw(shades.late())", ("code/lazy.py", "late", "lame")),
    "a file": ("shades.draw(open('data.txt').read())", ("data.txt", "1", "2")),
    "a file that was read before": ("shades.draw(shades.table())", ("data.txt", "1", "2")),
    "Matplotlib's settings": (
        "shades.draw(1)", "import matplotlib; matplotlib.rcParams['axes.facecolor'] = 'red'"),
    "the way in which NumPy prints": (
        "shades.draw(box / 3 + 1 / 3)", "numpy.set_printoptions(precision=2)"),
    "NumPy's generator": ("shades.draw(numpy.random.rand())", "numpy.random.seed(2)"),
    "Python's generator": ("shades.draw(random.random())", "random.seed(2)"),
    "the environment": ("shades.draw(os.environ.get('COLOUR'))", "os.environ['COLOUR'] = 'red'"),
    "what a cached function holds": ("shades.draw(shades.store())", "shades.store()['a'] = 1"),
    "a colour's name": (
        "shades.draw(1, color='ours' if other == 7 else 'theirs')",
        f"{COLOURS}['theirs'] = '#ff0000'; other = 8"),
    "a named colour": ("shades.draw(1, color='ours')", f"{COLOURS}['ours'] = '#ff0000'"),
    "a function of the document": ("shades.draw(shown())", ("report.texw", "return 1", "return 2")),
    "an instance of the document's class": (
        "shades.draw(Box().x)", ("report.texw", "x = 1", "x = 2")),
    "a name that nobody sees": ("shades.draw(globals()['values'])", "values = [2]"),
    "code in a string": ("shades.draw(eval('values'))", "values = [2]"),
    "a value in the caption": ("shades.draw(1)", "other = 8"),
    "the alternative text": ("shades.draw(1)", ("report.texw", "A line.", "A lime.")),
}
# fmt: on


@pytest.fixture
def project(folder, monkeypatch):  # noqa: F811
    monkeypatch.syspath_prepend(str(folder / "code"))
    monkeypatch.setenv("COLOUR", "")
    for name, text in MODULES.items():
        Path(name).write_text(text)
    with pytest.MonkeyPatch.context() as settings:
        import matplotlib
        import numpy

        before = matplotlib.rcParams.copy(), numpy.get_printoptions()
        yield settings
        matplotlib.rcParams.update(before[0])
        numpy.set_printoptions(**before[1])


def document(shown, then="", after="0"):
    report(
        '<<name="Prepare">>=',
        "import os, random, hues, numpy, shades",
        "numpy.random.seed(1); random.seed(1)",
        "class Box:",
        "    x = 1",
        "def shown():",
        "    return 1",
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
    for name in ("shades", "hues", "lazy"):
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
@pytest.mark.parametrize(
    "shown",
    [
        "shades.draw(values, box, other)",
        "shades.draw(shades.state(), shades.late(), shades.table())",
        "shades.draw(open('data.txt').read(), os.path.exists('none.txt'))",
        "shades.draw(numpy.random.rand(), random.random(), globals()['values'])",
        "figure = shades.draw(shown(), Box().x, eval('values'))\nfigure",
    ],
)
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


@pytest.mark.parametrize(
    "shown, after",
    [
        ("shades.draw(shades.count())", "shades.calls"),
        ("shades.draw(values.append(2))", "values"),
        ("shades.draw(shades.store().setdefault('a', 1))", "shades.store()"),
        ("shades.draw(os.environ.setdefault('NEW', '1'))", "os.environ.get('NEW')"),
    ],
)
def test_what_a_figure_changes_is_changed_in_every_build(shown, after, project):
    document(shown, after=after)
    first, _ = built()
    document(shown, "unseen = 3", after=after)
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
