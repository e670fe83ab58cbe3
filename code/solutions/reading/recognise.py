"""The arrays of Computer assignment 1, found among what a file or a notebook contains.

Names are taken by variants, shapes decide what they can, and each decision is written down as a
sentence. What stays open is asked for: a CaseError with the line to type.
"""

import re
from collections.abc import Mapping

import numpy as np

from solutions.wording import listed

WEIGHTS = ("W_q", "W_k", "W_v", "W_o")
ROLES = ("X", *WEIGHTS, "W_qkv", "heads", "from_right")
SAVE = 'np.savez("case.npz", X=X, W_q=W_q, W_k=W_k, W_v=W_v)'
MAX_SIZE = 1024  # inputs or dimensions: more cannot be shown
KINDS = dict(V="records, or raw bytes such as bfloat16", O="Python objects", b="booleans",
             c="complex numbers", U="text", S="text", M="dates", m="times")  # fmt: skip

_PART = "(qkv|query|key|value|output|out|q|k|v|o)"
_WEIGHT = re.compile(rf"(?:w|omega|weights?){_PART}|{_PART}(?:proj)?(?:weights?|kernel)")
_BIAS = re.compile(rf"(?:b|beta|bias){_PART}|w?{_PART}(?:proj)?bias|inprojbias|bias")
_OTHER = dict(x="X", input="X", inputs="X", inprojweight="W_qkv", fromright="from_right",
              h="heads", heads="heads", nheads="heads", numheads="heads")  # fmt: skip


class CaseError(ValueError):
    """The numbers cannot be used; the message says why and what to do."""

    show_traceback = False  # the input is at fault, not the code


class SideUnknown(CaseError):
    """All arrays are there, but nothing tells on which side the weights multiply."""


def role_of(name: str) -> str | None:
    """What a name is a variant of: one of ROLES, "bias" or None; h alone is an index.

    Of a name such as attention.query.weight the end is enough.
    """
    for begin in (0, *(match.end() for match in re.finditer("[./]", name))):
        text = "".join(letter for letter in name[begin:].lower() if letter.isalnum())
        if match := _WEIGHT.fullmatch(text):
            part = match[1] or match[2]
            return f"W_{part if part == 'qkv' else part[0]}"
        if _BIAS.fullmatch(text) and (text != "bias" or begin == 0):
            return "bias"
        if text in _OTHER and name != "h":
            return _OTHER[text]
    return None


def arrange(
    found: Mapping[str, object], names: Mapping[str, str], side: str, is_file: bool
) -> tuple[dict, tuple[str, ...]]:
    """The fields of a Case and the sentences that say what was taken.

    found: what the file or notebook contains, by name; names: {role: name}, as given; side: "left"
    for q = W x, "right" for q = x W, "" if not given; is_file: whether it was saved as a case, so
    that q = W x is assumed where nothing tells the side. Raises: CaseError, SideUnknown.
    """
    taken = resolve(found, names)
    notes = _naming_notes(found, taken, is_file)
    sides = {"SIDE": side, "from_right": _side_in_file(found, taken)}
    arrays = {
        role: _without_batch(name, numbers(name, found[name], notes), notes)
        for role, name in taken.items()
        if role not in ("heads", "from_right")
    }
    _refuse_biases(found, taken, notes)
    W_o = arrays.pop("W_o", None)
    X, weights, sides["the shapes of the weights"], n_heads = _read_shapes(arrays, taken, notes)
    D = X.shape[1]
    if W_o is None:
        notes.append("W_o is not given: it is the identity matrix.")
        W_o = np.eye(D)
    if W_o.shape != (D, D):
        raise CaseError(f"{taken['W_o']} must be {D} x {D} (D = {D}, as in X), got {size(W_o)}")
    if _is_right(sides, D, is_file, notes):
        weights, W_o = [W.T for W in weights], W_o.T
    heads = found[taken["heads"]] if "heads" in taken else n_heads
    if n_heads and n_heads not in np.array(heads, object).ravel().tolist():
        raise CaseError(f"{taken['heads']} must be {n_heads}, as the weights say, got {heads!r}")
    fields = dict(zip(("X", *WEIGHTS), (X, *weights, W_o)), heads=heads)
    return fields, tuple(notes)


def resolve(found: Mapping[str, object], names: Mapping[str, str]) -> dict[str, str]:
    """{role: name in found}: as given, else by the exact name, else by the only variant of it.

    Raises: CaseError if a role that is needed has no name, or several.
    """
    for role, name in names.items():
        if role not in ROLES or name not in found:
            raise CaseError(
                f"NAMES must give one of {', '.join(ROLES)} the name of an array, "
                f"got {role}={name}; there are {listing(found)}"
            )
    given = [f"{role}={name}" for role, name in names.items()]
    taken, free = dict(names), [name for name in found if name not in names.values()]
    for role in [role for role in ROLES if role not in names]:
        variants = [role] if role in free else [name for name in free if role_of(name) == role]
        if not all(np.array_equal(found[variants[0]], found[other]) for other in variants[1:]):
            raise CaseError(
                f"{role} must have one name, got {listed(variants, most=12)}; "
                "say which: make pdf CASE=... "
                f'NAMES="{" ".join([*given, f"{role}={variants[0]}"])}"'
            )
        taken |= {role: variants[0]} if variants else {}
    apart = WEIGHTS[:3]
    if "W_qkv" in taken:  # it counts unless the three are there
        ignored = ["W_qkv"] if set(apart) <= set(taken) else apart
        taken = {role: name for role, name in taken.items() if role not in ignored}
    needed = ("X",) if "W_qkv" in taken else ("X", *apart)
    if missing := [role for role in needed if role not in taken]:
        given = " ".join([*given, *(f"{role}=..." for role in missing)])
        raise CaseError(
            f"{', '.join(missing)} must be given, got {listing(found)}; "
            f'say which of these are meant: make pdf CASE=... NAMES="{given}" '
            f"(W_qkv=... if one array contains all three weights); or save: {SAVE}"
        )
    return taken


def numbers(name: str, array: np.ndarray | CaseError, notes: list[str]) -> np.ndarray:
    """The array in float64. Raises: CaseError unless its entries are finite and real.

    A CaseError in its place stands for an array that was not read, and says why.
    """
    if isinstance(array, CaseError):
        raise CaseError(f"{name} {array}")
    if isinstance(array, np.ma.MaskedArray):
        raise CaseError(
            f"{name} must be a plain array, got a masked one; type "
            f"{name} = {name}.filled(0), or whatever is to fill the gaps"
        )
    if array.dtype.kind in KINDS:
        raise CaseError(
            f"{name} must contain real numbers, got {KINDS[array.dtype.kind]} (dtype "
            f"{array.dtype}); type {name} = {name}.astype(float)"
        )
    if 0 in array.shape or array.ndim == 0:
        raise CaseError(f"{name} must be a matrix, got {size(array) or 'a single number'}")
    with np.errstate(all="ignore"):
        converted = array.astype(np.float64)
        exact = (converted.astype(array.dtype) == array).all()
    if not np.isfinite(converted).all():
        place = tuple(np.argwhere(~np.isfinite(converted))[0])
        entry = name + "".join(f"[{i}]" for i in place)
        raise CaseError(f"{entry} must be finite in double precision, got {array[place]}")
    if not exact:
        notes.append(f"{name} is rounded from {array.dtype} to double precision.")
    return converted


def size(array: np.ndarray) -> str:
    """A shape such as 5 x 6."""
    return " x ".join(map(str, array.shape))


def listing(found: Mapping[str, object]) -> str:
    """Names and shapes in words, for a message."""
    named = [
        f"{name} ({size(value)})" if isinstance(value, np.ndarray) else name
        for name, value in found.items()
    ]
    return listed(named, most=12)


def describe(error: BaseException) -> str:
    """An exception in a few words, for a message."""
    try:
        text = str(error)
    except Exception:  # raised by the exception of a notebook
        text = ""
    return f"{type(error).__name__}: {text[:200]}".removesuffix(": ")


def _naming_notes(found, taken, is_file):
    renamed = [
        f"{role} is called {name}"
        for role, name in taken.items()
        if role != name and role != "from_right"
    ]
    unused = {
        name: value
        for name, value in found.items()
        if name not in taken.values() and role_of(name) != "bias" and (is_file or role_of(name))
    }
    notes = [f"In the file {', '.join(renamed)}."] if renamed else []
    return [*notes, f"Not used: {listing(unused)}."] if unused else notes


def _without_batch(name, array, notes):
    """Drop leading axes of length 1 from an array of more than two axes."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
        notes.append(f"{name} has a first axis of length 1, which is dropped.")
    return array


def _refuse_biases(found, taken, notes):
    """Raise CaseError for a bias that is not zero: of the usual names, or as its weight's."""
    beside = {re.sub("weight|kernel", "bias", name) for name in taken.values()}
    for name in [name for name in found if name not in taken.values()]:
        if role_of(name) == "bias" or name in beside:
            if np.any(numbers(name, found[name], [])):
                raise CaseError(f"{name} must be zero: the sheet's attention has no biases")
            notes.append(f"{name} is zero and is left out.")


def _side_in_file(found, taken):
    """The side that the key from_right tells, or None."""
    if "from_right" not in taken:
        return None
    value = found[taken["from_right"]]
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if not isinstance(value, bool):
        raise CaseError(f"{taken['from_right']} must be true or false, got {value!r}")
    return "right" if value else "left"


def _is_right(sides, D, is_file, notes):
    """Whether the weights multiply from the right; sides: {what tells it: side, or None}."""
    sides = {what: side for what, side in sides.items() if side}
    if len(set(sides.values())) > 1:
        raise CaseError(
            f"{listed(sides)} must agree on which side the weights multiply, "
            f"got {listed(sides.values())}"
        )
    if not sides and not is_file:
        raise SideUnknown(
            f"the weights are {D} x {D}, which does not say whether q = W_q x "
            "(SIDE=left) or q = x W_q, in NumPy X @ W_q (SIDE=right); say which: "
            "make pdf CASE=... SIDE=left"
        )
    if not sides:
        notes.append(
            "The file does not say on which side the weights multiply; q = W_q x is assumed."
        )
    if is_right := "right" in sides.values():
        notes.append(
            "The weights of the file multiply from the right (q = x W_q); "
            "they are transposed here, so that q = W_q x."
        )
    return is_right


def _read_shapes(arrays, taken, notes):
    """X (N, D), the three weights (D, D), the side their shapes tell, and the heads they have."""
    X = arrays.pop("X")
    name = taken["X"]
    if X.ndim != 2:
        raise CaseError(
            f"{name} must be N x D, got {size(X)}; take a matrix of it: {name}[0] or {name}[..., 0]"
        )
    reading = _reading(list(arrays.values()), X.shape[1])
    if not reading and (reading := _reading(list(arrays.values()), X.shape[0])):
        notes.append(f"{name} is {size(X)} and has one input per column; it is transposed here.")
        X = X.T
    if not reading:
        D = X.shape[1]
        name, W = next(
            (taken[role], W) for role, W in arrays.items() if W.shape != (D, D) or len(arrays) == 1
        )
        wanted = f"{3 * D} x {D}" if len(arrays) == 1 else f"{D} x {D}"
        raise CaseError(
            f"{name} must be {wanted} (D = {D}, the columns of X), got {size(W)}; "
            f"X is {size(X)}; save them so: {SAVE}"
        )
    if max(X.shape) > MAX_SIZE:
        raise CaseError(f"{name} must be N x D, both from 1 to {MAX_SIZE}, got {size(X)}")
    form, side, n_heads, weights = reading
    if form:
        names = ", ".join(f"{taken[role]} ({size(W)})" for role, W in arrays.items())
        notes.append(f"{names}: read as {form}.")
    return X, weights, side, n_heads


def _reading(weights, D):
    """(in words, the side this tells, the heads, three D x D matrices) or None if nothing fits.

    weights: W_q, W_k and W_v, or all of them in one array. Side and heads may be None.
    """
    W, order = weights[0], "W_q, W_k, W_v in this order"
    if len(weights) == 1:
        if W.shape == (3 * D, D):
            return f"{order}, one below the other", "left", None, np.split(W, 3)
        if W.shape == (D, 3 * D):
            return f"{order}, side by side", "right", None, np.split(W, 3, axis=1)
        return (order, None, None, list(W)) if W.shape == (3, D, D) else None
    if any(other.shape != W.shape for other in weights):
        return None
    if W.shape == (D, D):
        return "", None, None, weights
    for form, axes, side in (  # axes: those of the heads and of a head's d columns or rows
        ("one d x D matrix per head", (0, 1), "left"),
        ("one D x d matrix per head", (0, 2), "right"),
        ("D x heads x d", (1, 2), "right"),
    ):
        H, d = (W.shape[axis] for axis in axes) if W.ndim == 3 else (0, 0)
        if H * d == D and W.size == D * D and 1 < H < D:  # else two readings could fit one shape
            stacked = [np.moveaxis(W, axes, (0, 1)).reshape(D, D) for W in weights]
            return form, side, H, stacked if side == "left" else [W.T for W in stacked]
    return None
