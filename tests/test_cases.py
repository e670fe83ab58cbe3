"""Cases: read from files and notebooks in many forms, and bad ones refused with one message."""

import contextlib
import io
import json
import os
import pickle
import re
import sys
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

from solutions import cases, exports, notebooks
from solutions.cases import Case, CaseError, comparable, load, placeholder

MATRICES = ("X", "W_q", "W_k", "W_v", "W_o")


def numbers(N=3, D=4):
    """A case that changes under every exchange of matrices and every transpose."""
    parts = [("X", N, 0.5), ("W_q", D, 100), ("W_k", D, 200), ("W_v", D, 300)]
    return {
        name: (np.arange(rows * D).reshape(rows, D) + start).tolist() for name, rows, start in parts
    }


def arrays(N=3, D=4):
    return {name: np.array(rows) for name, rows in numbers(N, D).items()}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    monkeypatch.delenv("NAMES", raising=False)
    monkeypatch.delenv("SIDE", raising=False)


@pytest.fixture
def written(tmp_path):
    """written(fields, kind): the path of a file with these fields; str and bytes as they are."""

    def write(fields, kind="json"):
        path = tmp_path / f"my case.{kind}"
        if isinstance(fields, (str, bytes)):
            path.write_bytes(fields.encode() if isinstance(fields, str) else fields)
        elif kind == "json":
            path.write_text(json.dumps(fields))
        else:
            np.savez(path.with_suffix(".npz"), **fields)
            path.with_suffix(".npz").rename(path)
        return path

    return write


def assert_is(case, fields):
    for name, rows in fields.items():
        assert_array_equal(getattr(case, name), rows)


# The case itself


def test_the_placeholder_is_the_draw_it_says_it_is():
    rng, case = np.random.default_rng(2024), placeholder()
    for name, shape in dict(X=(5, 6), W_q=(6, 6), W_k=(6, 6), W_v=(6, 6)).items():
        assert_array_equal(getattr(case, name), np.round(rng.standard_normal(shape), 2))
    assert_array_equal(case.W_o, np.eye(6))
    assert case.heads == (1, 3) and case.is_placeholder and not case.notes


def test_the_placeholder_does_not_depend_on_settings(monkeypatch):
    monkeypatch.setenv("NAMES", "X=nothing")
    monkeypatch.setenv("SIDE", "right")
    assert not placeholder().from_right


@pytest.mark.parametrize("fields", [numbers(), arrays()], ids=["lists", "arrays"])
def test_a_case_cannot_be_changed(fields):
    case = Case(**fields)
    for name in MATRICES:
        with pytest.raises(ValueError, match="read-only"):
            getattr(case, name)[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        case.X = 1
    fields["X"][0][0] = 77
    assert case.X[0, 0] == 0.5 and case.source == "" and not case.is_placeholder


@pytest.mark.parametrize(
    "D, heads",
    [
        (1, (1,)),
        (2, (1, 2)),
        (3, (1, 3)),
        (4, (1, 2)),
        (6, (1, 3)),
        (7, (1, 7)),
        (25, (1, 5)),
        (35, (1, 5)),
    ],
)
def test_heads_if_none_are_given(D, heads):
    assert Case(**numbers(2, D)).heads == heads


@pytest.mark.parametrize(
    "given, heads",
    [
        (3, (1, 3)),
        ([], (1,)),
        ([3, 1], (1, 3)),
        ([6, 2, 6], (1, 6, 2)),
        ((2, 3), (1, 2, 3)),
        (3.0, (1, 3)),
        (np.int64(3), (1, 3)),
        (np.array([1, 3]), (1, 3)),
        (np.array(2.0), (1, 2)),
    ],
)
def test_heads_start_with_one_and_none_comes_twice(given, heads):
    assert Case(**numbers(2, 6), heads=given).heads == heads


# Files


@pytest.mark.parametrize("kind", ["json", "npz", "NPZ", "JSON"])
def test_what_is_in_the_file_is_in_the_case(written, kind):
    fields = numbers() | {"W_o": numbers(4)["X"]}
    case = load(
        str(
            written(fields | {"heads": [4, 2]}, kind.lower()).rename(
                written("", "x").with_suffix(f".{kind}")
            )
        )
    )
    assert_is(case, fields)
    assert {getattr(case, name).dtype for name in MATRICES} == {np.dtype(np.float64)}
    assert case.heads == (1, 4, 2) and case.source == f"my case.{kind}" and not case.notes


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_weights_that_multiply_from_the_right_are_transposed(written, kind):
    fields = numbers() | {"W_o": numbers(4)["X"]}
    transposed = fields | {name: np.transpose(fields[name]) for name in MATRICES[1:]}
    for case in (
        load(written(fields | {"from_right": True}, kind)),
        load(written(fields, kind), side="right"),
    ):
        assert_is(case, transposed)
        assert case.from_right and "right" in case.notes[-1]
    assert_is(load(written(fields | {"from_right": False}, kind)), fields)


@pytest.mark.parametrize(
    "convert",
    [np.float16, np.float32, int, np.uint8, ">f8", ">i2", np.longdouble, np.asfortranarray],
)
def test_other_types_and_layouts_become_float64(written, convert):
    convert = convert if convert is np.asfortranarray else (lambda a, t=convert: a.astype(t))
    fields = {name: convert(array // 2) for name, array in arrays().items()}
    assert_is(load(written(fields, "npz")), fields)


def test_what_double_precision_rounds_is_said(written):
    case = load(written(arrays() | {"W_q": np.full((4, 4), 2**53 + 1)}, "npz"))
    assert case.W_q[0, 0] == 2.0**53 and any("W_q is rounded" in note for note in case.notes)


def test_compressed_files_byte_order_marks_and_null_for_no_matrix(written, tmp_path):
    np.savez_compressed(tmp_path / "small.npz", **arrays())
    assert_is(load(tmp_path / "small.npz"), numbers())
    assert_is(
        load(written(b"\xef\xbb\xbf" + json.dumps(numbers() | {"W_o": None}).encode())),
        numbers() | {"W_o": np.eye(4)},
    )


@pytest.mark.parametrize(
    "names",
    [
        ("x", "Wq", "wk", "WV", "Wo"),
        ("inputs", "W_Q", "w_K", "W_value", "W_out"),
        ("X", "q_proj.weight", "k_proj.weight", "v_proj.weight", "out_proj.weight"),
    ],
)
def test_unambiguous_names_are_taken_and_said(written, names):
    fields = arrays() | {"W_o": np.diag([1, 2, 3, 4])}
    case = load(written({name: fields[role] for name, role in zip(names, MATRICES)}, "npz"))
    assert_is(case, fields)
    assert all(
        f"{role} is called {name}" in case.notes[0]
        for name, role in zip(names, MATRICES)
        if name != role
    )


def test_names_as_told(written, monkeypatch):
    fields = {"a": np.eye(3), **arrays(), "b": arrays()["W_q"]}
    path = written({"inputs": fields.pop("X"), **fields, "Wq": np.eye(4)}, "npz")
    assert_array_equal(load(path, names="W_q=Wq, W_k=b").W_q, np.eye(4))
    monkeypatch.setenv("NAMES", "W_q=Wq")
    case = load(path)
    assert_array_equal(case.W_q, np.eye(4))
    assert "Not used: a, W_q, b." in case.notes


@pytest.mark.parametrize(
    "form, side, changed",
    [
        ("one d x D matrix per head", "left", lambda W: W.reshape(2, 2, 4)),
        ("one D x d matrix per head", "right", lambda W: W.reshape(2, 2, 4).swapaxes(1, 2)),
        ("length 1", "left", lambda W: W[None]),
    ],
)
def test_heads_apart_and_batches_of_one(written, form, side, changed):
    fields = arrays()
    for kind in ("npz", "json"):
        told = {"X": [fields["X"]], **{name: changed(fields[name]) for name in MATRICES[1:4]}}
        if kind == "json":
            told = {name: np.array(array).tolist() for name, array in told.items()}
        case = load(written(told, kind))
        assert_is(case, fields)
        assert case.heads == (1, 2) and case.from_right == (side == "right")
        assert any(form in note for note in case.notes)


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
    path = written({"X": X, "W_qkv": stack(*W)}, "npz")
    case = load(path, side="right" if stack(*W).ndim == 3 and side == "right" else None)
    assert_is(case, fields)
    one_more = {"X": X, "W_q": np.eye(4), "W_qkv": stack(*W)}  # not all three: the stack counts
    assert_is(load(written(one_more, "npz"), side=side), fields)
    assert case.from_right == (side == "right")


def test_inputs_in_columns_are_transposed_where_the_shapes_say_so(written):
    case = load(written(arrays() | {"X": arrays()["X"].T}, "npz"))
    assert_is(case, numbers())
    assert any("one input per column" in note for note in case.notes)


# Files that are refused: one message, with the path, the key, both shapes and what to type


def with_entry(entry):
    fields = numbers()
    fields["W_k"][2][1] = entry
    return fields


def without(*names):
    return {name: rows for name, rows in numbers().items() if name not in names}


BAD_JSON = {
    "nothing in it": ("", "JSON"),
    "a comma too many": ('{\n"X": [[1, 2],\n[3, 4],]\n}', "JSON.*line 3"),
    "not text": (b"\xff\xfe\x00", "JSON.*0xff"),
    "too deep": ('{"X": ' + "[" * 100_000, "JSON.*(recursion|Stack overflow)"),
    "rather deep": ('{"X": ' + "[" * 500 + "]" * 500 + "}", "W_q, W_k, W_v"),
    "deep": (numbers() | {"X": [[[[[[1]]]]]]}, "X.*4"),
    "a number of 5000 digits": ('{"X": [[' + "9" * 5000 + "]]}", "JSON.*4300"),
    "a list": ([["X", 1]], "list"),
    "a number": ("3.5", "float"),
    "an empty object": ({}, "X, W_q, W_k, W_v .*nothing.*NAMES="),
    "two missing": (without("W_q", "W_v"), 'W_q, W_v .*X, W_k.*NAMES="W_q=... W_v=..."'),
    "two names for one": (without("W_q") | {"Wq": 1, "WQ": 2}, 'W_q .*Wq and WQ.*NAMES="W_q=Wq"'),
    "a key twice": ('{"X": [[1]], "W_q": [[1]], "X": [[2]]}', "X .*twice"),
    "from_right a word": (numbers() | {"from_right": "yes"}, "from_right .*'yes'"),
    "from_right a number": (numbers() | {"from_right": 1}, "from_right .*1"),
    "biases": (numbers() | {"b_q": [1, 2, 3, 4]}, "b_q .*biases"),
    "X a number": (numbers() | {"X": 3}, "X .*single"),
    "X a vector": (numbers() | {"X": [1, 2, 3]}, "X .*3"),
    "X null": (numbers() | {"X": None}, "X .*None"),
    "X an object": (numbers() | {"X": {"a": [1]}}, r"X\[0\]\[0\] .*'a'"),
    "X without rows": (numbers() | {"X": []}, "X .*got 0"),
    "X without columns": (numbers() | {"X": [[], []]}, "X .*2 x 0"),
    "too many rows": (numbers(N=1025), "X .*1024.*got 1025 x 4"),
    "a batch": (numbers() | {"X": [numbers()["X"]] * 2}, "X .*2 x 3 x 4"),
    "a row too short": (numbers() | {"W_v": [[1, 2], [1, 2], [1]]}, r"W_v\[2\] .*2.*got 1"),
    "a row too few": (numbers() | {"W_q": numbers()["X"]}, r"W_q .*4 x 4.*3 x 4.*np\.savez"),
    "W_o too large": (numbers() | {"W_o": numbers(D=5)["W_q"]}, "W_o .*4 x 4.*5 x 5"),
    "a string": (with_entry("1.5"), r"W_k\[2\]\[1\] .*'1.5'"),
    "null": (with_entry(None), r"W_k\[2\]\[1\] .*None"),
    "true": (with_entry(True), r"W_k\[2\]\[1\] .*True"),
    "NaN": (with_entry(float("nan")), r"W_k\[2\]\[1\] .*nan"),
    "infinity": (with_entry(-float("inf")), r"W_k\[2\]\[1\] .*-inf"),
    "too large": (with_entry(10**400), "W_k .*10000"),
    "scores overflow": (numbers() | {"X": [[1e200] * 4] * 3}, "X, W_q and W_k .*row"),
    "outputs overflow": (numbers() | {"W_v": [[1e307] * 4] * 4, "X": [[9.0] * 4] * 3}, "outputs"),
    "W_q^T W_k overflows": (
        numbers() | {"X": [[0] * 4] * 2, "W_q": [[1e200] * 4] * 4, "W_k": [[1e200] * 4] * 4},
        "W_q.T W_k",
    ),
    "H not a divisor": (numbers() | {"H": 3}, "heads .*4.*3"),
    "one of the heads not a divisor": (numbers() | {"heads": [1, 2, 8]}, "heads .*4.*8"),
    **{
        f"heads {heads}": (numbers() | {"heads": heads}, f"heads .*{re.escape(repr(shown))}")
        for heads, shown in [
            (1.5, 1.5),
            ([0], 0),
            (-2, -2),
            (True, True),
            ("3", "3"),
            (float("nan"), float("nan")),
            (float("inf"), float("inf")),
            ([None], None),
            ([[1]], [1]),
        ]
    },
}
BAD_NPZ = {
    "not a zip file": (b"no zip", "zip"),
    "one array, as np.save writes it": (b"\x93NUMPY\x01\x00" + 200 * b" ", "zip"),
    "a pickle": (pickle.dumps({"X": 1}), "zip"),
    "objects": (arrays() | {"X": np.array([[1, None]], dtype=object)}, "X .*objects"),
    "None for W_o": (arrays() | {"W_o": np.array(None)}, "W_o .*None"),
    "unnamed arrays": ({"arr_0": np.eye(2)}, r"X, W_q, W_k, W_v .*arr_0 \(2 x 2\)"),
    "complex": (arrays() | {"W_q": np.eye(4) + 1j}, "W_q .*complex"),
    "strings": (arrays() | {"W_q": np.full((4, 4), "a")}, "W_q .*text"),
    "booleans": (arrays() | {"W_q": np.eye(4) > 0}, "W_q .*bool"),
    "bfloat16": (arrays() | {"W_q": np.zeros((4, 4), "V2")}, "W_q .*bfloat16.*astype"),
    "NaN": (arrays() | {"W_o": np.diag([1, 2, np.nan, 4])}, r"W_o\[2\]\[2\] .*nan"),
    "beyond double": (arrays() | {"X": np.full((3, 4), np.longdouble("1e4000"))}, r"X\[0\]\[0\] "),
    "empty": (arrays() | {"X": np.ones((0, 4))}, "X .*0 x 4"),
    "heads here, not there": (arrays() | {"W_k": np.ones((2, 2, 4))}, "W_k .*4 x 4.*2 x 2 x 4"),
    "a stack too short": ({"X": np.ones((3, 4)), "W_qkv": np.ones((8, 4))}, "W_qkv .*12 x 4.*8 x"),
    "a stack of one": ({"X": np.ones((3, 4)), "W_qkv": np.eye(4)}, "W_qkv .*12 x 4.*4 x 4"),
    "heads a string": (arrays() | {"heads": "3"}, "heads .*'3'"),
}


def refused(path, pattern, **told):
    with pytest.raises(CaseError) as caught:
        load(path, **told)
    assert caught.value.__suppress_context__ and caught.value.in_the_input
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and len(message) < 600 and "\n" not in message[:80]
    assert re.search(pattern, message.removeprefix(f"{path}: "), re.DOTALL), message


@pytest.mark.parametrize("fields, pattern", list(BAD_JSON.values()), ids=BAD_JSON)
def test_a_bad_json_file(written, fields, pattern):
    refused(written(fields), pattern)


@pytest.mark.parametrize("fields, pattern", list(BAD_NPZ.values()), ids=BAD_NPZ)
def test_a_bad_npz_file(written, fields, pattern):
    refused(written(fields, "npz"), pattern)


@pytest.mark.parametrize(
    "told, pattern",
    [
        (dict(names="X"), "NAMES .*'X'"),
        (dict(names="X=Y"), "NAMES .*X=Y.*W_q"),
        (dict(names="Z=X"), "NAMES .*Z=X"),
        (dict(side="up"), "SIDE .*'up'"),
    ],
)
def test_bad_settings(written, told, pattern):
    refused(written(numbers()), pattern, **told)


def test_contradictions_are_refused(written):
    refused(written(numbers() | {"from_right": True}), "SIDE=left", side="left")
    per_head = arrays() | {name: arrays()[name].reshape(2, 2, 4) for name in MATRICES[1:4]}
    refused(written(per_head, "npz"), "right.*left", side="right")


@pytest.mark.parametrize(
    "name, pattern",
    [
        ("gone.json", "nothing"),
        ("case.yaml", r"\.npz.*\.yaml"),
        ("case", r"\.npz"),
        ("d.json", "folder"),
    ],
)
def test_a_bad_path(tmp_path, name, pattern):
    (tmp_path / "d.json").mkdir()
    if name.startswith("case"):
        (tmp_path / name).touch()
    refused(tmp_path / name, pattern)


def test_damaged_npz_files(written):
    whole = written(arrays(), "npz").read_bytes()
    refused(written(whole[:-30], "npz"), "zip")
    refused(written(whole.replace(b"NUMPY", b"NUMPA", 1), "npz"), "CRC|magic")
    refused(written(whole.replace(b"(3, 4)", b"(9, 4)"), "npz"), "reshape|CRC")


def test_a_file_of_another_kind_inside_is_no_array(written):
    path = written(arrays(), "npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "hello")
    assert any("readme.txt" in note for note in load(path).notes)


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
    return json.dumps(
        {
            "nbformat": 4,
            "cells": [{"cell_type": "markdown", "source": ["X"]}]
            + [{"cell_type": "code", "source": source.splitlines(True)} for source in sources],
        }
    )


GIVEN = (
    "%matplotlib inline\nimport numpy as np\nimport not_installed_here as missing",
    "np.random.seed(1)\ninputs = np.random.normal(size=(5, 6))\nH = 2",
    "Wq, Wk, Wv = np.random.normal(size=(3, 6, 6))",
    "inputs = inputs[::-1]\n1 / 0",
)


def test_a_notebook_is_run_until_the_arrays_are_there(written):
    case = load(written(notebook(*GIVEN), "ipynb"), side="left")
    rng = np.random.RandomState(1)
    X, W = rng.normal(size=(5, 6)), rng.normal(size=(3, 6, 6))
    assert_is(case, dict(X=X, W_q=W[0], W_k=W[1], W_v=W[2], W_o=np.eye(6)))
    assert case.heads == (1, 2) and case.source == "my case.ipynb"
    notes = " ".join(case.notes)
    assert "cell 3 of 4" in notes and "not_installed_here" in notes and "W_q is called Wq" in notes


def test_threads_of_a_notebook_are_not_waited_for(written, monkeypatch):
    ends = []

    def kill(process):
        ends.append(process.poll())
        process.kill()

    monkeypatch.setattr(notebooks, "_kill", kill)
    monkeypatch.setattr(notebooks, "TIME_LIMIT", 20)
    source = (
        "import threading, numpy as np\nX = W_q = W_k = W_v = np.eye(2)\n"
        "threading.Thread(target=threading.Event().wait).start()"
    )
    load(written(notebook(source), "ipynb"), side="left")
    assert ends == [0, 0]


def test_another_variant_of_a_name_is_mentioned(written):
    source = "import numpy as np\nX = np.eye(2)\nWq = 2 * X\nW_q = Wk = Wv = X\nh = 1\nH = 5"
    case = load(written(notebook(source), "ipynb"), side="left")
    assert_array_equal(case.W_q, np.eye(2))
    assert "Not used: Wq." in case.notes and any("H = 5" in note for note in case.notes)
    assert case.heads == (1, 2)  # neither h, an index, nor a number that does not divide D


def test_a_notebook_is_asked_which_side_its_weights_stand_on(written):
    path = written(notebook(*GIVEN), "ipynb")
    refused(path, f"SIDE=left.*SIDE=right.*make pdf CASE='{re.escape(str(path))}'")
    assert_array_equal(load(path, side="right").W_q, load(path, side="left").W_q.T)


def test_a_python_file_is_cut_at_blank_lines_or_cells(written):
    begin = "import numpy as np\nX = np.ones((2, 3))\nX[0] = 2\n\n\nif True:\n    y = 1\n\n"
    weights = "W_q = W_k = W_v = np.eye(3)\nW_o = 2 * W_q\n"
    assert load(written(begin + weights + "\nX[:] = 7\n1 / 0\n", "py"), side="left").W_o[0, 0] == 2
    path = written(begin + "# %% weights\n" + weights + "\nX[:] = 7\n# %%\n1 / 0\n", "py")
    assert_array_equal(load(path, side="left").X, np.full((2, 3), 7))


def test_a_notebook_sees_its_folder_and_modules_of_any_name(written, tmp_path):
    """What it opens there is opened by the build's own process, too, which takes note of it."""
    (tmp_path / "solutions.py").write_text("import numpy as np\nW = np.eye(2)\n")
    np.save(tmp_path / "X.npy", np.ones((2, 2)))
    source = (
        "import numpy as np\nfrom solutions import W\nprint('loud', flush=True)\n"
        "X = np.load('X.npy')\nWq = Wk = Wv = W"
    )
    opened, on = set(), [True]
    sys.addaudithook(
        lambda event, arguments: on and event == "open" and opened.add(str(arguments[0]))
    )
    path = written(notebook("%%writefile other.py\n1 / 0", "%%time\n" + source), "ipynb")
    assert_array_equal(load(path, side="left").X, np.ones((2, 2)))
    on.clear()
    assert {str(tmp_path / name) for name in ("solutions.py", "X.npy", "my case.ipynb")} <= opened
    assert not any("/report" in name or "npz" in name for name in opened)


X_ONLY = "import numpy as np\nX = np.ones((2, 2))"
W_TOO = "W_q = W_k = W_v = np.eye(2)"


@pytest.mark.parametrize(
    "sources, pattern",
    [
        ([X_ONLY, "nowhere + 1"], r"cell 2 of 2.*NameError.*nowhere.*W_q, W_k, W_v .*X \(2 x 2\)"),
        ([X_ONLY, "exit()"], "cell 2 of 2.*SystemExit"),
        ([X_ONLY, "import os; os.abort()"], "cell 2 of 2.*-6"),
        ([X_ONLY, "while True: pass"], "cell 2 of 2.* 3 s"),
        ([X_ONLY, "W_q = # your code"], "W_q, W_k, W_v .*cell 2 of 2 is not Python"),
        ([X_ONLY + "\nX = np.ma.masked_array(X, X > 2)", W_TOO], "X .*masked"),
        ([X_ONLY + "\nX = np.random.rand(2, 2)", W_TOO], "X .*seed"),
        ([X_ONLY, "W_q = W_k = W_v = np.eye(3)"], "W_q .*2 x 2.*3 x 3"),
        ([], "X, W_q, W_k and W_v"),
        ("[1]", "notebook"),
        ("{", "notebook"),
    ],
)
def test_a_notebook_that_does_not_give_the_arrays(written, sources, pattern, monkeypatch):
    monkeypatch.setattr(notebooks, "TIME_LIMIT", 3)
    text = sources if isinstance(sources, str) else notebook(*sources)
    refused(written(text, "ipynb"), pattern, side="left")


def test_nothing_that_a_notebook_starts_outlives_it(written, tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "TIME_LIMIT", 3)
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


# Comparing


@pytest.mark.parametrize("size", [1e-300, 1e-13, 1.0, 1e8, 1e300])
def test_comparable_is_relative(size):
    a = size * np.array([[1.0, -0.5], [1e-9, 0]])
    assert comparable(a, a * (1 + 4e-16)) and comparable(a, a + 4e-16 * size)
    assert not comparable(a, a * (1 + 1e-12)) and not comparable(a, -a) and not comparable(a, 0 * a)
    assert comparable(a, a + 1e-10 * size, scale=1e5 * size)


def test_comparable_at_the_edges():
    assert comparable(np.zeros(3), np.zeros(3)) and comparable([], [])
    assert not comparable([0.0], [1e-300]) and comparable([5e-324], [1e-323])
    assert not comparable([np.nan], [np.nan]) and not comparable([np.inf], [1.0])
    assert not comparable([1.7e308], [-1.7e308])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        comparable(np.ones(2), np.ones(3))


# Whatever is in the file: a case, or a CaseError

NAMES = st.sampled_from(
    [
        "X",
        "x",
        "inputs",
        "W_q",
        "Wq",
        "W_k",
        "W_v",
        "W_o",
        "W_qkv",
        "heads",
        "H",
        "from_right",
        "b_q",
        "é",
        "",
    ]
)
SIDES = st.sampled_from(["", "left", "right"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
MATRIX = st.integers(1, 3).flatmap(
    lambda D: st.lists(
        st.lists(st.integers(-9, 9) | st.floats(), min_size=D, max_size=D), min_size=1, max_size=4
    )
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=12,
)
DTYPES = st.sampled_from(["f8", "f4", "f2", ">f8", "i4", "u1", "?", "c16", "U2", "M8[s]", "g"])
ARRAY = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)


def a_case_or_its_refusal(path, **told):
    try:
        assert isinstance(load(path, **told), Case)
    except CaseError as error:
        assert str(error).startswith(f"{path}: ") and len(str(error)) > len(str(path)) + 2


@given(st.dictionaries(NAMES, MATRIX | ANY, max_size=7) | ANY, SIDES)
def test_fuzz_json(tmp_path_factory, value, side):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    a_case_or_its_refusal(path, side=side)


@given(
    st.dictionaries(NAMES.filter(bool), ARRAY, max_size=7), SIDES, st.text("XW_q= ,x", max_size=9)
)
def test_fuzz_arrays(tmp_path_factory, found, side, names):
    path = tmp_path_factory.getbasetemp() / "any.npz"
    np.savez(path, **found)
    a_case_or_its_refusal(path, side=side, names=names)


VALID = io.BytesIO()
np.savez(VALID, **arrays())


@given(
    st.sampled_from(["npz", "json", "ipynb"]),
    st.integers(0, 5000),
    st.binary(max_size=6),
    st.integers(0, 6),
)
def test_fuzz_damaged_files(tmp_path_factory, kind, at, inserted, dropped):
    whole = {
        "npz": VALID.getvalue(),
        "json": json.dumps(numbers()).encode(),
        "ipynb": notebook("X = 1", "Y = 2").encode(),
    }[kind]
    at %= len(whole)
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(whole[:at] + inserted + whole[at + dropped :])
    if kind == "ipynb":  # without running it
        with contextlib.suppress(CaseError):
            assert all(isinstance(source, str) for _, source in notebooks.cells(path))
    else:
        a_case_or_its_refusal(path)


@given(st.dictionaries(NAMES, ARRAY | SCALARS, max_size=7), SIDES)
def test_fuzz_values_in_a_notebook(found, side):
    try:
        fields, notes = exports.arrange(notebooks._candidates(found), {}, side or None, None)
        cases.Case(**fields, notes=notes)
    except CaseError as error:
        assert str(error)
