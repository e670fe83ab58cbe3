"""The two documents, built as `make` builds them: their text holds what the code computes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from proofs import runner
from solutions import attention, cases

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def build(folder, *arguments, **environment):
    environment = {**os.environ, "PYTHONPATH": "code", **environment}
    options = {"cwd": folder, "env": environment, "timeout": 600}
    command = [sys.executable, "-m", "weaving", *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)


def copy_of_the_sources(folder):
    for name in ("code", "bib"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("report.texw", "supplement.texw"):
        shutil.copy(ROOT / name, folder)
    (folder / "PROVENANCE").write_text("0123456 1700000000\n")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copy_of_the_sources(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def documents(folder):
    """Both documents of the placeholder case, as text."""
    for name in ("report", "supplement"):
        done = build(folder, name)
        assert done.returncode == 0, done.stdout + done.stderr
    return {name: text_of(folder / f"{name}.pdf") for name in ("report", "supplement")}


def text_of(pdf):
    pages = "\n".join(page.extract_text() for page in PdfReader(pdf).pages)
    return pages.replace("−", "-").replace("–", "-")


def rows_missing(matrix, text, decimals=3):
    """The rows of the matrix whose numbers do not stand in the text, in order."""
    flat = re.sub(r"\s+", " ", text)
    missing = []
    for row in matrix:
        numbers = [f"{value:.{decimals}f}" for value in row]
        numbers = [n.removeprefix("-") if float(n) == 0 else n for n in numbers]
        if not re.search(r"\s*".join(map(re.escape, numbers)), flat):
            missing.append(numbers)
    return missing


def test_the_report_holds_what_the_code_computes(documents):
    text, case = documents["report"], cases.placeholder()
    for H in case.heads:
        Y, A = attention.multi_head_self_attention(case.X, *case.weights, H)
        assert not rows_missing(Y, text)
        assert not any(rows_missing(A_h, text) for A_h in A)
    for matrix in (case.X, case.W_q, case.W_k, case.W_v):
        assert not rows_missing(matrix, text, decimals=2)
    assert rows_missing(case.X + 0.01, text, decimals=2), "the comparison can fail"


@pytest.mark.parametrize("name", ["report", "supplement"])
def test_nothing_is_left_over_in_the_text(name, documents):
    for left in ["Traceback", r"\bnan\b", r"\?\?", "<%", r"np\.float64", r"%%%"]:
        assert not re.search(left, documents[name]), left
    assert "0123456" in documents[name]


@pytest.mark.parametrize("name", ["report", "supplement"])
def test_every_claim_has_a_tick_and_a_row(name, documents, folder):
    tex = (folder / f"build/{name}.tex").read_text()
    ticked = [n for found in re.findall(r"\\checked\{([\d,]+)\}", tex) for n in found.split(",")]
    rows = re.findall(r"\\claimrow\{(\d+)\}", tex)
    claims = [claim for claim in runner.load().values() if claim.document == name]
    assert ticked == rows == [str(n) for n in range(1, len(claims) + 1)]
    assert tex.count(r"\includegraphics[alt={") == tex.count(r"\includegraphics") > 0


def test_the_same_sources_give_the_same_latex_and_figures(documents, folder, tmp_path):
    """That TeX makes the same bytes of them, test_build shows."""
    copy_of_the_sources(tmp_path)
    (tmp_path / "build").mkdir()
    shutil.copy(folder / "build/proofs.json", tmp_path / "build")  # test_proofs runs the claims
    (tmp_path / "latexmk").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "latexmk").chmod(0o755)
    done = build(tmp_path, "report", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "latexmk stopped with status 9" in done.stderr, done.stderr
    figures = [path.relative_to(folder) for path in folder.glob("figures/report/*")]
    for path in ["build/report.tex", "build/provenance.tex", "build/listings.tex", *figures]:
        assert (tmp_path / path).read_bytes() == (folder / path).read_bytes(), path
    assert len(figures) > 9


def test_another_case_builds_and_holds_its_numbers(documents, folder):
    """Larger than the page, all weights from the right, three numbers of heads."""
    rng = np.random.default_rng(7)
    X, W = rng.normal(size=(14, 15)), rng.normal(size=(3, 15, 15)) / 4
    names = ("X", "W_q", "W_k", "W_v")
    numbers = dict(zip(names, [X, *W], strict=True), heads=[3, 5], from_right=True)
    np.savez(folder / "other.npz", **numbers)
    done = build(folder, "report", "--case", "other.npz")
    assert done.returncode == 0, done.stdout + done.stderr
    text, case = text_of(folder / "report.pdf"), cases.load(folder / "other.npz")
    Y, _ = attention.multi_head_self_attention(case.X, *case.weights, 3)
    assert not rows_missing(Y[:12, :12], text)
    assert "other.npz" in text and "placeholder" not in text


def test_a_bad_case_leaves_the_report_alone(folder):
    (folder / "report.pdf").write_bytes(b"the last good one")
    case = cases.placeholder()
    bad = dict(X=case.X, W_q=case.W_q[:, :5], W_k=case.W_k, W_v=case.W_v)
    np.savez(folder / "bad.npz", **bad)
    done = build(folder, "report", "--case", "bad.npz")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert all(part in done.stderr for part in ("bad.npz", "W_q", "6 x 6", "6 x 5"))
    assert (folder / "report.pdf").read_bytes() == b"the last good one"
