"""Computer assignment 1 (c): the numbers the attention functions are applied to, read from a file and checked.

    {"X": [[...], ...], "W_q": [[...], ...], "W_k": ..., "W_v": ..., "W_o": ..., "heads": [1, 3], "from_right": false}

X (N, D) and four matrices (D, D). W_o (the identity) and heads may be left out. from_right is true if the author of
the file computes Q = X W_q: the four are then transposed on reading. An .npz file has the same keys.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from sys import float_info

import numpy as np

WEIGHTS = ("W_q", "W_k", "W_v", "W_o")
NEEDED = ("X", "W_q", "W_k", "W_v")
KEYS = ("X", *WEIGHTS, "heads", "H", "from_right")
STAND_IN = Path(__file__).with_name("stand_in.json")


class CaseError(ValueError):
    """The numbers cannot be used; the message says why."""

    in_the_input = True  # the build shows the message and no traceback


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs X (N, D) and weights (D, D), read-only float64; the numbers of heads, 1 first. Raises: CaseError."""

    X: np.ndarray
    W_q: np.ndarray
    W_k: np.ndarray
    W_v: np.ndarray
    W_o: np.ndarray = None      # the identity, as on the sheet
    heads: tuple = None         # (1, 3), as on the sheet; where 3 does not divide D, its smallest prime factor
    source: str = ""            # the name of the file
    is_stand_in: bool = False
    from_right: bool = False    # the file has the transposes of the weights

    def __post_init__(self):
        X = _matrix("X", self.X)
        N, D = X.shape
        if N < 2:
            raise CaseError(f"X has {N} row, at least 2 are needed: the sheet swaps the first two inputs")
        W_o = np.eye(D) if self.W_o is None else self.W_o
        weights = {name: _matrix(name, W) for name, W in zip(WEIGHTS, (self.W_q, self.W_k, self.W_v, W_o))}
        for name, W in weights.items():
            if W.shape != (D, D):
                raise CaseError(f"{name} is {W.shape[0]} x {W.shape[1]}, but X has {D} columns: {D} x {D} is needed")
        for name, value in dict(X=X, **weights, heads=_heads(self.heads, D)).items():
            object.__setattr__(self, name, value)


def stand_in():
    """The case used when none is given: drawn once, rounded to two decimals, kept as numbers."""
    return replace(load(STAND_IN), is_stand_in=True)


def load(path):
    """The case in a .json or .npz file. Raises: CaseError, with the file's name in front."""
    path = Path(path)
    try:
        fields = _fields(_read(path))
        from_right = fields.pop("from_right", False)
        if not isinstance(from_right, bool):
            raise CaseError(f"from_right is {from_right!r}, true or false is needed")
        fields["heads"] = fields.pop("H", fields.get("heads"))
        case = Case(**fields, source=path.name)
        return replace(case, from_right=True, **{name: getattr(case, name).T for name in WEIGHTS}) if from_right else case
    except CaseError as error:
        raise CaseError(f"{path}: {error}") from None


def digest(case):
    """Twelve hexadecimal digits that depend on the numbers alone, not on the file they came from."""
    numbers = [(getattr(case, name) + 0.0).tolist() for name in ("X", *WEIGHTS)]  # + 0.0 turns -0.0 into 0.0
    return hashlib.sha256(repr([case.heads, numbers]).encode()).hexdigest()[:12]


def _read(path):
    """(key, value) pairs, each value a number or nested lists of Python numbers."""
    if path.suffix not in (".json", ".npz"):
        raise CaseError(f"the name ends in {path.suffix or 'nothing'}, .json or .npz is needed")
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text("utf-8-sig"), object_pairs_hook=tuple)  # as pairs, to see a key given twice
        with np.lib.npyio.NpzFile(path, allow_pickle=False) as file:
            # np.load would recognise a pickle, and advise to trust it
            return tuple((key, array.tolist()) for key, array in file.items())
    except Exception as error:  # a damaged file can fail anywhere in the reader
        raise CaseError(f"not readable as {path.suffix[1:].upper()}: {getattr(error, 'strerror', None) or error}") from None


def _fields(pairs):
    """The pairs as a dictionary that has all that is needed, and nothing twice or unknown."""
    if not isinstance(pairs, tuple):
        raise CaseError(f"the file holds a {type(pairs).__name__}, an object with {', '.join(NEEDED)} is needed")
    keys = [key for key, _ in pairs]
    for key in keys:
        if key not in KEYS:
            lower = {known.lower(): known for known in KEYS}
            close = get_close_matches(key.lower(), lower)
            hint = f"is it {lower[close[0]]}?" if close else f"known are {', '.join(KEYS)}"
            raise CaseError(f"the key {key} is unknown; {hint}")
        if keys.count(key) > 1:
            raise CaseError(f"{key} is given {keys.count(key)} times")
    if missing := [key for key in NEEDED if key not in keys]:
        raise CaseError(f"{', '.join(missing)} missing; the file has {', '.join(keys) or 'nothing'}")
    if "heads" in keys and "H" in keys:
        raise CaseError("heads and H are both given, one of them is needed")
    return dict(pairs)


def _matrix(name, rows):
    """The rows as a read-only float64 matrix; every entry must be a finite real number."""
    rows = rows.tolist() if isinstance(rows, np.ndarray) else rows
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows) or not rows or not rows[0]:
        raise CaseError(f"{name} is empty or not a list of rows")
    for i, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise CaseError(f"{name}, row {i} has {len(row)} numbers, row 1 has {len(rows[0])}")
        for j, entry in enumerate(row, 1):
            if isinstance(entry, list):
                raise CaseError(f"{name} has {_depth(rows)} axes, 2 are needed")
            if isinstance(entry, bool) or not isinstance(entry, (int, float)) or not abs(entry) <= float_info.max:  # NaN too
                shown = json.dumps(entry, default=str)[:20]
                raise CaseError(f"{name}, row {i}, column {j} is {shown}, a finite number is needed")
    matrix = np.array(rows, dtype=np.float64)
    matrix.setflags(write=False)
    return matrix


def _depth(rows):
    return 1 + (_depth(rows[0]) if rows else 0) if isinstance(rows, list) else 0


def _heads(heads, D):
    """The numbers of heads: 1 first, none twice, each a divisor of D."""
    if heads is None:
        heads = 3 if D % 3 == 0 else next((p for p in range(2, D + 1) if D % p == 0), 1)
    heads = [1, *heads] if isinstance(heads, (list, tuple)) else [1, heads]
    for H in heads:
        if not isinstance(H, (int, float)) or isinstance(H, bool) or H < 1 or H % 1:
            raise CaseError(f"H is {H}, a whole number of at least 1 is needed")
        if D % H:
            raise CaseError(f"H = {H} does not divide D = {D}")
    return tuple(dict.fromkeys(map(int, heads)))
