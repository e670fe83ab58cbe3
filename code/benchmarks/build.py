"""Making the report, stage by stage, by `make pdf`, by stock Pweave and by PythonTeX: the same text, chunks, checks and style.

The rivals run in this Python (requirements-bench.in) and are left out, and named, where they are not installed. Adapted for both:
how a value becomes LaTeX (`latex.Tex`), the case's name, and no alt text. For stock Pweave: echo and fig are off unless asked
for, a chunk in front says how strings are shown, a figure's name is its label, `display(...)` is around the figure. For
PythonTeX: chunks are pycode or pyblock and print their value, savefig writes figures, <%= value %> is \\py{value}.
What they do not do is part of the difference: stop at an error, read TeX's log, lead a click in the PDF to the report's line.
"""

import ast
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks import measure
from benchmarks.measurements import CLEAN, PROSE
from weaving.reproduce import CIRCUMSTANCES, copy_sources

NOTHING, WOVEN, CODE = "nothing to do", "all chunks run again, checks kept", "a module of the solutions edited"
NAMES = {"ours": "make pdf", "pweave": "stock Pweave", "pythontex": "PythonTeX"}
LOGS = {"ours": "build/report.log", "pweave": "build/rival.log", "pythontex": "rival.log"}
MADE = ["build/proofs.json", "pythontex-files-rival", "figures", "rival.*", "build/rival.*"]
CHUNK = re.compile(r"^<<(.*)>>=\n((?:(?!@$).*\n)*)@$", re.MULTILINE)
BEGIN, END, EDIT = "\\begin{document}\n", "\\end{document}", "Edited.\n"
TEX = "pdflatex -interaction=nonstopmode -file-line-error -synctex=1 rival.tex".split()
LATEXMK = "latexmk -norc -pdf -f -silent -interaction=nonstopmode -file-line-error -synctex=1 -outdir=build rival.tex".split()

# These say when a stage begins: the first in the place of weaving's progress, the second around the programs of TeX.
STAGES = """import sys, time
import weaving.__main__ as program
def progress(start):
    return lambda stage, detail="": stage and print(time.time(), stage, detail, file=open({stamps!r}, "a"))
program.progress = progress
sys.argv = sys.argv[2:]
sys.exit(program.main())
"""
SHIM = """#!/bin/sh
echo "$(date +%s.%N) {name}" >> {stamps}
{command} "$@"; status=$?
echo "$(date +%s.%N) between" >> {stamps}
exit $status
"""
PWEAVE = """import pweave
pweave.rcParams["chunk"]["defaultoptions"].update(echo=False, fig=False)
pweave.weave("rival.texw", doctype="texpygments")
"""
PRELUDE = """<<name="prelude">>=
case_file = ""
from weaving import latex
latex.Tex._repr_latex_ = lambda self: str(self)
for kind in (str, latex.Tex):
    get_ipython().display_formatter.formatters["text/plain"].for_type(kind, lambda text, printer, cycle: printer.text(str(text)))
@
"""


def run(quick):
    """Seconds of each repetition and of its stages, by tool and by what there was to do; `left out`: why a rival is missing."""
    left_out = _missing()
    tools = [name for name in NAMES if name not in left_out]
    times = {name: {} for name in tools}
    with tempfile.TemporaryDirectory() as folder:
        roots = {name: _scratch(Path(folder, name)) for name in tools}
        turns = [(turn, name, what) for turn in range(1 if quick else 3)
                 for name in tools[turn:] + tools[:turn]  # ours is the first of all, and makes two files that the others need
                 for what in [CLEAN, PROSE, WOVEN] + [NOTHING, CODE] * (name == "ours")]
        for number, (_, name, what) in enumerate(turns):
            measure.progress(f"{NAMES[name]}: {what}", number / len(turns))
            _prepare(name, what, roots)
            times[name].setdefault(what, []).append(_timed(name, what, roots[name]))
    return {**measure.now(), "left out": left_out, "times": times}


def show(run):
    """Medians, and the rivals' ratios to ours; then the stages of three of the tasks."""
    times = run["times"]
    lines = [f"{run['date']}, load {run['load']}; seconds (medians), and over ours",
             " " * 36 + "".join(f"{NAMES[name]:>18}" for name in times)]
    for what in [CLEAN, WOVEN, PROSE, CODE, NOTHING]:
        known = {name: tasks[what] for name, tasks in times.items() if what in tasks}
        seconds = {name: statistics.median(each["seconds"] for each in repeats) for name, repeats in known.items()}
        lines.append(f"{what:36}" + "".join(f"{value:10.2f} ({value / seconds['ours']:5.2f})" for value in seconds.values()))
    for name in times:
        for what in [CLEAN, WOVEN, PROSE]:
            repeats = [each["stages"] for each in times[name][what]]
            medians = {stage: statistics.median(each.get(stage, 0) for each in repeats) for stage in repeats[0]}
            lines.append(f"{NAMES[name]}, {what}: " + ", ".join(f"{stage} {value:.2f}" for stage, value in medians.items()))
    return "\n".join(lines + [f"left out: {NAMES[name]}: {reason}" for name, reason in run["left out"].items()])


def for_pweave(text):
    """The report as stock Pweave takes it."""
    def figure(match):
        options, code = match.groups()
        if "fig=True" not in options:
            return match.group(0)
        before, shown = _last(code)
        options = re.sub(r'name="[^"]*"', re.search(r'label="[^"]*"', options).group(0).replace("label", "name"), options)
        return f"<<{options}>>=\n{before}display({shown})\n@"

    return CHUNK.sub(figure, text).replace(BEGIN, BEGIN + PRELUDE, 1)


def for_pythontex(text):
    r"""The report as PythonTeX takes it. A listing cannot stand in \py, and is printed by a chunk."""
    def chunk(match):
        options, code = match.groups()
        kind, place = "pyblock" if "echo=True" in options else "pycode", ""
        before, shown = _last(code)
        if "fig=True" in options:
            label, caption = (re.search(rf'{key}=r?"((?:[^"\\]|\\.)*)"', options).group(1) for key in ("label", "caption"))
            code = f"{before}({shown}).savefig('figures/{label}.pdf')\n"
            place = (f"\n\\begin{{figure}}[htb]\n\\centering\n\\includegraphics{{figures/{label}.pdf}}\n"
                     f"\\caption{{{caption}}}\\label{{fig:{label}}}\n\\end{{figure}}")
        elif shown:
            code = f"{before}print({shown})\n"
        return f"\\begin{{{kind}}}\n{code}\\end{{{kind}}}{place}"

    text = CHUNK.sub(chunk, text)
    text = re.sub(r"^<%= (source\(.*\)) %>$", r"\\begin{pycode}\nprint(\1)\n\\end{pycode}", text, flags=re.MULTILINE)
    text = re.sub(r"<%=\s*(.*?)\s*%>", r"\\py{\1}", text, flags=re.DOTALL)
    package = "\\usepackage{house}\n"
    text = text.replace(package, package + "\\usepackage{pythontex}\n\\setpythontexworkingdir{.}\n", 1)
    first = "\\begin{pycode}\n"
    return text.replace(first, first + "case_file = ''\nimport os; os.makedirs('figures', exist_ok=True)\n", 1)


def _last(code):
    """The code before its last expression, and that expression; empty if it ends with something else."""
    last, lines = ast.parse(code).body[-1], code.splitlines(keepends=True)
    if not isinstance(last, ast.Expr):
        return code, ""
    return "".join(lines[:last.lineno - 1]), "".join(lines[last.lineno - 1:]).rstrip()


def _missing():
    """{rival: why it cannot take part}."""
    missing = {}
    if not all(map(find_spec, ["pweave", "IPython", "ipykernel", "nbconvert"])) or not find_spec("IPython.core.inputsplitter"):
        missing["pweave"] = "this Python lacks Pweave with its Jupyter backend and ipython<9 (requirements-bench.in)"
    if not _found("pythontex.sty") or not _found("-format=texmfscripts", "pythontex.py"):
        missing["pythontex"] = "TeX lacks it (Debian: texlive-extra-utils)"
    return missing


def _found(*words):
    return subprocess.run(["kpsewhich", *words], capture_output=True, text=True).stdout.strip()


def _scratch(root):
    """A copy of this folder's sources, and beside it the tools that say when they are called."""
    copy_sources(root, CIRCUMSTANCES[0])
    (root / ".venv").symlink_to(Path(".venv").resolve())
    tools, stamps, python = root.with_suffix(".tools"), str(root.with_suffix(".stamps")), shlex.quote(sys.executable)
    tools.mkdir()
    (tools / "stages.py").write_text(STAGES.format(stamps=stamps))
    (tools / "weave.py").write_text(PWEAVE)
    pythontex = f"{python} -W ignore {_found('-format=texmfscripts', 'pythontex.py')} --interpreter python:{python}"
    for name, command in {"pdflatex": shutil.which("pdflatex"), "bibtex": shutil.which("bibtex"), "pythontex": pythontex}.items():
        (tools / name).write_text(SHIM.format(name=name, stamps=shlex.quote(stamps), command=command))
        (tools / name).chmod(0o755)
    return root


def _prepare(name, what, roots):
    """Make the state in which there is that to do."""
    root, report = roots[name], roots[name] / "report.texw"
    if what == CLEAN and name == "ours":
        subprocess.run(["make", "-s", "clean"], cwd=root, env=_environment(name, root), check=True)
    elif what == CLEAN:
        for path in [path for pattern in MADE for path in root.glob(pattern)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (root / "build").mkdir(exist_ok=True)
        for file in ["provenance.tex", "listings.tex"]:
            shutil.copy(roots["ours"] / "build" / file, root / "build" / file)
    if what in (CLEAN, PROSE):
        text = report.read_text(encoding="utf-8").replace(EDIT + END, END).replace(END, EDIT * (what == PROSE) + END)
        report.write_text(text, encoding="utf-8")
        if name == "pweave":
            (root / "rival.texw").write_text(for_pweave(text), encoding="utf-8")
        elif name == "pythontex":
            (root / "rival.tex").write_text(for_pythontex(text), encoding="utf-8")
    elif name == "ours" and what in (WOVEN, CODE):
        with open(root / ("code/plots/style.py" if what == WOVEN else "code/solutions/attention.py"), "a") as file:
            file.write("# edited\n")


def _timed(name, what, root):
    """Run the tool; its seconds, those of each stage, and the pages of its PDF."""
    tools, stamps = root.with_suffix(".tools"), root.with_suffix(".stamps")
    stamps.unlink(missing_ok=True)
    all_again = ["--runall", "true"] * (what == WOVEN)  # PythonTeX does not see that it must; Pweave always does
    further = {CLEAN: [TEX, ["bibtex", "rival"], TEX, TEX], WOVEN: [TEX]}.get(what, [])  # latexmk gives up at its first pass
    commands = {"ours": [["make", "pdf", f"RUN=.venv/bin/python {tools / 'stages.py'}"]],
                "pweave": [[sys.executable, "-W", "ignore", str(tools / "weave.py")], LATEXMK],
                "pythontex": [TEX, ["pythontex", *all_again, "rival"], *further]}[name]
    start = time.time()
    for number, command in enumerate(commands, 1):
        done = subprocess.run(command, cwd=root, env=_environment(name, root), stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode and (command is not TEX or number == len(commands)):  # PythonTeX's first pass lacks figures and values
            said = (done.stdout + done.stderr)[-1500:].decode(errors="replace")
            sys.exit(f"{NAMES[name]} failed with status {done.returncode}:\n{said}")
    end = time.time()
    pages = re.search(r"\((\d+) pages", (root / LOGS[name]).read_text(errors="replace"))
    return {"seconds": end - start, "stages": _stages(name, start, stamps, end), "pages": int(pages.group(1))}


def _stages(name, start, stamps, end):
    """{stage: its seconds}, from the lines `time stage` that the tools wrote."""
    marks = [line.split(" ", 1) for line in stamps.read_text().splitlines()] if stamps.exists() else []
    first = {"ours": "make", "pweave": "weave", "pythontex": "between"}[name]
    begun = [(start, first), *((float(at), what.strip()) for at, what in marks)]
    seconds, runs = {}, {}
    for (at, stage), (then, _) in zip(begun, [*begun[1:], (end, "")]):
        if stage in ("pdflatex", "bibtex", "pythontex"):
            runs[stage] = runs.get(stage, 0) + 1
            stage = f"{stage} {runs[stage]}"
        elif stage.startswith("chunk"):
            stage = "first chunk (imports, checks)" if stage.startswith("chunk 1 ") else "other chunks"
        elif then == end and stage == "between":
            stage = "after TeX" + " (its log, SyncTeX)" * (name == "ours")
        seconds[stage] = seconds.get(stage, 0) + then - at
    return seconds


def _environment(name, root):
    """One thread for the BLAS and the house style for LaTeX; nothing of a make around this program."""
    kept = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHONPATH")}
    kept["PATH"] = f"{root.with_suffix('.tools')}{os.pathsep}{kept['PATH']}"
    if name == "ours":
        return kept
    style = f"code/weaving:build:{Path(_found('pythontex.sty')).parent if name == 'pythontex' else ''}:"
    return {**kept, "PYTHONPATH": "code", "OPENBLAS_NUM_THREADS": "1", "TEXINPUTS": style, "BIBINPUTS": "bib:"}
