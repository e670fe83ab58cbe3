"""Computer assignment 1 (c): the numbers that the attention functions are applied to.

They come from an .npz file with X (N, D), W_q, W_k, W_v (D, D) and, where wanted, W_o (D, D),
heads and from_right; or from a notebook or a .py file that computes them. Other names and shapes
are understood where they are unambiguous (see solutions/reading).
"""

import json
import shlex
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solutions.attention import multi_head_self_attention
from solutions.reading import notebooks
from solutions.reading.recognise import SAVE, WEIGHTS, CaseError, arrange, describe

PLACEHOLDER = Path(__file__).parent / "data" / "placeholder.json"
MAX_BYTES = 2**26  # of the arrays in an .npz file
MAX_ARRAYS = 1024  # in an .npz file


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs and weights, q_i = W_q x_i, which become read-only float64 arrays.

    Raises: CaseError if the numbers of heads do not fit, or results are beyond double precision.
    """

    X: np.ndarray  # (N, D)
    W_q: np.ndarray  # (D, D), as the others
    W_k: np.ndarray
    W_v: np.ndarray
    W_o: np.ndarray = None  # default: the identity, as on the sheet
    heads: tuple[int, ...] = None  # 1 comes first; default: (1, 3), as on the sheet
    source: str = ""  # name of the file
    is_placeholder: bool = False
    notes: tuple[str, ...] = ()  # plain sentences: what was taken from the file, and how

    def __post_init__(self):
        D = np.shape(self.X)[1]
        W_o = np.eye(D) if self.W_o is None else self.W_o
        given = (self.X, self.W_q, self.W_k, self.W_v, W_o)
        for name, array in zip(("X", *WEIGHTS), given):
            array = np.array(array, np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "heads", _heads(self.heads, D))
        _check_range(self)

    @property
    def weights(self) -> tuple[np.ndarray, ...]:
        """W_q, W_k, W_v and W_o."""
        return self.W_q, self.W_k, self.W_v, self.W_o


def placeholder() -> Case:
    """The case used when none is given: a random draw, rounded, kept as numbers."""
    return Case(**json.loads(PLACEHOLDER.read_text()), is_placeholder=True)


def load(path: str | Path, names: str = "", side: str = "", until: str = "") -> Case:
    """The case in an .npz file, or computed by a notebook or .py file.

    names: what the arrays are called, such as "X=inputs W_q=Wq"; side: "left" for q = W_q x,
    "right" for q = x W_q; until: the code cell, or the line of a .py file, after which the arrays
    are taken. In messages they are called NAMES, SIDE and UNTIL, as on the command line of make.
    Raises: CaseError, with the path in front.
    """
    path = Path(path)
    settings = {"NAMES": names, "SIDE": side, "UNTIL": until}
    try:
        fields, notes = _read(path, *settings.values())
        return Case(**fields, source=path.name, notes=notes)
    except CaseError as error:
        message = f"{path}: {_with_settings(str(error), {'CASE': str(path), **settings})}"
        raise CaseError(message.encode("utf-8", "backslashreplace").decode()) from None


def _read(path, names, side, until):
    """The fields of a Case and the sentences about them. Raises: CaseError."""
    roles, suffix = _parse_names(names), path.suffix.lower()
    is_code = suffix in (".ipynb", ".py")
    _check_settings(path, side, until, is_code)
    if not path.exists():
        raise CaseError("there is no such file")
    if not path.is_file():
        raise CaseError("must be a file, got a folder or device")
    if is_code:
        return notebooks.run(path, roles, side, int(until or 0))
    if suffix == ".npz":
        return arrange(read_npz(path), roles, side, is_file=True)
    raise CaseError(
        f"the name must end in .npz, .ipynb or .py, got {path.suffix or 'no ending'}; "
        f"save the arrays: {SAVE}"
    )


def _check_settings(path, side, until, is_code):
    """Raise CaseError unless SIDE is a side, and UNTIL a part of a file that has parts."""
    if side not in ("", "left", "right"):
        raise CaseError(f"SIDE must be left or right, got {side!r}")
    if until and not (is_code and until.isdecimal() and int(until)):
        raise CaseError(
            "UNTIL must be the number of a code cell in an .ipynb file, or of a line in a .py "
            f"file, got {until!r} for {path.name}"
        )


def _with_settings(message, settings):
    """The message; any command in it that contains CASE=... gets the settings that were given."""
    given = [
        f"{name}={shlex.quote(value)}"
        for name, value in settings.items()
        if value and f"CASE=... {name}=" not in message
    ]
    return message.replace("CASE=...", " ".join(given))


def read_npz(path: Path) -> dict[str, np.ndarray | CaseError]:
    """The arrays in an .npz file; a member is unpacked only if its declared size is small.

    A member that is too large or no array of numbers is returned as a CaseError, to be raised if it
    is needed. Raises: CaseError for a damaged file, a name given twice, or more than MAX_ARRAYS.
    """
    found, room = {}, MAX_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            if len(members := archive.infolist()) > MAX_ARRAYS:
                raise CaseError(
                    f"must contain at most {MAX_ARRAYS} arrays, got {len(members)}; "
                    f"save those that are needed: {SAVE}"
                )
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name in found:
                    raise CaseError(f"{name} must be given once, got two arrays of this name")
                found[name] = _read_member(archive, member, room)
                room -= getattr(found[name], "nbytes", 0)
    except CaseError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the reader
        raise CaseError(f"must be a file written by np.savez, got: {describe(error)}") from None
    return found


def _read_member(archive, member, room):
    """The array in a member of at most `room` bytes, or a CaseError."""
    if not member.filename.endswith(".npy"):
        return CaseError("must be an array, got another kind of file")
    if member.file_size > room:
        return CaseError(
            f"must be small (the file at most {MAX_BYTES} bytes unpacked), "
            f"got {member.file_size} bytes"
        )
    with archive.open(member) as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            if "Object arrays" not in str(error):
                raise
    return CaseError(
        "must contain numbers, got Python objects (None, or rows of different lengths?); "
        "leave it out or convert it before saving: .astype(float)"
    )


def _parse_names(names):
    """{role: name} from "X=inputs W_q=Wq"; commas may separate as well."""
    pairs = [pair.split("=") for pair in names.replace(",", " ").split()]
    if bad := next((pair for pair in pairs if len(pair) != 2 or not all(pair)), None):
        raise CaseError(f'NAMES must look like "X=inputs W_q=Wq", got {"=".join(bad)!r}')
    return dict(pairs)


def _heads(heads, D) -> tuple[int, ...]:
    """The numbers of heads: 1 first, none twice, each a divisor of D."""
    if heads is None:  # 3, or else the smallest prime factor of D
        heads = 3 if D % 3 == 0 else next((p for p in range(2, D + 1) if D % p == 0), 1)
    heads = np.atleast_1d(heads).tolist()
    for H in heads:
        if isinstance(H, bool) or not isinstance(H, (int, float)) or not (H >= 1 and H % 1 == 0):
            raise CaseError(f"heads must be whole numbers, such as heads=[1, 3], got {H!r}")
        if D % H:
            raise CaseError(f"heads must divide D = {D}, got {int(H)}")
    return tuple(dict.fromkeys([1, *map(int, heads)]))


def _check_range(case):
    """Raise CaseError if the products in the attention of this case are beyond double precision."""
    with np.errstate(all="ignore"):
        try:
            parts = {
                f"outputs of H = {H}": multi_head_self_attention(case.X, *case.weights, H)[0]
                for H in case.heads
            }
        except ValueError as error:
            raise CaseError(f"X, W_q and W_k must be smaller: {error}") from None
        parts["entries of W_q^T W_k"] = case.W_q.T @ case.W_k
    for what, array in parts.items():
        if not np.isfinite(array).all():
            raise CaseError(
                f"the {what} must be finite in double precision, got "
                f"{array[~np.isfinite(array)][0]}; scale X and the weights down"
            )
