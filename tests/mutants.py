"""Mutation testing: change one thing at a time in the functions of code/solutions and code/proofs; the tests must notice.

    python tests/mutants.py                                            all modules, all tests
    python tests/mutants.py solutions/cases.py tests/test_cases.py     some of them

mutmut (requirements-mutants.in) works on a copy in build/mutants. Every mutant that survives must stand in tests/MUTANTS.md, with
the reason why no test can tell it from the original, and every mutant that stands there must survive; exit status 1 otherwise.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "mutants"
# they read sources, which mutmut rewrites, or build the report
NOT_RUN = {"test_breakage.py", "test_build.py", "test_report.py", "test_setup.py", "test_weaving.py"}
LISTED = re.compile(r"^- `([\w.]+)`: (?:`(.+)`|anything)$", re.MULTILINE)
NOTICED = {"killed", "timeout"}
# Added to the copy's conftest.py. mutmut imports everything once and then switches a mutant on, but the statements of the claims
# are computed on import: proofs/ is imported anew for each of its mutants, and what runs on import counts for every test that uses it.
IMPORT_ANEW = '''
import os
import sys
from pathlib import Path

from mutmut.state import state

MUTANT = os.environ.get("MUTANT_UNDER_TEST", "")
USES = [path.stem for path in Path(__file__).parent.glob("test_*.py") if "from proofs" in path.read_text()]
if MUTANT.startswith("proofs."):
    for name in list(sys.modules):
        if name in USES or name.partition(".")[0] in ("proofs", "plots"):
            del sys.modules[name]
elif MUTANT == "stats":
    RUN_AT_IMPORT = set()

    def pytest_collection_finish(session):
        RUN_AT_IMPORT.update(state()._stats)
        state()._stats.clear()

    def pytest_runtest_setup(item):
        if item.path.stem in USES:
            state()._stats.update(RUN_AT_IMPORT)
'''


def main(arguments):
    modules = [name for name in arguments if not name.startswith("tests/")]
    tests = [name for name in arguments if name.startswith("tests/")]
    prepare(modules or ["solutions/*.py", "proofs/*.py"],
            tests or sorted(f"tests/{test.name}" for test in (ROOT / "tests").glob("test_*.py") if test.name not in NOT_RUN))
    mutmut("run", capture_output=False)
    statuses = dict(re.findall(r"^ *(\S+): (.+)$", mutmut("results", "--all", "true"), re.MULTILINE))
    alive = {name: status for name, status in statuses.items() if status not in NOTICED}
    found = {change(name): status for name, status in alive.items()}
    tried = tuple({name.rpartition(".")[0] + "." for name in statuses})
    listed = {key for key in LISTED.findall((ROOT / "tests" / "MUTANTS.md").read_text()) if key[0].startswith(tried)}
    missing = {key: status for key, status in found.items() if key not in listed and (key[0], "") not in listed}
    stale = {(function, line) for function, line in listed if (function, line) not in found
             and not (line == "" and any(key[0] == function for key in found))}
    for (function, line), status in missing.items():
        print(f"{status} and not listed:\n- `{function}`: `{line}`")
    for function, line in sorted(stale):
        print(f"listed, but noticed or gone:\n- `{function}`: `{line or 'anything'}`")
    print(f"{len(statuses)} mutants, {len(statuses) - len(alive)} noticed, {len(alive)} not, of them {len(missing)} not listed")
    return 1 if missing or stale else 0


def prepare(modules, tests):
    """The copy: code/ as src/, the only folder whose name mutmut leaves out of the modules' names, and its settings."""
    if WORK.exists():
        shutil.rmtree(WORK)
    for folder, name in (("code", "src"), ("tests", "tests"), ("bib", "bib")):
        shutil.copytree(ROOT / folder, WORK / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (WORK / "tests" / "conftest.py").open("a") as conftest:
        conftest.write(IMPORT_ANEW)
    settings = {"source_paths": ["src/"], "only_mutate": [f"src/{module}" for module in modules],
                "also_copy": ["bib"], "use_git_change_detection": False, "pytest_add_cli_args_test_selection": tests}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    own = (ROOT / "pyproject.toml").read_text().replace('pythonpath = "code"', 'pythonpath = "src"')
    (WORK / "pyproject.toml").write_text(own + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def change(name):
    """(function, the lines that replace others) of a mutant; its number would change with every edit."""
    function = re.sub(r"\bx_|xǁ", "", name.rpartition("__mutmut_")[0]).replace("ǁ", ".")
    added = [line[1:].strip() for line in mutmut("show", name).splitlines() if re.match(r"\+(?!\+\+)", line)]
    return function, " ".join(added)


def mutmut(*arguments, **options):
    options = dict(capture_output=True, text=True) | options
    done = subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=WORK, **options)
    return done.stdout if done.returncode == 0 else sys.exit(f"mutmut {arguments[0]} stopped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
