"""The case: the stand-in is what it says, files are read in every form, and a bad one gets one clear message."""

import json
import pickle
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from solutions import cases
from solutions.cases import Case, CaseError, digest, load, stand_in

MATRICES = ("X", "W_q", "W_k", "W_v", "W_o")


def numbers(N=3, D=4):
    """A case that no exchange or transpose leaves as it is."""
    return {name: (np.arange(rows * D).reshape(rows, D) + start).tolist()
            for name, rows, start in [("X", N, 0.5), ("W_q", D, 100), ("W_k", D, 200), ("W_v", D, 300)]}


@pytest.fixture
def written(tmp_path):
    """written(fields) is the path of a JSON file, written(fields, "npz") of an .npz file; a str is written as it stands."""
    def write(fields, kind="json"):
        path = tmp_path / f"my case.{kind}"
        if isinstance(fields, (str, bytes)):
            path.write_bytes(fields.encode() if isinstance(fields, str) else fields)
        elif kind == "json":
            path.write_text(json.dumps(fields))
        else:
            np.savez(path, **fields)
        return path
    return write


# The stand-in

def test_the_stand_in_is_the_draw_it_says_it_is():
    rng = np.random.default_rng(2024)
    case = stand_in()
    for name, shape in dict(X=(5, 6), W_q=(6, 6), W_k=(6, 6), W_v=(6, 6)).items():
        assert_array_equal(getattr(case, name), np.round(rng.standard_normal(shape), 2))
    assert_array_equal(case.W_o, np.eye(6))
    assert case.heads == (1, 3) and case.is_stand_in and case.source == "stand_in.json"


def test_the_stand_in_is_written_one_row_to_a_line():
    lines = cases.STAND_IN.read_text().splitlines()
    case = stand_in()
    rows = [row for name in MATRICES[:4] for row in getattr(case, name)]
    written = [json.loads(line.rstrip(",")) for line in lines if line.startswith("  [")]
    assert_array_equal(written, rows)
    assert len(written) == 5 + 3 * 6


def test_a_file_is_not_the_stand_in(written):
    case = load(written(numbers()))
    assert case.is_stand_in is False and case.source == "my case.json"


# Reading

@pytest.mark.parametrize("kind", ["json", "npz"])
def test_what_is_in_the_file_is_in_the_case(written, kind):
    fields = numbers() | {"W_o": numbers(4)["X"], "heads": [4, 2]}
    case = load(written(fields, kind))
    for name in MATRICES:
        array = getattr(case, name)
        assert_array_equal(array, fields[name])
        assert array.dtype == np.float64
    assert case.heads == (1, 4, 2)
    assert all(type(H) is int for H in case.heads)


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_matrices_that_multiply_from_the_right_are_transposed(written, kind):
    fields = numbers() | {"W_o": numbers(4)["X"], "H": 2}
    case = load(written(fields | {"from_right": True}, kind))
    assert_array_equal(case.X, fields["X"])
    for name in MATRICES[1:]:
        assert_array_equal(getattr(case, name), np.transpose(fields[name]))
    assert case.heads == (1, 2) and case.source == f"my case.{kind}" and case.from_right
    assert_array_equal(load(written(fields | {"from_right": False}, kind)).W_q, fields["W_q"])


def test_integers_and_single_precision_become_float64(written):
    types = [np.float32, int, np.uint8, np.float16]
    fields = {name: np.array(rows, dtype) for (name, rows), dtype in zip(numbers().items(), types)}
    case = load(written(fields, "npz"))
    assert_array_equal(case.W_q, numbers()["W_q"])
    assert case.W_q.dtype == case.X.dtype == np.float64


@pytest.mark.parametrize("arrays", ["lists", "arrays"])
def test_the_arrays_cannot_be_written_to_and_are_the_case_s_own(arrays):
    fields = numbers() if arrays == "lists" else {name: np.array(rows) for name, rows in numbers().items()}
    case = Case(**fields)
    for name in MATRICES:
        with pytest.raises(ValueError, match="read-only"):
            getattr(case, name)[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        case.X = 1
    fields["X"][0][0] = 77
    assert case.X[0, 0] == 0.5


def test_without_a_file_name_a_case_has_no_source():
    case = Case(**numbers())
    assert case.source == "" and case.is_stand_in is False


@pytest.mark.parametrize("D, heads", [(1, (1,)), (2, (1, 2)), (3, (1, 3)), (4, (1, 2)), (5, (1, 5)), (6, (1, 3)), (7, (1, 7)),
                                      (9, (1, 3)), (10, (1, 2)), (25, (1, 5)), (35, (1, 5))])
def test_heads_if_none_are_given(D, heads):
    assert Case(**numbers(2, D)).heads == heads


@pytest.mark.parametrize("given, heads", [(3, (1, 3)), (1, (1,)), ([], (1,)), ([1], (1,)), ([3, 1], (1, 3)),
                                          ([6, 2, 6], (1, 6, 2)), ((2, 3), (1, 2, 3)), (3.0, (1, 3)), (None, (1, 3))])
def test_heads_start_with_one_and_none_comes_twice(given, heads):
    assert Case(**numbers(2, 6), heads=given).heads == heads


def test_one_column_is_enough(written):
    case = load(written({"X": [[1], [2]], "W_q": [[3]], "W_k": [[4]], "W_v": [[5]]}))
    assert case.heads == (1,) and case.X.shape == (2, 1)


def test_the_largest_number_is_finite():
    largest = np.finfo(float).max
    assert Case(**numbers() | {"X": [[largest, -largest, 0, 1]] * 2}).X[0, 0] == largest


def test_a_byte_order_mark_does_no_harm(written):
    assert load(written(b"\xef\xbb\xbf" + json.dumps(numbers()).encode())).X.shape == (3, 4)


def test_a_path_may_be_a_string(written):
    assert load(str(written(numbers()))).X.shape == (3, 4)


# The digest

def test_the_digest_is_that_of_the_numbers(written):
    fields = numbers()
    one = digest(load(written(fields)))
    assert re.fullmatch("[0-9a-f]{12}", one)
    assert one == digest(load(written(fields, "npz"))) == digest(Case(**fields, heads=[1, 2], W_o=np.eye(4), source="elsewhere"))
    transposed = fields | {name: np.transpose(fields[name]).tolist() for name in MATRICES[1:4]}
    assert one == digest(load(written(transposed | {"from_right": True})))
    assert digest(stand_in()) == "e62e731d2c02"


def test_the_digest_tells_cases_apart():
    fields = numbers() | {"W_o": np.eye(4).tolist(), "heads": [1, 2]}
    others = [fields, fields | {"heads": [1, 4]}, fields | {"W_q": fields["W_k"], "W_k": fields["W_q"]}]
    for name in MATRICES:
        changed = np.array(fields[name], dtype=float)
        changed[-1, -1] = np.nextafter(changed[-1, -1], 1e9)
        others.append(fields | {name: changed})
    assert len({digest(Case(**other)) for other in others}) == len(others)


def test_minus_zero_is_zero():
    fields = numbers()
    assert digest(Case(**fields | {"X": [[0.0] * 4] * 2})) == digest(Case(**fields | {"X": [[-0.0] * 4] * 2}))


# Bad files: one message, with the file's name in front

def with_entry(entry):
    fields = numbers()
    fields["W_k"][2][1] = entry
    return fields


def without(*names):
    return {name: rows for name, rows in numbers().items() if name not in names}


DEEP = '{"X": ' + "[" * 100_000
BAD_JSON = {
    "nothing in it": ("", "not readable as JSON: Expecting value: line 1 column 1 (char 0)"),
    "a comma too many": ('{\n"X": [[1, 2],\n[3, 4],]\n}', "not readable as JSON: *: line 3 column * (char *)"),
    "not text": (b"\xff\xfe\x00", "not readable as JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    "too deep": (DEEP, "not readable as JSON: maximum recursion depth exceeded*"),
    "a number of 5000 digits": ('{"X": [[' + "9" * 5000 + "]]}", "not readable as JSON: Exceeds the limit (4300 digits)*"),
    "a list": ([[1, 2], [3, 4]], "the file holds a list, an object with X, W_q, W_k, W_v is needed"),
    "a list of pairs": ([["X", 1]], "the file holds a list, an object with X, W_q, W_k, W_v is needed"),
    "a number": ("3.5", "the file holds a float, an object with X, W_q, W_k, W_v is needed"),
    "an empty object": ({}, "X, W_q, W_k, W_v missing; the file has nothing"),
    "two missing": (without("W_q", "W_v"), "W_q, W_v missing; the file has X, W_k"),
    "a key misspelt": (without("W_q") | {"Wq": [[1]]}, "the key Wq is unknown; is it W_q?"),
    "a key in capitals": (without("W_q") | {"W_Q": [[1]]}, "the key W_Q is unknown; is it W_q?"),
    "a key too many": (numbers() | {"bias": 0}, "the key bias is unknown; known are X, W_q, W_k, W_v, W_o, heads, H, from_right"),
    "a key twice": ('{"X": [[1]], "W_q": [[1]], "X": [[2]]}', "X is given 2 times"),
    "heads and H": (numbers() | {"heads": [1, 2], "H": 2}, "heads and H are both given, one of them is needed"),
    "from_right a word": (numbers() | {"from_right": "yes"}, "from_right is 'yes', true or false is needed"),
    "from_right a number": (numbers() | {"from_right": 1}, "from_right is 1, true or false is needed"),
    "X a number": (numbers() | {"X": 3}, "X is empty or not a list of rows"),
    "X a vector": (numbers() | {"X": [1, 2, 3]}, "X is empty or not a list of rows"),
    "X null": (numbers() | {"X": None}, "X is empty or not a list of rows"),
    "X an object": (numbers() | {"X": {"a": [1]}}, "X is empty or not a list of rows"),
    "X without rows": (numbers() | {"X": []}, "X is empty or not a list of rows"),
    "X without columns": (numbers() | {"X": [[], []]}, "X is empty or not a list of rows"),
    "X a stack": (numbers() | {"X": [[[1.0]]]}, "X has 3 axes, 2 are needed"),
    "a row too short": (numbers() | {"W_v": [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3]]}, "W_v, row 3 has 3 numbers, row 1 has 4"),
    "a row too long": (numbers() | {"X": [[1, 2, 3], [1, 2, 3, 4]]}, "X, row 2 has 4 numbers, row 1 has 3"),
    "a row too few": (numbers() | {"W_q": numbers()["X"]}, "W_q is 3 x 4, but X has 4 columns: 4 x 4 is needed"),
    "too narrow, from the right": (numbers() | {"W_v": [[1, 2]] * 4, "from_right": True},
                                   "W_v is 4 x 2, but X has 4 columns: 4 x 4 is needed"),
    "W_o too large": (numbers() | {"W_o": numbers(D=5)["W_q"]}, "W_o is 5 x 5, but X has 4 columns: 4 x 4 is needed"),
    "a string": (with_entry("1.5"), 'W_k, row 3, column 2 is "1.5", a finite number is needed'),
    "null": (with_entry(None), "W_k, row 3, column 2 is null, a finite number is needed"),
    "true": (with_entry(True), "W_k, row 3, column 2 is true, a finite number is needed"),
    "NaN": (with_entry(float("nan")), "W_k, row 3, column 2 is NaN, a finite number is needed"),
    "infinity": (with_entry(-float("inf")), "W_k, row 3, column 2 is -Infinity, a finite number is needed"),
    "too large": (with_entry(10 ** 400), "W_k, row 3, column 2 is 10000000000000000000, a finite number is needed"),
    "H not a divisor": (numbers() | {"H": 3}, "H = 3 does not divide D = 4"),
    "one of the heads not a divisor": (numbers() | {"heads": [1, 2, 8]}, "H = 8 does not divide D = 4"),
    "half a head": (numbers() | {"H": 1.5}, "H is 1.5, a whole number of at least 1 is needed"),
    "no head": (numbers() | {"heads": [0]}, "H is 0, a whole number of at least 1 is needed"),
    "less than no head": (numbers() | {"H": -2}, "H is -2, a whole number of at least 1 is needed"),
    "H true": (numbers() | {"H": True}, "H is True, a whole number of at least 1 is needed"),
    "H a word": (numbers() | {"H": "two"}, "H is two, a whole number of at least 1 is needed"),
    "H NaN": (numbers() | {"H": float("nan")}, "H is nan, a whole number of at least 1 is needed"),
    "H infinite": (numbers() | {"H": float("inf")}, "H is inf, a whole number of at least 1 is needed"),
    "H null in a list": (numbers() | {"heads": [None]}, "H is None, a whole number of at least 1 is needed"),
}
BAD_NPZ = {
    "not a zip file": (b"no zip", "not readable as NPZ: File is not a zip file"),
    "one array, as np.save writes it": (b"\x93NUMPY\x01\x00" + 200 * b" ", "not readable as NPZ: File is not a zip file"),
    "a pickle": (pickle.dumps({"X": 1}), "not readable as NPZ: File is not a zip file"),
    "nothing in it": (b"", "not readable as NPZ: File is not a zip file"),
    "objects": (numbers() | {"X": np.array([[1, None], [2, 3]], dtype=object)},
                "not readable as NPZ: Object arrays cannot be loaded when allow_pickle=False"),
    "missing": ({"X": np.eye(2), "W_k": np.eye(2)}, "W_q, W_v missing; the file has X, W_k"),
    "unnamed arrays": ({"arr_0": np.eye(2)}, "the key arr_0 is unknown; known are X, W_q, W_k, W_v, W_o, heads, H, from_right"),
    "complex": (numbers() | {"W_q": np.eye(4) + 1j}, 'W_q, row 1, column 1 is "(1+1j)", a finite number is needed'),
    "strings": (numbers() | {"W_q": np.full((4, 4), "a")}, 'W_q, row 1, column 1 is "a", a finite number is needed'),
    "booleans": (numbers() | {"W_q": np.eye(4) > 0}, "W_q, row 1, column 1 is true, a finite number is needed"),
    "NaN": (numbers() | {"W_o": np.diag([1, 2, np.nan, 4])}, "W_o, row 3, column 3 is NaN, a finite number is needed"),
    "a vector": (numbers() | {"X": np.ones(4)}, "X is empty or not a list of rows"),
    "empty": (numbers() | {"X": np.ones((0, 4))}, "X is empty or not a list of rows"),
    "H too large": (numbers() | {"H": np.int64(8)}, "H = 8 does not divide D = 4"),
}


def check_message(path, message):
    with pytest.raises(CaseError) as caught:
        load(path)
    pattern = ".+".join(re.escape(part) for part in f"{path}: {message}".split("*"))
    assert re.fullmatch(pattern, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("fields, message", list(BAD_JSON.values()), ids=BAD_JSON)
def test_a_bad_json_file(written, fields, message):
    check_message(written(fields), message)


@pytest.mark.parametrize("fields, message", list(BAD_NPZ.values()), ids=BAD_NPZ)
def test_a_bad_npz_file(written, fields, message):
    check_message(written(fields, "npz"), message)


def test_a_damaged_npz_file(written):
    whole = written(numbers(), "npz").read_bytes()
    check_message(written(whole[:-30], "npz"), "not readable as NPZ: File is not a zip file")
    check_message(written(whole.replace(b"NUMPY", b"NUMPA", 1), "npz"), "not readable as NPZ: *")


@pytest.mark.parametrize("name, message", [("gone.json", "not readable as JSON: No such file or directory"),
                                           ("gone.npz", "not readable as NPZ: No such file or directory"),
                                           ("case.yaml", "the name ends in .yaml, .json or .npz is needed"),
                                           ("case", "the name ends in nothing, .json or .npz is needed")])
def test_a_bad_name(tmp_path, name, message):
    check_message(tmp_path / name, message)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.json").mkdir()
    check_message(tmp_path / "folder.json", "not readable as JSON: Is a directory")


def test_a_case_error_is_a_value_error_without_a_second_traceback(written):
    with pytest.raises(ValueError) as caught:
        load(written({}))
    assert caught.value.__suppress_context__
