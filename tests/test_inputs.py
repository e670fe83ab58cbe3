"""Chunks run again when anything that they read has changed, and only then."""

import importlib
import json
import os
import py_compile
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from documents import CHUNK, DRAW, FIGURE, folder, report  # noqa: F401

from weaving import results
from weaving.build import weave
from weaving.inputs import Recorder, pause_recording
from weaving.nondeterminism import nondeterministic_calls
from weaving.problems import BuildFailed
from weaving.project import forget_bytecode
from weaving.reader import StrictReader
from weaving.target import Target
from weaving.watch import _digests

COUNT = "with open('build/ran', 'a') as file: file.write('x')"


def run(case=""):
    """Weave with nothing of the project imported; how often the chunk has run, and the LaTeX."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("rules", "beside")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    weave(Target("report", case))
    return len(Path("build/ran").read_text()), Path("build/report.tex").read_text()


def change(name, old, new):
    """Change a file at once, keeping its size and time: only its content tells."""
    path = Path(name)
    times = path.stat()
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def link(target):
    Path("link").unlink(missing_ok=True)
    os.symlink(target, "link")


def in_database(value):
    connection = sqlite3.connect("data.db")
    with connection:
        connection.execute("create table if not exists t (x)")
        connection.execute("delete from t")
        connection.execute(f"insert into t values ({value})")
    connection.close()


def change_data():
    change("data.txt", "1", "2")


def make_new():
    Path("new.txt").write_text("1")


def colour():
    os.environ["COLOUR"] = "red"


def make_b():
    Path("data/b.csv").touch()


def enlarge():
    Path("data/a.csv").write_text("123")


def redate():
    for name in ["data.txt", "data/a.csv"]:
        os.utime(name, (1, 1))


# What a chunk reads, and how that changes.
# fmt: off
KINDS = {
    "a file outside the folder": (
        "open('../outside.txt').read()", lambda: change("../outside.txt", "1", "2")),
    "a file by its absolute path": ("open(os.path.abspath('data.txt')).read()", change_data),
    "a file from another folder": (
        "os.chdir('data') or open('a.csv').read()", lambda: change("data/a.csv", "1", "2")),
    "a variable of the environment": ("os.environ.get('COLOUR')", colour),
    "a variable that is asked for": ("'COLOUR' in os.environ", colour),
    "the names in the environment": ("[name for name in os.environ if name == 'COLOUR']", colour),
    "a file that is missing": ("read('new.txt')", make_new),
    "a file that is asked for": ("os.path.exists('new.txt')", make_new),
    "permission to read a file": ("os.access('new.txt', os.R_OK)", make_new),
    "permission to run a file": (
        "os.access('data.txt', os.X_OK)", lambda: os.chmod("data.txt", 0o755)),
    "a path that is asked for": ("Path('new').is_dir()", lambda: Path("new").mkdir()),
    "a module that is missing": (
        "__import__('importlib.util').util.find_spec('rules') is not None",
        lambda: Path("rules.py").write_text("value = 1")),
    "a module beside the report": (
        "__import__('beside').value", lambda: change("beside.py", "1", "2")),
    "a module that hides another": (
        "__import__('beside').value", lambda: Path("code/beside.py").write_text("value = 3")),
    "a file's size": ("os.path.getsize('data.txt')", lambda: Path("data.txt").write_text("123")),
    "a size in a folder": ("[entry.stat().st_size for entry in os.scandir('data')]", enlarge),
    "a size in a folder named in bytes": (
        "[entry.stat().st_size for entry in os.scandir(b'data')]", enlarge),
    "a file's date": ("os.path.getmtime('data.txt')", redate),
    "a path's date": ("Path('data.txt').stat().st_mtime_ns", redate),
    "a date below a folder": (
        "[path.stat().st_mtime for path in Path('data').rglob('*.csv')]", redate),
    "a date, by way of functions": ("date_of('data.txt')", redate),
    "where a link leads": ("os.readlink('link')", lambda: link("data/a.csv")),
    "where a path leads": ("str(Path('link').resolve())", lambda: link("data/a.csv")),
    "a folder's files": ("sorted(os.listdir('data'))", make_b),
    "a hidden file in a folder": (
        "sorted(os.listdir('data'))", lambda: Path("data/.b.csv").touch()),
    "a file called like the document": (
        "sorted(glob.glob('*.dat'))", lambda: Path("report.dat").touch()),
    "a pattern": ("sorted(glob.glob('data/*.csv'))", make_b),
    "a pattern at the top": ("sorted(Path().glob('*.csv'))", lambda: Path("b.csv").touch()),
    "a pattern below the top": (
        "__import__('beside') and sorted(map(str, Path().rglob('*.csv')))", make_b),
    "a database": ("row_of('data.db')", lambda: in_database(2)),
    "a file that it names": (
        "subprocess.run(['cat', 'data.txt'], capture_output=True).stdout", change_data),
    "a file that it writes": (
        "print('x', file=open('made.txt', 'w'))", lambda: Path("made.txt").unlink()),
}
# fmt: on


@pytest.fixture
def project(folder, monkeypatch):  # noqa: F811
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(folder / "code"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("COLOUR", "")
    monkeypatch.delenv("COLOUR")
    for name, text in {
        "../outside.txt": "1",
        "data.txt": "1",
        "data/a.csv": "1",
        "beside.py": "value = 1",
    }.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    in_database(1)
    link("data.txt")
    return folder


def test_a_module_saved_while_the_chunks_run_is_not_taken_for_the_one_that_ran(project):
    report(
        '<<name="Read", depends=["data.txt"]>>=',
        COUNT,
        "import subprocess, beside",
        "value = beside.value",
        "_ = subprocess.run(['sh', '-c', 'echo value = 2 > beside.py'])  # somebody saves",
        "@",
        "It is <%= value %>.",
    )
    _, first = run()
    again, second = run()
    assert again == 2 and "It is 1" in first and "It is 2" in second


READ = """import contextlib, glob, os, sqlite3, subprocess
from pathlib import Path
def read(name):
    try:
        return open(name).read()
    except FileNotFoundError:
        return None
def about(name):
    return os.stat(name)
def found(name):
    return about(name)
def date_of(name):
    return found(name).st_mtime
def row_of(name):
    with contextlib.closing(sqlite3.connect(name)) as database:
        return database.execute('select * from t').fetchone()"""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_input_makes_the_chunks_run_again(kind, project, capfd):
    expression, then = KINDS[kind]
    depends = ', depends=["data.txt"]' if "names" in kind else ""
    report(
        f'<<name="Read"{depends}>>=', READ, COUNT, f"value = {expression}", "@", "<%= str(value) %>"
    )
    run()
    ran, before = run()
    assert ran <= 2 and (ran == 1 or "writes" in kind), "it runs again although nothing has changed"
    then()
    again, after = run()
    assert again == ran + 1 and ("writes" in kind or after != before)
    assert run() == (again, after)
    assert capfd.readouterr().err == ""  # no warning of a file that is not closed


def test_a_file_written_after_a_scan_of_its_folder_is_no_change(project):
    report(
        CHUNK,
        COUNT,
        "from pathlib import Path",
        "found = sorted(path.name for path in Path('data').glob('*.csv'))",
        "Path('data/made.csv').write_text('1') and None",
        "@",
        "There are <%= len(found) %>.",
    )
    assert [run()[0], run()[0], run()[0]] == [1, 2, 2]
    Path("data/made.csv").write_text("2")
    assert run()[0] == 3


def test_a_process_that_says_nothing_of_its_inputs_runs_at_every_build(project, capsys):
    report(CHUNK, COUNT, "import subprocess", "subprocess.run(['true'])", "None", "@")
    assert [run()[0], run()[0]] == [1, 2]
    note = capsys.readouterr().err
    assert "report.texw:3:" in note and "depends=[" in note
    declared = CHUNK.replace(">>", ", depends=[]>>")
    report(declared, COUNT, "import subprocess", "subprocess.run(['true'])", "None", "@")
    assert [run()[0], run()[0]] == [3, 3]


@pytest.mark.parametrize(
    "code, steady",
    [
        ("time.strftime('%Y')", False),
        ("numpy.random.default_rng().random()", False),
        ("np.datetime64('now')", False),
        ("[call() for call in [time.time]]", False),
        ("time.asctime()", False),
        ("np.random.Generator(np.random.PCG64()).random()", False),
        ("secrets.randbelow(9)", False),
        ("from time import (\n    time as clock)", False),
        ("from time import time \\\n    as clock", False),
        ("import datetime\nask = datetime.datetime \\\n    .now", False),
        ("import datetime\nnow = datetime.datetime.now\\\n()", False),
        ("np.random.Generator(np.random.PCG64(1)).random()", True),
        ("datetime.date(2024, 4, 18).year", True),
        ("datetime.datetime(2024, 4, 18).strftime('%Y')", True),
        ("time.perf_counter()", True),  # what is measured is of the run that measured it
        ("random.choice([1, 2])", True),
        ("time.struct_time(range(9)).tm_year", True),
        ("time.gmtime(0).tm_year + np.random.default_rng(seed=1).random()", True),
    ],
)
def test_what_is_different_each_time_is_found_in_the_code(code, steady):
    assert bool(nondeterministic_calls(code)) != steady


@pytest.mark.parametrize(
    "code, steady",
    [
        ("str(datetime.date.today().year)", False),
        ("str(eval('time.time() > 0'))", False),
        ("[exec('from time import time as clock'), str(clock() > 0)][1]", False),
        ("str(random.choice([1, 2]) < 3)", True),
        ("str(numpy.random.default_rng(1).random() < 2)", True),
    ],
)
def test_what_is_different_each_time_runs_at_every_build(code, steady, project, capsys):
    report(CHUNK, "import datetime, random, time, numpy", COUNT, "@", f"It is <%= {code} %>.")
    assert [run()[0], run()[0]] == [1, 1 if steady else 2]
    assert ("report.texw:7: note: " in capsys.readouterr().err) != steady


def test_a_clock_that_a_module_reads_makes_the_chunks_run_at_every_build(project, capsys):
    Path("beside.py").write_text("import time\ndef value():\n    return time.time()\n")
    report(CHUNK, COUNT, "import beside", "beside.value() and None", "@")
    assert [run()[0], run()[0]] == [1, 2]
    assert "beside.py:3: note: time.time() differs each time" in capsys.readouterr().err


def test_a_clock_in_a_file_that_is_run_makes_the_chunks_run_at_every_build(project, capsys):
    Path("script.py").write_text("import time\n\nvalue = time.time()\n")
    for code in ["exec(open('script.py').read())", "import runpy\nrunpy.run_path('script.py')"]:
        Path("build/ran").unlink(missing_ok=True)
        report(CHUNK, COUNT, code, "None", "@")
        assert [run()[0], run()[0]] == [1, 2]
        assert "report.texw:3: note: time.time() differs each time" in capsys.readouterr().err


def test_a_figure_of_the_date_is_drawn_at_every_build(project):
    first, *rest = DRAW[:-1]
    code = [first, "import datetime", *rest[:-1], "str(datetime.date.today())", rest[-1]]
    report(FIGURE, COUNT, *code, "@")
    assert [run()[0], run()[0]] == [1, 2]


RULES = [
    '<<name="Run">>=',
    "import json, pathlib",
    "from rules import rule",
    COUNT,
    "case = json.load(open(case_file)) if case_file else 0",
    "numbers = json.load(open('code/rules/numbers.json'))",
    "total = [rule.value, numbers, case, 1]",
    "@",
    "Total <%= str(total) %>, once <%= 7 + 1 %>.",
    FIGURE,
    *DRAW,
    "Prose.",
]


@pytest.fixture
def rules(project):
    report(*RULES)
    Path("code/rules").mkdir()
    for name, text in {
        "code/rules/rule.py": "value = 10\n",
        "code/rules/numbers.json": "[20]",
        "case.json": "30",
        "code/not_read.json": "1",
    }.items():
        Path(name).write_text(text)


def test_the_case_the_code_and_its_files_are_inputs_and_prose_is_none(rules):
    assert "Total [10, [20], 30, 1], once 8." in run("case.json")[1]
    changes = [
        ("code/rules/rule.py", "10", "11", "[11, [20], 30, 1], once 8"),
        ("code/rules/numbers.json", "20", "21", "[11, [21], 30, 1], once 8"),
        ("case.json", "30", "31", "[11, [21], 31, 1], once 8"),
        ("report.texw", ", 1]", ", 2]", "[11, [21], 31, 2], once 8"),
        ("report.texw", "7 + 1", "7 + 2", "[11, [21], 31, 2], once 9"),
    ]
    for ran, (name, old, new, shown) in enumerate(changes, 2):
        change(name, old, new)
        assert run("case.json")[0] == ran, name
        again, tex = run("case.json")
        assert again == ran and f"Total {shown}." in tex, name
    for name, old, new in [("report.texw", "Prose", "Verse"), ("code/not_read.json", "1", "2")]:
        change(name, old, new)
        assert run("case.json")[0] == ran, name
    assert "Verse" in run("case.json")[1]
    assert "[11, [21], 0, 2]" in run()[1]


def test_a_figure_or_results_that_are_lost_or_damaged_are_made_again(rules):
    run()
    figure, cached = Path("figures/report/line.pdf"), Path("build/report.results.json")
    good, good_results = figure.read_bytes(), cached.read_bytes()
    drawn = Path("build/report.figures.json")
    unknown = {"recorded": {"a kind of another version": {"name": 1}}}
    damages = [
        figure.unlink,
        lambda: figure.write_bytes(good[:-9]),
        cached.unlink,
        lambda: cached.write_bytes(good_results[:99]),
        lambda: cached.write_text("[]"),
        lambda: cached.write_text(json.dumps({"key": 1})),
        lambda: cached.write_text(json.dumps({"key": json.loads(good_results)["key"]})),
        lambda: cached.write_text(json.dumps(json.loads(good_results) | unknown)),
        *(lambda text=text: (cached.unlink(), drawn.write_text(text)) for text in ("null", "[1]")),
    ]
    for ran, damage in enumerate(damages, 2):
        damage()
        assert run()[0] == ran
        assert figure.read_bytes() == good
        assert json.loads(cached.read_bytes())["results"] == json.loads(good_results)["results"]


def test_recording_goes_on_after_the_outermost_pause(project):
    with Recorder() as recorder:
        with pause_recording():
            with pause_recording():
                pass
            Path("data.txt").read_text()
        Path("data/a.csv").read_text()
    assert {"data.txt", "data/a.csv"} & set(recorder.noted["file"]) == {"data/a.csv"}


@pytest.mark.parametrize(
    "code, changed",
    [
        ("open('data.txt').close(); print(1); import fractions; os.listdir('.')", False),
        ("subprocess.run(['kpsewhich', 'article.cls'])", False),
        ("open('new', 'w').close()", True),
        ("open('build/new', 'x').close()", True),
        ("os.close(os.open('data.txt', os.O_RDWR))", True),
        ("sqlite3.connect('data.db').close()", True),
        ("os.remove('data.txt')", True),
        ("os.replace('data.txt', 'new')", True),
        ("os.mkdir('new')", True),
        ("os.symlink('data.txt', 'new')", True),
        ("os.truncate('data.txt', 0)", True),
        ("os.system('true')", True),
        ("subprocess.run(['true'])", True),
        ("os.fork() or os._exit(0)", True),
    ],
)
def test_what_may_have_changed_files(code, changed, project):
    Path("data.txt").write_text("1")
    with Recorder() as recorder:
        exec(code, {"os": os, "sqlite3": sqlite3, "subprocess": subprocess})
    assert recorder.files_changed == changed


def test_a_failed_run_keeps_nothing(rules):
    run()
    change("report.texw", "total = [", "total = {")
    with pytest.raises(BuildFailed):
        weave(Target())
    change("report.texw", "total = {", "total = [")
    assert "Total [10" in run()[1]


def test_bytecode_is_kept_only_if_no_change_of_its_source_can_be_missed(project):
    bytecode = {}
    for name in ("old", "new", "gone"):
        Path(f"{name}.py").write_text("value = 1")
        bytecode[name] = Path(py_compile.compile(f"{name}.py"))
    for name in ("old", "gone"):
        written = os.stat(bytecode[name]).st_mtime + 10  # as if it were compiled 10 s later
        os.utime(bytecode[name], (written, written))
    Path("gone.py").unlink()
    forget_bytecode()
    assert [name for name, path in bytecode.items() if path.exists()] == ["old"]


def test_results_do_not_outlive_their_python(rules, monkeypatch):
    reader = StrictReader("report.texw")
    reader.parse()
    key = results.key(reader.parsed, "")
    monkeypatch.setattr(results.project.sys, "version", "3.99.0")
    assert results.key(reader.parsed, "") != key


def test_no_value_of_the_environment_is_written_down(project, monkeypatch):
    monkeypatch.setenv("COLOUR", "a secret")
    report(CHUNK, COUNT, "import os", "dict(os.environ) and None", "@")
    run()
    assert "a secret" not in Path("build/report.results.json").read_text()


def test_watch_sees_data_files_inputs_and_files_outside_but_no_outputs(project, monkeypatch):
    report(CHUNK, COUNT, "text = open('../outside.txt').read()", "@", "Prose.")
    run()
    target, digests = Target(), {}
    before = _digests(target, digests)
    outputs = "report.pdf report.html report.ipynb report.synctex.gz figures/report/x.pdf"
    for name in [*outputs.split(), "build/x", ".hidden"]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("made")
        assert _digests(target, digests) == before, name
    for name in ["data.txt", "chapter.tex", "code/a.npz", "../outside.txt"]:
        Path(name).write_text("changed")
        after = _digests(target, digests)
        assert after != before, name
        before = after
    with open("log", "w") as log, monkeypatch.context() as patch:  # make watch > log
        patch.setattr(os, "fstat", lambda stream, real=os.fstat: real(log.fileno()))
        before = _digests(target, digests)
        log.write("building")
        log.flush()
        assert _digests(target, digests) == before
