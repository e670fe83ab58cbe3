"""The arrays of Computer assignment 1, found among what a file or a notebook holds.

Names are taken by variants, shapes decide what they can, and everything that was decided is
written down as a sentence. What stays open is asked for: a CaseError with the line to type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from sys import float_info

import numpy as np

WEIGHTS = ("W_q", "W_k", "W_v", "W_o")
ROLES = ("X", *WEIGHTS, "W_qkv", "heads", "from_right")
SAVE = 'np.savez("case.npz", X=X, W_q=W_q, W_k=W_k, W_v=W_v)'
MOST = 1024  # inputs or dimensions: a document cannot show more

VARIANTS = {"x": "X", "input": "X", "inputs": "X", "fromright": "from_right",
            "wqkv": "W_qkv", "inprojweight": "W_qkv", "wo": "W_o", "wout": "W_o",
            "outprojweight": "W_o", **dict.fromkeys(("h", "heads", "nheads", "numheads"), "heads")}
BIASES = {"inprojbias", "outprojbias", "bo", "biaso"}
for _letter, _word in (("q", "query"), ("k", "key"), ("v", "value"), ("o", "output")):
    for _variant in (f"w{_letter}", f"w{_word}", f"{_word}weight", f"{_word}weights",
                     f"{_letter}weights", f"weights{_letter}", f"{_letter}projweight"):
        VARIANTS[_variant] = f"W_{_letter}"
    BIASES |= {f"b{_letter}", f"bias{_letter}", f"{_word}bias", f"{_letter}projbias"}


class CaseError(ValueError):
    """The numbers cannot be used; the message says why and what to do."""

    is_user_error = True  # the build shows the message without a traceback
    in_the_input = True


class SideUnknown(CaseError):
    """All arrays are there, but nothing tells on which side the weights multiply."""


@dataclass(frozen=True)
class Unusable:
    """Stands for a value that was not read; needed, it is an error for this reason."""

    reason: str


def arrange(found: Mapping[str, object], names: Mapping[str, str], side: str | None,
            default_side: str | None) -> tuple[dict, tuple[str, ...]]:
    """The fields of a Case and the sentences that say what was taken.

    found: what the file or notebook holds, by name; names: {role: name}, as told; side: "left"
    for q = W x, "right" for q = x W, None if not told; default_side: what None then means where
    the shapes leave it open (None: ask). Raises: CaseError, SideUnknown.
    """
    taken = resolve(found, names)
    notes = _naming_notes(found, taken, is_file=default_side is not None)
    heads = found[taken["heads"]] if "heads" in taken else None
    side = _told_side(found, taken, side)
    arrays = {}
    for role, name in taken.items():
        if role not in ("heads", "from_right") and not (role == "W_o" and found[name] is None):
            arrays[role] = _without_batch(name, numbers(name, found[name], notes), notes)
    _refuse_biases(found, notes)
    W_o = arrays.pop("W_o", None)
    X, weights, shape_side, n_heads = _read_shapes(arrays, taken, side, notes)
    if shape_side and side and shape_side != side:
        raise CaseError(f"the weights must multiply from the {side} (as told), "
                        f"but their shapes say from the {shape_side}")
    side = shape_side or side or default_side
    D = X.shape[1]
    if W_o is not None and W_o.shape != (D, D):
        raise CaseError(f"{taken['W_o']} must be {D} x {D} (D = {D}, as in X), got {_shape(W_o)}")
    if side is None:
        raise SideUnknown(f"the weights are {D} x {D}, which does not say whether q = W_q x "
                          "(SIDE=left) or q = x W_q, in NumPy X @ W_q (SIDE=right); say which: "
                          "make pdf CASE=... SIDE=left")
    if side == "right":
        if not shape_side:
            weights = [W.T for W in weights]
        notes.append("The weights of the file multiply from the right (q = x W_q); "
                     "they are transposed here, so that q = W_q x.")
        W_o = None if W_o is None else W_o.T
    if W_o is None:
        notes.append("W_o is not given: it is the identity matrix.")
    if heads is None and n_heads:
        heads = n_heads
    fields = dict(zip(WEIGHTS, (*weights, W_o)), X=X, heads=heads, from_right=side == "right")
    return fields, tuple(notes)


def resolve(found: Mapping[str, object], names: Mapping[str, str]) -> dict[str, str]:
    """{role: name in found}: as told, else by the exact name, else by the only variant of it.

    Raises: CaseError if a role that is needed has no name, or several.
    """
    taken = {}
    for role, name in names.items():
        if role not in ROLES:
            raise CaseError(f"NAMES must use {', '.join(ROLES)} on the left of =, got {role!r}")
        if name not in found:
            raise CaseError(f"NAMES must give a name that is there for {role}, got {name!r}; "
                            f"there are {listing(found)}")
        taken[role] = name
    variants = {}
    for name in found:
        if name not in (*taken.values(), "h") and (role := VARIANTS.get(simple(name))):
            variants.setdefault(role, []).append(name)
    for role, several in variants.items():
        if role in several or all(_same(found[several[0]], found[name]) for name in several):
            several = [role] if role in several else several[:1]
        if role not in taken and len(several) > 1:
            raise CaseError(f"{role} must have one name, got {' and '.join(several)}; say which: "
                            f'make pdf CASE=... NAMES="{role}={several[0]}"')
        taken.setdefault(role, several[0])
    needed = ["X"] if "W_qkv" in taken else ["X", "W_q", "W_k", "W_v"]
    if all(role in taken for role in ("W_q", "W_k", "W_v")):
        taken.pop("W_qkv", None)
    if missing := [role for role in needed if role not in taken]:
        told = " ".join(f"{role}=..." for role in missing)
        raise CaseError(f"{', '.join(missing)} must be given, got {listing(found)}; "
                        f'say which of these are meant: make pdf CASE=... NAMES="{told}" '
                        f"(W_qkv=... if one array holds all three weights); or save: {SAVE}")
    return taken


def numbers(name: str, value: object, notes: list[str]) -> np.ndarray:
    """The value as a float64 array. Raises: CaseError unless its entries are finite and real."""
    if isinstance(value, Unusable):
        raise CaseError(f"{name} {value.reason}")
    if isinstance(value, np.ma.MaskedArray):
        raise CaseError(f"{name} must be a plain array, got a masked one; type "
                        f"{name} = {name}.filled(0), or whatever the gaps should hold")
    if isinstance(value, np.ndarray):
        kinds = {"V": "raw bytes, perhaps bfloat16", "O": "Python objects", "b": "booleans",
                 "c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "times"}
        if value.dtype.kind in kinds:
            raise CaseError(f"{name} must hold real numbers, got {kinds[value.dtype.kind]} (dtype "
                            f"{value.dtype}); type {name} = {name}.astype(float)")
        array = value
    else:
        shape = _regular_shape(name, value)
        array = np.array(value, dtype=np.float64).reshape(shape)
    with np.errstate(over="ignore"):
        converted = array.astype(np.float64)
    if 0 in array.shape or array.ndim == 0:
        raise CaseError(f"{name} must be a matrix, got {_shape(array) or 'a single number'}")
    if not np.isfinite(converted).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(converted))[0])
        raise CaseError(f"{name}{''.join(f'[{i}]' for i in place)} must be a finite number in "
                        f"double precision, got {array[place]}")
    with np.errstate(invalid="ignore"):
        exact = (converted.astype(array.dtype) == array).all()
    if not exact:
        notes.append(f"{name} is rounded from {array.dtype} to double precision.")
    return converted


def listing(found: Mapping[str, object], most: int = 12) -> str:
    """Names and shapes in words, for a message."""
    parts = [f"{name} ({shape})" if (shape := _shape(value)) else name
             for name, value in found.items()]
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + more or "nothing"


def simple(name: str) -> str:
    """The letters and digits of a name, in lower case: W_Q and wq are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _same(a, b):
    """Whether two values found are equal, be they arrays, lists or numbers."""
    return type(a) is type(b) and (np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b)


def _shape(value):
    return " x ".join(map(str, np.shape(value))) if isinstance(value, np.ndarray) else ""


def _naming_notes(found, taken, is_file):
    renamed = [f"{role} is called {name}" for role, name in taken.items()
               if role != name and role not in ("heads", "from_right")]
    unused = [name for name in found if name not in taken.values() and simple(name) not in BIASES]
    notes = [f"In the file {', '.join(renamed)}."] if renamed else []
    return notes + [f"Not used: {listing(dict.fromkeys(unused))}."] * bool(is_file and unused)


def _told_side(found, taken, side):
    """The side that the key from_right or the command line tells, or None."""
    if "from_right" not in taken:
        return side
    value = found[taken["from_right"]]
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if not isinstance(value, bool):
        raise CaseError(f"{taken['from_right']} must be true or false, got {value!r}")
    in_file = "right" if value else "left"
    if side and side != in_file:
        raise CaseError(f"SIDE={side} must agree with from_right, got {str(value).lower()}")
    return in_file


def _regular_shape(name, value, place=""):
    """The shape of nested lists; raises CaseError at the first entry that is not a number."""
    here = f"{name}{place}"
    if not isinstance(value, list):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not abs(value) <= float_info.max:  # NaN too
            raise CaseError(f"{here} must be a finite number, got {str(value)[:20]!r}"
                            if place else f"{here} must be a matrix, got {str(value)[:20]!r}")
        return ()
    if not value:
        raise CaseError(f"{here} must be a matrix, got an empty list")
    if place.count("[") > 3:
        raise CaseError(f"{name} must be a matrix, got more than 4 nested lists")
    shapes = [_regular_shape(name, entry, f"{place}[{i}]") for i, entry in enumerate(value)]
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            sizes = [" x ".join(map(str, s)) or "a number" for s in (shapes[0], shape)]
            raise CaseError(f"{here}[{i}] must be {sizes[0]}, like {here}[0], got {sizes[1]}")
    return (len(value), *shapes[0])


def _without_batch(name, array, notes):
    """Drop leading axes of length 1 from an array of more than two axes."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
        notes.append(f"{name} has a first axis of length 1, which is dropped.")
    return array


def _refuse_biases(found, notes):
    for name, value in found.items():
        if simple(name) in BIASES and value is not None:
            if np.any(numbers(name, value, [])):
                raise CaseError(f"{name} must be left out: the sheet's attention has no biases")
            notes.append(f"{name} is zero and is left out.")


def _read_shapes(arrays, taken, side, notes):
    """X (N, D), the three weights (D, D), the side their shapes tell, and the heads they have."""
    X = arrays.pop("X")
    if X.ndim != 2:
        raise CaseError(f"{taken['X']} must be N x D, got {_shape(X)}; "
                        f"take one input set of the batch: {taken['X']}[0]")
    by_rows = _interpretations(arrays, X.shape[1], side)
    if not by_rows and (by_columns := _interpretations(arrays, X.shape[0], side)):
        notes.append(f"{taken['X']} is {_shape(X)} and holds one input per column; "
                     "it is transposed here.")
        X, by_rows = X.T, by_columns
    if not by_rows:
        D, (name, W) = X.shape[1], next(
            (taken[role], W) for role, W in arrays.items()
            if not _interpretations({role: W}, X.shape[1], side))
        raise CaseError(f"{name} must be {D} x {D} (D = {D}, the columns of X), got {_shape(W)}; "
                        f"X is {_shape(X)}; save them so: {SAVE}")
    if len(by_rows) > 1:
        raise CaseError(f"{', '.join(taken[role] for role in arrays)} can be read in "
                        f"{len(by_rows)} ways ({'; '.join(text for *_, text in by_rows)}); "
                        "save each of them as one D x D matrix, or add SIDE=left or SIDE=right")
    (shape_side, n_heads, weights, text), = by_rows
    if text:
        names = ", ".join(f"{taken[role]} ({_shape(W)})" for role, W in arrays.items())
        notes.append(f"{names}: read as {text}.")
    return X, weights, shape_side, n_heads


def _interpretations(arrays, D, side):
    """(side or None, heads or None, [W_q, W_k, W_v], in words) for every reading that fits D."""
    if "W_qkv" in arrays:
        return _split_stack(arrays["W_qkv"], D)
    readings = {  # in words: (shape, side, heads, to D x D from the left), for one matrix
        "": lambda W: W.shape == (D, D) and (None, None, W),
        "one d x D matrix per head":
            lambda W: W.ndim == 3 and W.shape[2] == D == W.shape[0] * W.shape[1]
            and ("left", W.shape[0], W.reshape(D, D)),
        "one D x d matrix per head":
            lambda W: W.ndim == 3 and W.shape[1] == D == W.shape[0] * W.shape[2]
            and ("right", W.shape[0], W.swapaxes(1, 2).reshape(D, D)),
        "D x heads x d":
            lambda W: W.ndim == 3 and W.shape[0] == D == W.shape[1] * W.shape[2]
            and ("right", W.shape[1], W.reshape(D, D).T)}
    found = []
    for text, read in readings.items():
        results = [read(W) for W in arrays.values()]
        if all(results) and len({result[:2] for result in results}) == 1:
            found.append((*results[0][:2], [W for *_, W in results], text))
    if side and len(found) > 1:
        found = [reading for reading in found if reading[0] == side]
    return found


def _split_stack(W, D):
    order = "W_q, W_k, W_v in this order"
    if W.shape == (3 * D, D):
        return [("left", None, np.split(W, 3), f"{order}, one below the other")]
    if W.shape == (D, 3 * D):
        parts = [part.T for part in np.split(W, 3, axis=1)]
        return [("right", None, parts, f"{order}, side by side")]
    return [(None, None, list(W), order)] if W.shape == (3, D, D) else []
