"""Run the claims, in parallel, and keep the outcomes for as long as nothing changes.

run(["simplex"], cache=Path("build/proofs.json"))   # {"simplex": Outcome("simplex", (), 3)}
"""

import hashlib
import importlib
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy
import sympy

from proofs import deciders
from proofs.deciders import Disagreement
from proofs.ledger import CLAIMS
from proofs.notation import Refused

MODULES = ("attention", "positional", "chronos", "least_squares", "supplement")
COMPUTED = ("attention.py", "checks.py")  # of solutions: what a claim that is run calls
CODE = Path(__file__).parents[1]
FEW = 2  # claims that are checked before a second process could have started


@dataclass(frozen=True)
class Outcome:
    """The problems with a claim, if any, and how many of its twins were refused."""

    name: str
    problems: tuple
    refused: int

    @property
    def holds(self):
        return not self.problems


def load():
    """All claims by name."""
    for module in MODULES:
        importlib.import_module("proofs." + module)
    return CLAIMS


def run(names=None, cache=None):
    """{name: Outcome} of the named claims, or of all; from the file `cache` what is unchanged."""
    claims = load()
    engine = _engine()
    keys = {name: _key(claims[name], engine) for name in (claims if names is None else names)}
    kept = _read(cache)
    found = {name: kept[key] for name, key in keys.items() if key in kept}
    if missing := [name for name in keys if name not in found]:
        if len(missing) <= FEW:
            found |= {name: run_one(name) for name in missing}
        else:
            with ProcessPoolExecutor() as pool:
                found |= {outcome.name: outcome for outcome in pool.map(run_one, missing)}
        _write(cache, kept | {keys[name]: found[name] for name in missing}, engine)
    return {name: found[name] for name in keys}


def run_one(name):
    """The Outcome of one claim."""
    claim, problems, refused = load()[name], [], 0
    try:
        if not deciders.holds(claim.statement):
            problems.append(f"it does not follow: {claim.statement.latex()}")
    except Refused as error:
        problems.append(f"it cannot be decided ({error}): {claim.statement.latex()}")
    except Disagreement as error:
        problems.append(f"decider and judge disagree ({error})")
    for wrong, twin in claim.twins.items():
        try:
            if is_refused(twin):
                refused += 1
            else:
                problems.append(f"the twin {wrong!r} must be false, but holds: {twin.latex()}")
        except Disagreement as error:
            problems.append(f"decider and judge disagree about the twin {wrong!r} ({error})")
    return Outcome(name, tuple(problems), refused)


def is_refused(statement):
    """True if not proved, including when ill-formed or undecidable. Raises: Disagreement."""
    try:
        return not deciders.holds(statement)
    except Refused:
        return True


def _read(cache):
    """{key: Outcome} from a file; empty if it is missing or damaged."""
    try:
        kept = json.loads(Path(cache).read_text(encoding="utf-8")) if cache else {}
        return {
            key: Outcome(**{**outcome, "problems": tuple(outcome["problems"])})
            for key, outcome in kept.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(cache, outcomes, engine):
    """Keep the outcomes that this engine found; the file is never seen half written."""
    if cache is None:
        return
    cache = Path(cache)
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_name(f"{cache.name}.{os.getpid()}")
    kept = {key: asdict(o) for key, o in outcomes.items() if key.startswith(engine)}
    try:
        part.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(part, cache)
    finally:
        part.unlink(missing_ok=True)


def _key(claim, engine):
    """Changes with the claim's statement and its twins, and with all that decides them."""
    text = f"{claim.name} {claim.statement} {claim.twins}"
    return f"{engine}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _engine():
    """Changes with Python, NumPy, SymPy and the files that decide what a statement holds."""
    digest = hashlib.sha256(f"{sys.version} {numpy.__version__} {sympy.__version__}".encode())
    claims = {f"{module}.py" for module in MODULES}
    files = [file for file in CODE.glob("proofs/*.py") if file.name not in claims]
    for file in sorted([*files, *(CODE / "solutions" / name for name in COMPUTED)]):
        digest.update(f"{file.name} {file.stat().st_size} ".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
