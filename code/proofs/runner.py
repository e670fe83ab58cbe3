"""Run the claims, in parallel, and keep the outcomes for as long as nothing changes.

run(["simplex"], cache=Path("build/proofs.json"))   # {"simplex": Outcome("simplex", (), 3, ...)}
"""

import hashlib
import importlib
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy
import sympy

from proofs import deciders
from proofs.forms import Undecided
from proofs.ledger import CLAIMS
from proofs.notation import IllFormed

MODULES = ("attention", "positional", "chronos", "least_squares", "supplement")
CODE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """The problems with a claim, if any, and how many of its twins were refused."""

    name: str
    problems: tuple
    refused: int
    seconds: float

    @property
    def holds(self):
        return not self.problems


def load():
    """All claims by name."""
    for module in MODULES:
        importlib.import_module("proofs." + module)
    return CLAIMS


def run(names=None, cache=None):
    """{name: Outcome} of the named claims, or of all; from the file `cache` if nothing changed."""
    names = list(load() if names is None else names)
    key = _key()
    kept = _read(cache, key)
    missing = [name for name in names if name not in kept]
    if missing:
        with ProcessPoolExecutor() as pool:
            kept |= {outcome.name: outcome for outcome in pool.map(run_one, missing)}
        _write(cache, key, kept)
    return {name: kept[name] for name in names}


def run_one(name):
    """The Outcome of one claim."""
    claim, start = load()[name], perf_counter()
    problems, refused = [], 0
    try:
        if not deciders.holds(claim.statement):
            problems.append(f"it does not follow: {claim.statement.latex()}")
    except (IllFormed, Undecided) as error:
        problems.append(f"it cannot be decided ({error}): {claim.statement.latex()}")
    for wrong, twin in claim.twins.items():
        if is_refused(twin):
            refused += 1
        else:
            problems.append(f"the false twin {wrong!r} is accepted: {twin.latex()}")
    return Outcome(name, tuple(problems), refused, perf_counter() - start)


def is_refused(statement):
    """True unless the statement is proved; a statement without meaning or rule is not."""
    try:
        return not deciders.holds(statement)
    except (IllFormed, Undecided):
        return True


def _read(cache, key):
    """The outcomes in a file; none if it is missing, damaged, or of another version."""
    try:
        kept = json.loads(Path(cache).read_text(encoding="utf-8")) if cache else {}
        if kept.get("key") != key:
            return {}
        outcomes = (Outcome(**{**o, "problems": tuple(o["problems"])}) for o in kept["outcomes"])
        return {outcome.name: outcome for outcome in outcomes}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(cache, key, outcomes):
    """Write the outcomes to a file, which is never seen half written."""
    if cache is None:
        return
    cache = Path(cache)
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_name(f"{cache.name}.{os.getpid()}")
    kept = {"key": key, "outcomes": list(map(asdict, outcomes.values()))}
    part.write_text(json.dumps(kept), encoding="utf-8")
    os.replace(part, cache)


def _key():
    """Changes with Python, NumPy, SymPy and every source file that a verdict depends on."""
    digest = hashlib.sha256(f"{sys.version} {numpy.__version__} {sympy.__version__}".encode())
    for file in sorted([*CODE.glob("proofs/*.py"), *CODE.glob("solutions/*.py")]):
        digest.update(f"{file.name} {file.stat().st_size} ".encode() + file.read_bytes())
    return digest.hexdigest()
