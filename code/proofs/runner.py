"""Check the claims in parallel, reusing verdicts of which nothing has changed.

run(["simplex"], cache=Path("build/proofs.json"))
    # {"simplex": Verdict("simplex", [], 3, "normal form")}

The deciders are imported where they are used: SymPy takes a third of a second, and cached verdicts
do not need it.
"""

import hashlib
import importlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from proofs.claims import CLAIMS
from proofs.notation import CannotDecide

MODULES = ("attention", "positional", "chronos", "least_squares", "supplement")
RECORD = Path(__file__).with_name("attack.json")  # what the last attack on each claim counted
CODE = Path(__file__).parents[1]
MAX_IN_PROCESS = 2  # claims that are checked before a second process could have started


@dataclass(frozen=True)
class Verdict:
    """The problems with a claim, if any, how many of its twins were rejected, and its decider."""

    name: str
    problems: list
    rejected_twins: int
    decided_by: str

    @property
    def holds(self):
        return not self.problems


def load():
    """All claims by name."""
    for module in MODULES:
        importlib.import_module("proofs." + module)
    return CLAIMS


def run(names=None, cache=None):
    """{name: Verdict} of the named claims, or of all; from the file `cache` what is unchanged."""
    claims = load()
    code = _code_digest()
    keys = {name: _key(claims[name], code) for name in (claims if names is None else names)}
    kept = _read(Path(cache)) if cache else {}
    found = {name: kept[key] for name, key in keys.items() if key in kept}
    if missing := [name for name in keys if name not in found]:
        from proofs import deciders  # noqa: F401  once, and not in each process

        if len(missing) <= MAX_IN_PROCESS:
            found |= {name: run_one(name) for name in missing}
        else:
            with ProcessPoolExecutor() as pool:
                verdicts = pool.map(run_one, reversed(missing))  # the slow ones come last
                found |= {verdict.name: verdict for verdict in verdicts}
        if cache:
            _write(Path(cache), kept | {keys[name]: found[name] for name in missing}, code)
    return {name: found[name] for name in keys}


def run_one(name):
    """The Verdict of one claim."""
    from proofs import deciders

    claim, problems, rejected = load()[name], [], 0
    try:
        if not deciders.holds(claim.statement):
            problems.append(f"it does not follow: {claim.statement.latex()}")
    except CannotDecide as error:
        problems.append(f"it cannot be decided ({error}): {claim.statement.latex()}")
    except deciders.Disagreement as error:
        problems.append(str(error))
    for wrong, twin in claim.twins.items():
        try:
            if deciders.is_rejected(twin):
                rejected += 1
            else:
                problems.append(f"the twin {wrong!r} must be false, but is proved: {twin.latex()}")
        except deciders.Disagreement as error:
            problems.append(f"the twin {wrong!r}: {error}")
    decided_by, _ = deciders.decider(claim.statement)
    return Verdict(name, problems, rejected, decided_by)


def _read(cache):
    """{key: Verdict} from a file; empty if it is missing or damaged."""
    try:
        kept = json.loads(cache.read_text(encoding="utf-8"))
        return {key: Verdict(**verdict) for key, verdict in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _write(cache, verdicts, code):
    """Cache the verdicts that this code found; a truncated file counts as none."""
    kept = {key: asdict(v) for key, v in verdicts.items() if key.startswith(code)}
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps(kept), encoding="utf-8")


def _key(claim, code):
    """Changes with the claim's statement and its twins, and with all that decides them."""
    text = f"{claim.name} {claim.statement} {claim.twins}"
    return f"{code}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _code_digest():
    """Changes with Python, NumPy, SymPy and the modules of code/proofs, but those with claims."""
    packages = f"{version('numpy')} {version('sympy')}"
    digest = hashlib.sha256(f"{sys.version} {packages}".encode())
    claims = {f"{module}.py" for module in MODULES}
    files = [file for file in CODE.glob("proofs/*.py") if file.name not in claims]
    for file in sorted(files):
        digest.update(f"{file.name} {file.stat().st_size} ".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
