"""Numbers and lists as plain text, for sentences, figures and messages."""

import math
from collections.abc import Callable, Iterable

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def listed(parts: Iterable[str], most: float = math.inf) -> str:
    """a; a and b; a, b and c; of more than `most` parts, how many more there are."""
    *parts, last = list(parts) or ["nothing"]
    if len(parts) >= most:
        parts, last = parts[:most], f"{len(parts) + 1 - most} more"
    return " and ".join(filter(None, [", ".join(parts), last]))


def spell_out(number: int) -> str:
    """Small numbers as words: three, but 22."""
    return WORDS[number] if number < len(WORDS) else str(number)


def short(value: float) -> str:
    """A whole number as it is, another one to two decimals."""
    value = round(float(value), 2) + 0.0  # + 0.0 turns -0.0 into 0.0
    return f"{value:.0f}" if value.is_integer() else f"{value:.2f}"


def vector(values: Iterable[float], entry: Callable[[float], str] = short) -> str:
    """A short vector: (1, -0.50)."""
    return f"({', '.join(map(entry, values))})"
