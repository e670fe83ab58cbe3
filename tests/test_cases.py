"""Cases: read from files and notebooks in many forms, and bad ones refused with one message."""

import contextlib
import io
import json
import os
import re
import time
import tracemalloc
import zipfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from solutions import cases
from solutions.cases import Case, CaseError, load, placeholder
from solutions.reading import cells, notebooks, recognise
from weaving.inputs import Recorder
from weaving.states import first_change

MATRICES = ("X", "W_q", "W_k", "W_v", "W_o")


def arrays(N=3, D=4):
    """A case that changes under every exchange of matrices and every transpose."""
    parts = [("X", N, 0.5), ("W_q", D, 100), ("W_k", D, 200), ("W_v", D, 300)]
    return {name: np.arange(rows * D).reshape(rows, D) + start for name, rows, start in parts}


@pytest.fixture
def written(tmp_path):
    """written(fields, kind): the path of a file with these arrays; str and bytes as they are."""

    def write(fields, kind="npz"):
        path = tmp_path / f"my case.{kind}"
        if isinstance(fields, dict):
            with path.open("wb") as file:
                np.savez(file, **fields)
        else:
            path.write_bytes(fields if isinstance(fields, bytes) else fields.encode())
        return path

    return write


def assert_is(case, fields):
    for name, rows in fields.items():
        assert_array_equal(getattr(case, name), rows)


def refused(path, pattern, **settings):
    with pytest.raises(CaseError) as caught:
        load(path, **settings)
    assert not caught.value.show_traceback
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and len(message) < 800 and "\n" not in message[:80]
    assert re.search(pattern, message.removeprefix(f"{path}: "), re.DOTALL), message


# The case itself


def test_the_placeholder_is_the_draw_it_says_it_is():
    rng, case = np.random.default_rng(2024), placeholder()
    for name, shape in dict(X=(5, 6), W_q=(6, 6), W_k=(6, 6), W_v=(6, 6)).items():
        assert_array_equal(getattr(case, name), np.round(rng.standard_normal(shape), 2))
    assert_array_equal(case.W_o, np.eye(6))
    assert case.heads == (1, 3) and case.is_placeholder and not case.notes


def test_a_case_cannot_be_changed():
    case = Case(**(fields := arrays()))
    for name in MATRICES:
        with pytest.raises(ValueError, match="read-only"):
            getattr(case, name)[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        case.X = 1
    fields["X"][0][0] = 77
    assert case.X[0, 0] == 0.5 and not case.is_placeholder


def test_the_numbers_of_heads_start_with_one_and_none_comes_twice():
    for D, heads in [(1, (1,)), (2, (1, 2)), (4, (1, 2)), (6, (1, 3)), (7, (1, 7)), (35, (1, 5))]:
        assert Case(**arrays(2, D)).heads == heads, D
    for heads, wanted in [
        (3, (1, 3)), ([], (1,)), ([3, 1], (1, 3)), ([6, 2, 6], (1, 6, 2)), ((2, 3), (1, 2, 3)),
        (3.0, (1, 3)), (np.int64(3), (1, 3)), (np.array([1, 3]), (1, 3)), (np.array(2.0), (1, 2)),
    ]:  # fmt: skip
        assert Case(**arrays(2, 6), heads=heads).heads == wanted


# Files


@pytest.mark.parametrize("kind", ["npz", "NPZ"])
def test_what_is_in_the_file_is_in_the_case(written, kind):
    fields = arrays() | {"W_o": arrays(4)["X"]}
    case = load(str(written(fields | {"heads": [4, 2], "from_right": False}, kind)))
    assert_is(case, fields)
    assert {getattr(case, name).dtype for name in MATRICES} == {np.dtype(np.float64)}
    assert case.heads == (1, 4, 2) and case.source == f"my case.{kind}" and not case.notes


def test_weights_that_multiply_from_the_right_are_transposed(written):
    fields = arrays() | {"W_o": arrays(4)["X"]}
    transposed = fields | {name: fields[name].T for name in MATRICES[1:]}
    for case in (load(written(fields | {"from_right": True})), load(written(fields), side="right")):
        assert_is(case, transposed)
        assert "from the right" in case.notes[-1]
    case = load(written(fields))
    assert_is(case, fields)
    assert "does not say" in case.notes[-1]


@pytest.mark.parametrize(
    "convert",
    [np.float16, np.float32, int, np.uint8, ">f8", ">i2", np.longdouble, np.asfortranarray],
)
def test_other_types_and_layouts_become_float64(written, convert):
    convert = convert if convert is np.asfortranarray else (lambda a, t=convert: a.astype(t))
    fields = {name: convert(array // 2) for name, array in arrays().items()}
    assert_is(load(written(fields)), fields)


def test_what_double_precision_rounds_is_said(written):
    case = load(written(arrays() | {"W_q": np.full((4, 4), 2**53 + 1)}))
    assert case.W_q[0, 0] == 2.0**53 and any("W_q is rounded" in note for note in case.notes)


def test_compressed_files(tmp_path):
    np.savez_compressed(tmp_path / "small.npz", **arrays())
    assert_is(load(tmp_path / "small.npz"), arrays() | {"W_o": np.eye(4)})


@pytest.mark.parametrize(
    "names",
    ["x Wq wk WV Wo", "inputs W_Q omega_k W_value W_out", "data/X data/W_q data/W_k data/W_v W_o",
     "X q_proj.weight attn.k_proj.weight a.value.weight out_proj.weight"],
)  # fmt: skip
def test_unambiguous_names_are_taken_and_said(written, names):
    fields, names = arrays() | {"W_o": np.diag([1, 2, 3, 4])}, dict(zip(MATRICES, names.split()))
    case = load(written({names[role]: fields[role] for role in MATRICES}))
    assert_is(case, fields)
    for role, name in names.items():
        assert role == name or f"{role} is called {name}" in case.notes[0]


def test_names_as_told(written):
    fields = {"a": np.eye(3), **arrays(), "b": arrays()["W_q"]}
    path = written({"inputs": fields.pop("X"), **fields, "Wq": np.eye(4)})
    assert_array_equal(load(path, names="W_q=Wq, W_k=b").W_q, np.eye(4))
    case = load(path, names="W_q=Wq")
    assert_array_equal(case.W_q, np.eye(4))
    assert any(re.match("Not used: a .*, W_q .* and b ", note) for note in case.notes)


def per_head(W):
    return W.reshape(2, 2, 4)


FROM_THE_LEFT = arrays() | {name: per_head(arrays()[name]) for name in MATRICES[1:4]}


@pytest.mark.parametrize(
    "form, side, changed",
    [
        ("one d x D matrix per head", "left", per_head),
        ("one D x d matrix per head", "right", lambda W: per_head(W).swapaxes(1, 2)),
        ("D x heads x d", "right", lambda W: per_head(W).transpose(2, 0, 1)),
        ("length 1", "left", lambda W: W[None]),
    ],
)
def test_heads_apart_and_batches_of_one(written, form, side, changed):
    fields = arrays()
    batched = {"X": fields["X"][None], **{name: changed(fields[name]) for name in MATRICES[1:4]}}
    case = load(written(batched))
    assert_is(case, fields)
    assert case.heads == (1, 2)
    assert any(form in note for note in case.notes)
    assert any("from the right" in note for note in case.notes) == (side == "right")


@pytest.mark.parametrize(
    "stack, side",
    [
        (lambda *W: np.concatenate(W), "left"),
        (lambda *W: np.stack(W), "left"),
        (lambda *W: np.concatenate([w.T for w in W], axis=1), "right"),
        (lambda *W: np.stack([w.T for w in W]), "right"),
    ],
)
def test_one_array_with_all_three_weights(written, stack, side):
    X, *W = (fields := arrays()).values()
    path = written({"X": X, "c_attn.weight": stack(*W), "c_attn.bias": np.zeros(12)})
    case = load(path, names="W_qkv=c_attn.weight", side=side)
    assert_is(case, fields)
    assert any("c_attn.bias is zero" in note for note in case.notes)
    one_more = {"X": X, "W_q": np.eye(4), "W_qkv": stack(*W)}  # not all three: the stack counts
    assert_is(load(written(one_more), side=side), fields)


def test_inputs_in_columns_are_transposed_where_the_shapes_say_so(written):
    case = load(written(arrays() | {"X": arrays()["X"].T}))
    assert_is(case, arrays())
    assert any("one input per column" in note for note in case.notes)


# Files that are refused: one message, with the path, the key, both shapes and what to type


def with_entry(entry):
    fields = arrays()
    fields["W_k"] = fields["W_k"].astype(np.result_type(entry, float))
    fields["W_k"][2, 1] = entry
    return fields


def without(*names):
    return {name: rows for name, rows in arrays().items() if name not in names}


BAD_FILES = {
    "not a zip file": (b"no zip", "zip"),
    "nothing in it": ({}, "X, W_q, W_k, W_v .*nothing.*NAMES="),
    "two missing": (without("W_q", "W_v"), 'W_q, W_v .*X .* and W_k .*NAMES="W_q=... W_v=..."'),
    "two names for one": (without("W_q") | {"Wq": 1, "WQ": 2}, 'W_q .*Wq and WQ.*NAMES="W_q=Wq"'),
    "unnamed arrays": ({"arr_0": np.eye(2)}, r"X, W_q, W_k, W_v .*arr_0 \(2 x 2\)"),
    "from_right a word": (arrays() | {"from_right": "yes"}, "from_right .*'yes'"),
    "biases": (arrays() | {"b_q": [1, 2, 3, 4]}, "b_q .*biases"),
    "a bias beside its weight": (
        {"X": np.ones((3, 4)), "qkv.weight": np.ones((12, 4)), "qkv.bias": np.ones(12)},
        "qkv.bias .*zero",
    ),
    "X a number": (arrays() | {"X": 3}, "X .*single"),
    "X without columns": (arrays() | {"X": [[], []]}, "X .*2 x 0"),
    "too many rows": (arrays(N=1025), "X .*1024.*got 1025 x 4"),
    "a batch": (arrays() | {"X": [arrays()["X"]] * 2}, "X .*2 x 3 x 4"),
    "columns of their own": (arrays() | {"X": np.ones((3, 4, 1))}, "X .*3 x 4 x 1"),
    "a row too few": (arrays() | {"W_q": arrays()["X"]}, r"W_q .*4 x 4.*3 x 4.*np\.savez"),
    "W_o too large": (arrays() | {"W_o": np.eye(5)}, "W_o .*4 x 4.*5 x 5"),
    "heads here, not there": (arrays() | {"W_k": np.ones((2, 2, 4))}, "W_k .*4 x 4.*2 x 2 x 4"),
    "one head or D heads": (
        arrays() | {name: arrays()[name][:, None] for name in MATRICES[1:4]}, "W_q .*4 x 1 x 4"
    ),
    "a stack too short": ({"X": np.ones((3, 4)), "W_qkv": np.ones((8, 4))}, "W_qkv .*12 x 4.*8 x"),
    "a stack of one": ({"X": np.ones((3, 4)), "W_qkv": np.eye(4)}, "W_qkv .*12 x 4.*4 x 4"),
    "objects": (arrays() | {"X": np.array([[1, None]])}, "X .*objects"),
    "None for W_o": (arrays() | {"W_o": None}, "W_o .*None"),
    "complex": (arrays() | {"W_q": np.eye(4) + 1j}, "W_q .*complex"),
    "strings": (arrays() | {"W_q": np.full((4, 4), "a")}, "W_q .*text"),
    "booleans": (arrays() | {"W_q": np.eye(4) > 0}, "W_q .*bool"),
    "bfloat16": (arrays() | {"W_q": np.zeros((4, 4), "V2")}, "W_q .*bfloat16.*astype"),
    "records": (arrays() | {"X": np.zeros((3, 4), [("a", "f8"), ("b", "f8")])}, "X .*records"),
    "NaN": (with_entry(np.nan), r"W_k\[2\]\[1\] .*nan"),
    "NaN for W_o": (arrays() | {"W_o": np.diag([1, 2, np.nan, 4])}, r"W_o\[2\]\[2\] .*nan"),
    "beyond double": (with_entry(np.longdouble("1e4000")), r"W_k\[2\]\[1\] "),
    "scores overflow": (arrays() | {"X": np.full((3, 4), 1e200)}, "X, W_q and W_k .*row"),
    "outputs overflow": (
        arrays() | {"W_v": np.full((4, 4), 1e307), "X": np.full((3, 4), 9.0)}, "outputs"
    ),
    "W_q^T W_k overflows": (
        arrays() | {"X": np.zeros((2, 4)), **dict.fromkeys(["W_q", "W_k"], np.full((4, 4), 1e200))},
        "W_q.T W_k",
    ),
    "H not a divisor": (arrays() | {"H": 3}, "heads .*4.*3"),
    "one of the heads not a divisor": (arrays() | {"heads": [1, 2, 8]}, "heads .*4.*8"),
    "other heads than the weights": (FROM_THE_LEFT | {"heads": [1, 4]}, "heads must be 2.*4"),
    **{
        f"heads {heads}": (arrays() | {"heads": heads}, f"heads .*{re.escape(repr(shown))}")
        for heads in (1.5, [0], -2, True, "3", float("nan"), float("inf"), [[1]])
        for shown in (heads if isinstance(heads, list) else [heads])
    },
}  # fmt: skip


@pytest.mark.parametrize("fields, pattern", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file(written, fields, pattern):
    refused(written(fields), pattern)


@pytest.mark.parametrize(
    "fields, settings, pattern",
    [
        ({}, dict(names="X"), "NAMES .*'X'"),
        ({}, dict(names="X=Y"), "NAMES .*X=Y.*W_q"),
        ({}, dict(names="Z=X"), "NAMES .*Z=X"),
        ({}, dict(side="up"), "SIDE .*'up'"),
        ({}, dict(until="3"), "UNTIL .*'3'"),
        ({"from_right": True}, dict(side="left"), "SIDE and from_right .*left and right"),
        (FROM_THE_LEFT, dict(side="right"), "SIDE and the shapes .*right and left"),
    ],
)
def test_settings_that_are_wrong_or_contradict_the_file(written, fields, settings, pattern):
    refused(written(arrays() | fields), pattern, **settings)


def test_a_bad_path(tmp_path):
    (tmp_path / "d.npz").mkdir()
    (tmp_path / "case.json").touch()
    (tmp_path / "case").touch()
    refused(tmp_path / "gone.npz", "no such file")
    refused(tmp_path / "d.npz", "folder")
    refused(tmp_path / "case.json", r"\.npz, \.ipynb or \.py, got \.json")
    refused(tmp_path / "case", r"\.npz")


def test_damaged_npz_files(written):
    whole = written(arrays()).read_bytes()
    refused(written(whole[:-30]), "zip")
    refused(written(whole.replace(b"NUMPY", b"NUMPA", 1)), "CRC|magic")
    refused(written(whole.replace(b"(3, 4)", b"(9, 4)")), "EOF|CRC")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_of_another_kind_inside_is_no_array_and_no_array_comes_twice(written):
    path = written(arrays())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "hello")
    assert any("readme.txt" in note for note in load(path).notes)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("X.npy", archive.read("W_q.npy"))
    refused(path, "X .*two arrays")


def test_more_arrays_than_are_looked_at_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "MAX_ARRAYS", 4)
    np.savez(tmp_path / "case.npz", **arrays(), first=0)
    refused(tmp_path / "case.npz", "at most 4 arrays, got 5")


def test_a_compressed_bomb_is_refused_unopened(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, **arrays() | {"W_q": np.zeros((4096, 4096))})
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    refused(path, "W_q .*134217856")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


# Notebooks


def notebook(*sources):
    text = [{"cell_type": "markdown", "source": ["X"]}]
    code = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    return json.dumps({"nbformat": 4, "cells": text + code})


X_ONLY = "import numpy as np\nX = np.ones((2, 2))"
W_TOO = "W_q, W_k, W_v = np.arange(12.0).reshape(3, 2, 2)"
DRAWN = (
    "import numpy as np\nnp.random.seed(1)\ninputs = np.random.normal(size=(5, 6))\nH = 2",
    "Wq, Wk, Wv = np.random.normal(size=(3, 6, 6))",
)


def test_a_notebook_is_run_until_the_arrays_are_there(written):
    case = load(written(notebook(*DRAWN, "print(Wq)"), "ipynb"), side="left")
    rng = np.random.RandomState(1)
    X, W = rng.normal(size=(5, 6)), rng.normal(size=(3, 6, 6))
    assert_is(case, dict(X=X, W_q=W[0], W_k=W[1], W_v=W[2], W_o=np.eye(6)))
    assert case.heads == (1, 2) and case.source == "my case.ipynb"
    notes = " ".join(case.notes)
    assert "out of order" not in notes
    assert "cell 2 of 3" in notes and "W_q is called Wq" in notes and "heads is called H" in notes


def test_cells_that_were_run_in_another_order_are_mentioned(written):
    cells = json.loads(notebook(X_ONLY, "X = 2 * X", W_TOO))
    for cell, count in zip(cells["cells"], [None, 1, 3, 2]):
        cell["execution_count"] = count
    assert "out of order" in load(written(json.dumps(cells), "ipynb"), side="left").notes[-1]


def test_a_notebook_is_asked_which_side_its_weights_stand_on(written):
    path = written(notebook(*DRAWN), "ipynb")
    refused(path, f"SIDE=left.*SIDE=right.*make pdf CASE='{re.escape(str(path))}'")
    assert_array_equal(load(path, side="right").W_q, load(path, side="left").W_q.T)


ODDITIES = (
    "%matplotlib inline\n%store -r theta\n!pip install a \\\n  b\nfiles = !ls\nnp?\n"
    "import asyncio, os, threading\nimport not_installed_here as missing\nmissing.set_up(1)\n"
    "get_ipython().run_line_magic('load_ext', 'autoreload')\nawait asyncio.sleep(0)\nos.fork()",
    "%%writefile other.py\n1 / 0",
    "class Strange:\n    def __getattr__(self, name):\n        raise RuntimeError\nq = Strange()\n"
    "if not os.fork():\n    threading.Event().wait()\n"
    "threading.Thread(target=threading.Event().wait).start()\nprint('loud', flush=True)\n"
    "Wq, h, H = [[2, 0], [0, 2]], 1, 5\nparams = dict(W_k=[[3, 0], [0, 3]])",
    "%run helper\n%time W_q = W_v = np.eye(2)\nos.chdir('/')",
)


def test_what_stands_in_notebooks(written, tmp_path):
    """Magics, shell lines, absent modules, await, strange objects, a fork, what never ends."""
    (tmp_path / "helper").write_text(X_ONLY)
    case = load(written(notebook(*ODDITIES), "ipynb"), side="left")
    assert_is(case, dict(X=np.ones((2, 2)), W_q=np.eye(2), W_k=3 * np.eye(2), W_v=np.eye(2)))
    assert case.heads == (1, 2)  # neither h, an index, nor a number that does not divide D
    notes = " ".join(case.notes)
    for word in ("%store -r theta", "%%writefile other.py", "!ls", "not_installed_here",
                 "missing.set_up(1)", "H = 5", "Not used: Wq", "params.W_k"):  # fmt: skip
        assert word in notes
    assert "pip" not in notes and "autoreload" not in notes and "after code cell 4 of 4." in notes


def test_a_python_file_is_cut_at_blank_lines(written):
    begin = f"# coding: latin-1\n# \xe9\n%matplotlib inline\n{X_ONLY}\nX[0] = 2\n\n\x0c\n"
    script = begin + f"if __name__ == '__main__':\n    {W_TOO}\n\n    W_o = 2 * W_q\n\nprint(X)\n"
    case = load(written(script.encode("latin-1"), "py"), side="left")
    assert case.X[0, 0] == 2 and case.W_o[0, 1] == 2 and "line 12 of 14" in case.notes[0]


def test_what_a_notebook_reads_is_an_input_of_the_build(written, tmp_path, monkeypatch):
    """Files beside it, modules of any name, variables of the environment; not what it writes."""
    (tmp_path / "solutions.py").write_text("import numpy as np\nW = np.load('W.npy')\n")
    np.save(tmp_path / "W.npy", np.eye(2))
    source = (
        "import os\nimport numpy as np\nfrom solutions import W\nopen('new.txt', 'w').close()\n"
        "X = np.full((2, 2), float(os.getenv('SCALE', 1)))\nWq = Wk = Wv = W\n'SIZE' in os.environ"
    )
    path = written(notebook(source), "ipynb")
    with Recorder() as recorder:
        recorder.place = (1, True)  # a chunk that says what it depends on
        case = load(path, side="left")
    assert_array_equal(case.X, np.ones((2, 2)))
    recorded = recorder.snapshot()
    names = {Path(name).name for name in recorded["file"]}
    assert {"solutions.py", "W.npy", path.name} <= names and "new.txt" not in names
    assert "" not in recorded["variable"] and first_change(recorded) is None
    for name in ("SCALE", "SIZE"):
        with monkeypatch.context() as context:
            context.setenv(name, "2")
            assert first_change(recorded) == name
    np.save(tmp_path / "W.npy", 2 * np.eye(2))
    assert first_change(recorded) == str(tmp_path / "W.npy")


def test_a_notebook_that_lists_the_environment_reads_all_of_it(written, monkeypatch):
    path = written(notebook("import os", f"n = len(dict(os.environ))\n{X_ONLY}", W_TOO), "ipynb")
    with Recorder() as recorder:
        recorder.place = (1, True)
        load(path, side="left")
    recorded = recorder.snapshot()
    monkeypatch.setenv("A_NEW_VARIABLE", "")
    assert first_change(recorded) == ""


@pytest.mark.parametrize("look", ["glob.glob('data/*.csv')", "os.listdir('data')"])
def test_a_folder_that_a_notebook_lists_is_an_input_of_the_build(look, written, tmp_path):
    (tmp_path / "data").mkdir()
    path = written(notebook(f"import glob, os\nn = len({look})\n{X_ONLY}", W_TOO), "ipynb")
    with Recorder() as recorder:
        recorder.place = (1, True)
        load(path, side="left")
    recorded = recorder.snapshot()
    assert first_change(recorded) is None
    (tmp_path / "data/new.csv").touch()
    assert first_change(recorded) == str(tmp_path / "data")


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"X = X / 2": "X", "W_q *= 2": "W_q", "for W in (W_k, W_v):\n    W += 1": "W_k and W_v",
         "X[0] = 7\nnp.random.seed(0)\nnp.random.shuffle(X)": "X"},
        {"np.random.seed(2)\nX, W_k = np.random.normal(size=(2, 2, 2))": "X and W_k",
         "x = X\nx[0] = 1": "X", "W_o = 2 * np.eye(2)": "W_o", "!ls\n%time W_q = W_k": "W_q"},
        {"undefined()\nX = 2 * X": "X", "from nowhere import W_q": "W_q", "b_q = X[0]": "b_q",
         "W_v = # your code": "W_v"},
        {"del X": "X=X", "X = np.ones((5, 2))": "X",
         "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)": None, "W_q[0] = 3": "W_q"},
        {"%run gone.py": "cannot", "(X := X + 1)": "X", "W_k[0].sort()\nW_k[1] = 9": "W_k",
         "exec('W_v = X')": "W_v"},
    ],
)  # fmt: skip
def test_arrays_that_change_later_are_asked_about(written, changes):
    path = written(notebook(X_ONLY, W_TOO, *changes), "ipynb")
    found = [rf"cell {i} of 6.*\W{what}.*" for i, what in enumerate(changes.values(), 3) if what]
    given = "NAMES=X=X SIDE=left UNTIL=2 .or 6"
    refused(path, f"after code cell 2 of 6.*{''.join(found)}{given}", names="X=X", side="left")


@pytest.mark.slow
def test_a_change_is_taken_where_the_user_says_so(written):
    path = written(notebook(X_ONLY, W_TOO, "X = X / 2", "1 / 0", "X = X / 2"), "ipynb")
    case = load(path, side="left", until="2")
    assert case.X[0, 0] == 1 and "cell 2 of 5" in case.notes[0]
    assert load(path, side="left", until="3").X[0, 0] == 0.5
    refused(path, "cell 4 of 5.*ZeroDivision", side="left", until="5")
    refused(path, "W_q, W_k, W_v", side="left", until="1")
    refused(path, "UNTIL .*5, got 6", side="left", until="6")
    refused(path, "UNTIL .*'two'", side="left", until="two")
    in_a_dictionary = notebook(X_ONLY, "params = dict(W_q=X, W_k=X, W_v=X)", "params = nowhere")
    refused(written(in_a_dictionary, "ipynb"), "cell 3 of 3.* params;.*UNTIL=2", side="left")
    script = written(f"{X_ONLY}\n{W_TOO}\n\nX = 2 * X\n", "py")
    refused(script, "line 3 of 5.*line 5 of 5 changes X.*UNTIL=3 .or 5", side="left", until="")
    assert load(script, side="left", until="4").X[0, 0] == 2


def test_what_comes_later_may_fail_and_use_the_arrays(written):
    later = [
        "def f(X):\n    X = 2 * X",
        "W_o = np.eye(2)\nH = 2\nfor x in X:\n    f(x)\nY = X[::-1]",
        "Y, A = f(X)",
        "print(Y, # your code",
        "exit()",
        "X = 3",
    ]
    case = load(written(notebook(X_ONLY, W_TOO, *later), "ipynb"), side="left")
    assert_array_equal(case.X, np.ones((2, 2)))
    assert "cell 5 of 8 and code cell 6 of 8" in case.notes[-1] and "not given" in case.notes[1]


@pytest.mark.slow
def test_what_takes_too_long_later_is_read(written, monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_SECONDS_LATER", 1)
    monkeypatch.setattr(notebooks, "MAX_SECONDS", 30)
    begin = time.monotonic()
    cells = (X_ONLY, W_TOO, "while True: pass", "def f(X):\n    X = 1")
    case = load(written(notebook(*cells), "ipynb"), side="left")
    assert time.monotonic() - begin < notebooks.MAX_SECONDS, "MAX_SECONDS has ended it"
    assert "cell 3 of 4 and code cell 4 of 4" in case.notes[-1]
    refused(written(notebook(*cells, "X, y = 1, 2"), "ipynb"), "cell 5 of 5.* X", side="left")


@pytest.mark.slow
@pytest.mark.parametrize(
    "sources, pattern",
    [
        ([X_ONLY, "nowhere + 1"], r"cell 2 of 2.*NameError.*nowhere.*W_q, W_k, W_v .*X \(2 x 2\)"),
        (["import nowhere\nnowhere.X()\nX = nowhere.X()"], "cell 1.*NameError.*module nowhere"),
        ([X_ONLY, "exit()"], "cell 2 of 2.*SystemExit"),
        ([X_ONLY, "import os; os.abort()"], "cell 2 of 2.*-6"),
        ([X_ONLY, "while True: pass"], "cell 2 of 2.* 3 s"),
        ([X_ONLY, "W_q = # your code", W_TOO], "cell 2 of 3.*Syntax.*W_q, W_k, W_v "),
        ([X_ONLY, "print 'hello'"], "W_q, W_k, W_v .*cell 2 of 2 is not Python"),
        (["input()"], "cell 1.*EOFError.*np.savez"),
        (["raise ValueError('\\ud800' + 1000 * 'x')"], r"ValueError: \\ud800x+;"),
        (["class E(Exception):\n    __str__ = None\nraise E"], "cell 1 of 1.* E;"),
        ([X_ONLY + "\nX = np.ma.masked_array(X, X > 2)", W_TOO], "X .*masked"),
        ([X_ONLY + "\nX = np.random.rand(2, 2)", W_TOO], "X .*seed"),
        ([X_ONLY, "W_q = W_k = W_v = np.eye(3)"], "W_q .*2 x 2.*3 x 3"),
        ([], "X, W_q, W_k and W_v"),
        ("[1]", "notebook"),
        ("{", "notebook"),
    ],
)
def test_a_notebook_that_does_not_give_the_arrays(written, sources, pattern, monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_SECONDS", 3)
    text = sources if isinstance(sources, str) else notebook(*sources)
    refused(written(text, "ipynb"), pattern, side="left")


@pytest.mark.slow
def test_nothing_that_a_notebook_starts_outlives_it(written, tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_SECONDS", 3)
    source = (
        "import subprocess, time\np = subprocess.Popen(['sleep', '60'])\n"
        "open('pid', 'w').write(str(p.pid))\ntime.sleep(60)"
    )
    refused(written(notebook(source), "ipynb"), "cell 1", side="left")
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):  # killed, it may still take a moment to end
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return
        except OSError:  # no such process, or no /proc: then ask for the process itself
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")


# Whatever is in the file: a case, or a CaseError

NAMES = st.sampled_from(
    "X x inputs W_q Wq W_k W_v W_o W_qkv heads H from_right b_q a.W_q é".split()
)
SIDES = st.sampled_from(["", "left", "right"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ARRAY = st.sampled_from("f8 f4 f2 >f8 i4 u1 ? c16 U2 M8[s] g".split()).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)


def a_case_or_its_refusal(path, **settings):
    try:
        assert isinstance(load(path, **settings), Case)
    except CaseError as error:
        assert str(error).startswith(f"{path}: ") and len(str(error)) > len(str(path)) + 2


@given(st.dictionaries(NAMES, ARRAY | SCALARS, max_size=7), SIDES, st.text("XW_q= ,x", max_size=9))
def test_fuzz_arrays_in_a_file_and_in_a_notebook(tmp_path_factory, found, side, names):
    path = tmp_path_factory.getbasetemp() / "any.npz"
    np.savez(path, **found)
    a_case_or_its_refusal(path, side=side, names=names)
    with contextlib.suppress(CaseError):
        found = notebooks._candidates(found)
        Case(**recognise.arrange(found, {}, side, is_file=False)[0])


VALID = io.BytesIO()
np.savez(VALID, **arrays())
WHOLE = {"npz": VALID.getvalue(), "ipynb": notebook("X = 1", "Y = 2").encode()}


@given(st.sampled_from([*WHOLE]), st.integers(0, 5000), st.binary(max_size=6), st.integers(0, 6))
def test_fuzz_damaged_files(tmp_path_factory, kind, at, inserted, dropped):
    at %= len(WHOLE[kind])
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(WHOLE[kind][:at] + inserted + WHOLE[kind][at + dropped :])
    if kind == "ipynb":  # without running it
        with contextlib.suppress(CaseError):
            assert all(isinstance(part.source, str) for part in cells.read(path))
    else:
        a_case_or_its_refusal(path)
