"""Finds calls in code whose results differ each time: the date, generators without a seed."""

import ast
import re

NONDETERMINISTIC_CALLS = {"today", "now", "utcnow", "time_ns", "uuid1", "uuid4", "urandom",
                          "token_hex", "token_bytes", "token_urlsafe", "randbelow", "randbits",
                          "SystemRandom"}  # fmt: skip
CLOCK_CALLS = {"time", "localtime", "gmtime", "ctime", "asctime"}  # unless a time is given
# These differ without a seed.
GENERATORS = {"default_rng", "RandomState", "Random", "seed", "SeedSequence", "PCG64",
              "PCG64DXSM", "MT19937", "Philox", "SFC64"}  # fmt: skip
# What may be called elsewhere: default_factory=datetime.now, from time import time as clock.
CLOCKS = re.compile(r"(?:.*\.)?(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time(?:_ns)?"
                    r"|uuid\.uuid[14])")  # fmt: skip
_NAMES = "|".join({*NONDETERMINISTIC_CALLS, *CLOCK_CALLS, *GENERATORS, "datetime64", "strftime",
                   "choice"})  # fmt: skip
# Code without a match need not be parsed.
MAYBE_NONDETERMINISTIC = re.compile(
    rf"\b(?:{_NAMES})(?=[\s\\]*\(|[\s\\]+as\b)|\.[\s\\]*(?:{_NAMES})\b"
)
CONSEQUENCE = "so the chunks run at every build"


def nondeterministic_calls(code: str | bytes) -> list[tuple[int, str]]:
    """Calls that differ each time, and clocks passed on to be called: (line, message)."""
    text = code if isinstance(code, str) else code.decode("utf-8", "replace")
    if not MAYBE_NONDETERMINISTIC.search(text):
        return []
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError):  # running it reports this
        return []
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    return [(node.lineno, f"{ast.unparse(node)} differs each time, {CONSEQUENCE}") for node in nodes
            if (_is_nondeterministic(node) if isinstance(node, ast.Call) else
                node not in called and _passes_a_clock(node))]  # fmt: skip


def _passes_a_clock(node):
    if isinstance(node, ast.ImportFrom):
        return any(alias.asname and CLOCKS.fullmatch(f"{node.module}.{alias.name}")
                   for alias in node.names)  # fmt: skip
    return isinstance(node, ast.Attribute) and CLOCKS.fullmatch(ast.unparse(node))


def _is_nondeterministic(call):
    called = ast.unparse(call.func)
    name, bare = called.rpartition(".")[2], not (call.args or call.keywords)
    given = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return (
        name in NONDETERMINISTIC_CALLS
        or (name in CLOCK_CALLS and bare)
        or (name in GENERATORS and (bare or given == [None]))
        or (name == "datetime64" and given[:1] in (["now"], ["today"]))
        or (called in ("time.strftime", "strftime") and len(call.args) == 1)
        or called == "secrets.choice"
    )
