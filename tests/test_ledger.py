"""The ledger itself: what it refuses, what a verdict is, the cache, the marks in the report, the table on the terminal."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sympy import Tuple, symbols

from proofs import __main__ as terminal
from proofs import marks, runner
from proofs.ledger import CLAIMS, ClaimFailed, Equation, Outcome, Worded, claim, shortened, verify

TWO, THREE = Worded("$1 + 1 = 2$", (1, 1, 2)), Worded("$1 + 1 = 3$", (1, 1, 3))


def adds_up(statement):
    a, b, c = statement.value
    return a + b == c


@pytest.fixture
def empty(monkeypatch):
    """An empty ledger, checks in threads; the real one comes back."""
    kept = dict(CLAIMS)
    CLAIMS.clear()
    monkeypatch.setattr(runner, "MODULES", [])
    monkeypatch.setattr(runner, "ProcessPoolExecutor", ThreadPoolExecutor)
    yield
    CLAIMS.clear()
    CLAIMS.update(kept)


def enter(name, check=adds_up, statement=TWO, scope="sample", over="small numbers", twins=None, **rest):
    twins = {"too large": THREE} if twins is None else twins
    claim(name, statement=statement, scope=scope, over=over, false_twin=twins, **rest)(check)
    return CLAIMS[name]


# Claims and verdicts

def test_a_claim_is_entered_as_it_was_given(empty):
    twins = {"too large": THREE}
    entered = enter("sum", twins=twins, by_hand="what addition is")
    twins.clear()
    assert list(vars(entered).values()) == [
        "sum", "test_ledger", TWO, "sample", "small numbers", {"too large": THREE}, adds_up, "what addition is"]
    assert enter("another").by_hand == ""
    assert claim("third", statement=TWO, scope="general", over="all", false_twin={"too large": THREE})(adds_up) is adds_up


@pytest.mark.parametrize("wrong, message", [
    (dict(scope="vague"), "claim 'sum' has the scope 'vague', one of ['general', 'numeric', 'sample'] is needed"),
    (dict(over=""), "claim 'sum' does not say for which sizes or to which precision"),
    (dict(twins={}), "claim 'sum' needs a false twin that differs from the statement"),
    (dict(twins={"none": Worded("$1 + 1 = 2$", (1, 1, 2))}), "claim 'sum' needs a false twin that differs from the statement"),
    (dict(twins={"one": THREE, "none": TWO}), "claim 'sum' needs a false twin that differs from the statement"),
])
def test_what_is_no_claim_is_refused(empty, wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        enter("sum", **wrong)
    assert CLAIMS == {}


def test_a_name_is_given_once(empty):
    enter("sum")
    with pytest.raises(ValueError, match=re.escape("two claims are called 'sum': in test_ledger and tests.elsewhere")):
        check = lambda statement: True
        check.__module__ = "tests.elsewhere"
        enter("sum", check)


def test_the_exercise_is_the_last_part_of_the_module(empty):
    check = lambda statement: adds_up(statement)
    check.__module__ = "a.b.exercise"
    assert enter("sum", check).exercise == "exercise"


def test_a_true_claim_holds(empty):
    outcome = verify(enter("sum", twins={"too large": THREE, "too small": Worded("$1 + 1 = 1$", (1, 1, 1))}))
    assert outcome.holds and outcome.problems == () and outcome.rejected == 2 and outcome.name == "sum"
    assert 0 < outcome.seconds < 60


def test_a_false_claim_and_an_accepted_twin_are_problems(empty):
    outcome = verify(enter("sum", statement=THREE, twins={"right": TWO, "too small": Worded("$1 + 1 = 1$", (1, 1, 1))}))
    assert not outcome.holds and outcome.rejected == 1
    assert outcome.problems == ("the check rejects the statement $1 + 1 = 3$",
                                "the check accepts the false twin (right): $1 + 1 = 2$")


@pytest.mark.parametrize("verdict", [1, 0, None, "True"])
def test_a_verdict_is_true_or_false(empty, verdict):
    entered = enter("sum", lambda statement: verdict)
    with pytest.raises(TypeError, match=re.escape(f"the check of 'sum' returned {verdict!r}, True or False is needed")):
        verify(entered)


def test_an_equation_is_typeset_from_both_its_sides():
    a, b, c = symbols("a b c")
    assert Equation(a / b, c).latex() == r"\frac{a}{b} = c" and Equation(a / b, c).as_text() == r"$\frac{a}{b} = c$"


def test_each_component_of_a_tuple_is_left_out_once():
    a, b, c = symbols("a b c")
    left = Tuple(1, 2, 3)
    assert shortened(Equation(left, Tuple(a, b, c))) == {
        "component 1 left out": Equation(left, Tuple(b, c)),
        "component 2 left out": Equation(left, Tuple(a, c)),
        "component 3 left out": Equation(left, Tuple(a, b))}


# Running and keeping

def test_an_exception_is_a_problem_of_its_claim(empty):
    enter("broken", lambda statement: 1 / 0)
    assert runner.run_one("broken") == Outcome("broken", ("the check raised ZeroDivisionError: division by zero",), 0, 0.0)


def test_all_claims_are_run_and_kept(empty, tmp_path, monkeypatch):
    calls = []
    enter("first", lambda statement: not calls.append("first") and adds_up(statement))
    enter("second", lambda statement: not calls.append("second") and adds_up(statement), statement=THREE, twins={"right": TWO})
    cache = tmp_path / "build" / "claims.json"
    outcomes = runner.run(cache)
    assert list(outcomes) == ["first", "second"] and sorted(calls) == ["first"] * 2 + ["second"] * 2
    assert outcomes["first"].holds and not outcomes["second"].holds
    assert runner.run(cache) == outcomes and len(calls) == 4
    assert [path.name for path in cache.parent.iterdir()] == ["claims.json"]
    monkeypatch.setattr(runner, "_key", lambda: "another code")
    assert set(runner.run(cache)) == {"first", "second"} and len(calls) == 8
    assert json.loads(cache.read_text())["key"] == "another code"
    runner.run()
    runner.run(tmp_path / "build" / "other.json")
    assert len(calls) == 16


def test_the_key_depends_on_each_file_that_a_check_can_use(tmp_path, monkeypatch):
    for name in ("proofs/a.py", "solutions/b.py", "solutions/c.json", "plots/d.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(runner, "CODE", tmp_path)
    keys = [runner._key()]
    for name in ("proofs/a.py", "solutions/b.py", "solutions/c.json"):
        (tmp_path / name).write_text("changed")
        keys.append(runner._key())
    (tmp_path / "solutions" / "b.py").rename(tmp_path / "solutions" / "bb.py")
    keys.append(runner._key())
    assert len(set(keys)) == len(keys) and all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)
    (tmp_path / "plots" / "d.py").write_text("changed")
    assert runner._key() == keys[-1]
    monkeypatch.setattr("sympy.__version__", "0")
    assert runner._key() != keys[-1]


def test_every_module_of_claims_is_run():
    modules = (runner.CODE / "proofs").glob("*.py")
    with_claims = {module.stem for module in modules if re.search("^@claim", module.read_text(), re.MULTILINE)}
    assert with_claims == set(runner.MODULES) == {claim.exercise for claim in runner.load().values()} == set(marks.EXERCISES)


# Marks

def test_marks_are_numbered_and_listed_in_the_order_of_the_report(empty):
    for name in ("first", "second"):
        enter(name)
    ledger = marks.Marks()
    assert ledger.mark("second") == r"\claimmark{1}" and ledger.mark("first") == r"\claimmark{2}"
    rows = [(entry.name, outcome.name, number) for entry, outcome, number in ledger.rows()]
    assert rows == [("second", "second", 1), ("first", "first", 2)]
    assert ledger.statement("first") == "$1 + 1 = 2$" and ledger.printed == {"first"}


def test_marks_are_checked_both_ways(empty, tmp_path):
    for name, rest in dict(first={}, wrong=dict(statement=THREE, twins={"right": TWO}), third={}).items():
        enter(name, **rest)
    ledger = marks.Marks(tmp_path / "claims.json")
    assert (tmp_path / "claims.json").exists()
    ledger.mark("first")
    for call, message in [(lambda: ledger.mark("first"), "claim 'first' is marked twice, first as number 1"),
                          (lambda: ledger.mark("fourth"), "the ledger has no claim 'fourth'"),
                          (lambda: ledger.statement("fourth"), "the ledger has no claim 'fourth'"),
                          (lambda: ledger.mark("wrong"), "claim 'wrong': the check rejects the statement $1 + 1 = 3$; "
                                                         "the check accepts the false twin (right): $1 + 1 = 2$"),
                          (lambda: ledger.mark("frist"), "the ledger has no claim 'frist'; is it 'first'?")]:
        with pytest.raises(ClaimFailed, match=re.escape(message) + "$"):
            call()
    with pytest.raises(ClaimFailed, match=r"^the report never makes the claim 'wrong' \(code/tests/test_ledger\.py:(\d+)\), "
                                          r"'third' \(code/tests/test_ledger\.py:\1\); mark it where it is made, or delete it there$"):
        ledger.rows()


# The terminal

def test_the_table_on_the_terminal(empty, capsys):
    enter("sum")
    enter("a longer name", by_hand="what addition is", scope="numeric")
    assert terminal.main([]) == 0
    assert re.sub(r" *\d+\.\d+ s", " S", capsys.readouterr().out).splitlines() == [
        "holds  sum            sample   1/1 twins rejected S",
        "holds  a longer name  numeric  1/1 twins rejected S",
        "2 claims hold, 0 fail, 2 false twins rejected, S of checks"]


def test_one_claim_on_the_terminal(empty, capsys):
    enter("sum")
    twins = {"right": TWO, "too small": Worded("$1 + 1 = 1$", (1, 1, 1))}
    enter("wrong", statement=THREE, twins=twins, by_hand="what addition is")
    assert terminal.main(["wrong"]) == 1
    assert re.sub(r" *\d+\.\d+ s", " S", capsys.readouterr().out).splitlines() == [
        "FAILS  wrong  sample   1/2 twins rejected S",
        "       the check rejects the statement $1 + 1 = 3$",
        "       the check accepts the false twin (right): $1 + 1 = 2$",
        "",
        "  $1 + 1 = 3$",
        "  over: small numbers",
        "  false twin, right: $1 + 1 = 2$",
        "  false twin, too small: $1 + 1 = 1$",
        "  not checked here: what addition is",
        "0 claims hold, 1 fail, 1 false twins rejected, S of checks"]
    assert terminal.main(["sum"]) == 0
    assert "not checked" not in capsys.readouterr().out
    assert terminal.main([]) == 1


def test_an_unknown_claim_on_the_terminal(empty, capsys):
    enter("sum")
    enter("difference")
    assert terminal.main(["sum", "product"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "no claim is called 'product'; there are:\n  sum\n  difference\n" and captured.out == ""


def test_colours_only_where_there_is_a_terminal(empty, capsys, monkeypatch):
    """Green for what holds, red for what does not."""
    enter("sum")
    enter("wrong", statement=THREE, twins={"right": TWO})
    terminal.main([])
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    terminal.main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("\x1b[32mholds\x1b[0m  sum ") and lines[1].startswith("\x1b[31mFAILS\x1b[0m  wrong ")


def test_measured_seconds_are_written_for_the_report(empty, tmp_path, monkeypatch):
    enter("sum")
    monkeypatch.setattr(terminal, "__file__", str(tmp_path / "__main__.py"))
    monkeypatch.setattr(terminal.os, "cpu_count", lambda: 7)
    assert terminal.measure() == 0
    text = (tmp_path / "seconds.json").read_text()
    measured = json.loads(text)
    assert re.fullmatch(r"7 cores, \w+, CPython 3\.\d+\.\d+\w*", measured["machine"])
    assert list(measured["seconds"]) == ["sum"] and 0 <= measured["seconds"]["sum"] < 1
    assert text.endswith("}\n") and '\n "seconds"' in text


def test_measured_seconds_are_given_to_the_millisecond(empty, tmp_path, monkeypatch):
    enter("sum")
    monkeypatch.setattr(terminal, "__file__", str(tmp_path / "__main__.py"))
    monkeypatch.setattr(runner, "run_one", lambda name: Outcome(name, (), 1, 0.0123456))
    terminal.measure()
    assert json.loads((tmp_path / "seconds.json").read_text())["seconds"] == {"sum": 0.012}
