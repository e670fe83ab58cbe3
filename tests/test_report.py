"""The whole report, built as `make pdf` builds it: its text holds the numbers computed, for the stand-in and for other cases."""

import json
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

ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(7)
OTHER_CASES = {
    "wide, two lists of heads": dict(X=RNG.normal(size=(3, 8)), W=RNG.normal(size=(3, 8, 8)), heads=[2, 4]),
    "two inputs, one dimension": dict(X=RNG.normal(size=(2, 1)), W=RNG.normal(size=(3, 1, 1))),
    "nothing differs: all weights equal": dict(X=RNG.normal(size=(4, 6)), W=RNG.normal(size=(3, 6, 6)) * [[[0.0]], [[0.0]], [[1.0]]]),
    "too large to print whole": dict(X=RNG.normal(size=(14, 15)), W=RNG.normal(size=(3, 15, 15)) / 4),
}


def copy_of_the_sources(folder):
    """What git tracks, as a fresh checkout would have it, without its history."""
    for name in ["code", "bib", "tests"]:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ["report.texw", "requirements.txt", "Makefile"]:
        shutil.copy(ROOT / name, folder)
    (folder / "PROVENANCE").write_text("0123456 1700000000\n")


def build(folder, case=""):
    environment = {**os.environ, "PYTHONPATH": "code"}
    return subprocess.run([sys.executable, "-m", "weaving", "--case", case], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    copy_of_the_sources(folder)
    return folder


def text_of(pdf):
    return "\n".join(page.extract_text() for page in PdfReader(pdf).pages).replace("−", "-").replace("–", "-")


def first_page(folder):
    return re.sub(r"\s+", " ", PdfReader(folder / "report.pdf").pages[0].extract_text())


def assert_printed(matrix, text, decimals=3):
    """Each row of the matrix stands in the text, its numbers in order."""
    flat = re.sub(r"\s+", " ", text)
    for row in matrix:
        numbers = [f"{value:.{decimals}f}" for value in row]
        numbers = [n.removeprefix("-") if float(n) == 0 else n for n in numbers]
        assert re.search(r"\s*".join(map(re.escape, numbers)), flat), f"the row {' '.join(numbers)} is not in the PDF"


def test_the_stand_in_report_holds_what_the_code_computes(folder):
    done = build(folder)
    assert done.returncode == 0, done.stderr
    text = text_of(folder / "report.pdf")
    case = cases.stand_in()
    for H in case.heads:
        Y, A = attention.multi_head_self_attention(case.X, case.W_q, case.W_k, case.W_v, case.W_o, H)
        assert_printed(Y, text)
        for A_h in A:
            assert_printed(A_h, text)
    for matrix in (case.X, case.W_q, case.W_k, case.W_v):
        assert_printed(matrix, text, decimals=2)
    assert "stand-in" in first_page(folder)
    assert "0123456" in text and cases.digest(case) in text
    for word in ["Traceback", r"\bnan\b", r"\?\?", "<%", r"np\.float64"]:
        assert not re.search(word, text), word


def test_every_figure_and_every_claim_is_in_the_report(folder):
    tex = (folder / "build/report.tex").read_text()
    assert tex.count(r"\claimmark{") == tex.count(r"\claimrow{") == len(runner.load())
    assert tex.count(r"\includegraphics[alt={") == tex.count(r"\includegraphics") == len(list((folder / "figures").glob("*.pdf")))


@pytest.mark.parametrize("name", OTHER_CASES)
def test_other_cases_build_and_hold_their_numbers(name, folder):
    numbers = dict(OTHER_CASES[name])
    W_q, W_k, W_v = numbers.pop("W")
    data = {"W_q": W_q, "W_k": W_k, "W_v": W_v, **numbers}
    (folder / "other.json").write_text(json.dumps({key: np.asarray(value).tolist() for key, value in data.items()}))
    done = build(folder, "other.json")
    assert done.returncode == 0, done.stderr
    case, text = cases.load(folder / "other.json"), text_of(folder / "report.pdf")
    Y, A = attention.multi_head_self_attention(case.X, case.W_q, case.W_k, case.W_v, case.W_o, case.heads[-1])
    if len(case.X) <= 12:
        assert_printed(Y, text)
        assert_printed(A[0], text)
    assert "stand-in" not in first_page(folder)


def test_a_bad_case_leaves_the_report_alone(folder):
    (folder / "report.pdf").write_bytes(b"the last good one")
    case = cases.stand_in()
    bad = {name: getattr(case, name).tolist() for name in ("X", "W_q", "W_k", "W_v")}
    bad["W_q"] = [row[:5] for row in bad["W_q"]]
    (folder / "bad.json").write_text(json.dumps(bad))
    done = build(folder, "bad.json")
    assert done.returncode != 0
    assert "bad.json" in done.stderr and "6 x 5" in done.stderr and "Traceback" not in done.stderr
    assert "\n1 problem; report.pdf is left as it was" in done.stderr  # what follows from it is not told
    assert (folder / "report.pdf").read_bytes() == b"the last good one"
