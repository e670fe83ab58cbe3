"""Arrays, tables, numbers and source code as LaTeX, in the markup of the documents."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a build that runs no chunk does without it
    import numpy as np

MAX_SHOWN = 12  # rows and columns; of a larger matrix the corner is shown
MAX_WIDTH = 482  # points: text and margin, without the indentation of formulas but with a gap
# Points, in the size of displayed matrices; NAMED: a matrix's name, its equals sign and a gap.
DIGIT, SIGN, POINT, SEPARATION, NAMED, FACTOR = 4.3, 6.6, 2.2, 5.2, 79, 24
MAX_FIXED_POINT = 1e5  # from here on fixed-point numbers are hard to read


class Tex(str):
    """Text that is LaTeX already."""

    def _repr_markdown_(self) -> str:
        """What Jupyter shows of a chunk's result."""
        from weaving.markdown import typeset  # here, since a PDF does without it

        return typeset(self)


def matrix(array: np.ndarray, decimals: int = 3) -> Tex:
    """A vector (n,) or matrix (m, n) with aligned decimals, for use inside mathematics.

    A power of ten stands before it where its largest entry would have too few significant digits
    or is very large. Of more than MAX_SHOWN rows or columns the corner is shown.
    """
    power, rows = _scaled(array, decimals)
    signs = rows.min() < 0  # then each entry keeps room for one, so that all columns are alike
    across, corner = ([r"\cdots"], [r"\ddots"]) if rows.shape[1] > MAX_SHOWN else ([], [])
    shown = [
        [_fixed(value, decimals, signs) for value in row[:MAX_SHOWN]] + across
        for row in rows[:MAX_SHOWN]
    ]
    if len(rows) > MAX_SHOWN:
        shown.append([r"\vdots"] * min(MAX_SHOWN, rows.shape[1]) + corner)
    body = " \\\\\n".join(" & ".join(row) for row in shown)
    factor = f"10^{{{power}}}" if power else ""
    return Tex(f"{factor}\\begin{{bmatrix*}}[r]\n{body}\n\\end{{bmatrix*}}")


def displayed(matrices: Sequence[tuple[str, np.ndarray]], decimals: int = 3) -> Tex:
    """(name, array) pairs as displayed equations, as many side by side as fit on the page."""
    widths = [_width(array, decimals) for _, array in matrices]

    def fits(columns: int) -> bool:
        return sum(max(widths[k::columns]) for k in range(columns)) <= MAX_WIDTH

    columns = max(filter(fits, range(1, len(matrices) + 1)), default=1)
    fit = r"\fitted{%s}" if max(widths) > MAX_WIDTH else "%s"
    cells = [f"{name} &= {fit % matrix(array, decimals)}" for name, array in matrices]
    lines = [r" & \qquad ".join(cells[k : k + columns]) for k in range(0, len(cells), columns)]
    body = " \\\\[3pt]\n".join(lines)
    equations = f"\\begin{{alignat*}}{{{columns}}}\n{body}\n\\end{{alignat*}}"
    return Tex(f"\\begin{{matrices}}\n{equations}\\end{{matrices}}")


def exact_decimals(*arrays: np.ndarray, most: int = 4) -> int:
    """The fewest decimals that show the arrays exactly; `most` if more would be needed."""
    exact = (n for n in range(most) if all((array.round(n) == array).all() for array in arrays))
    return next(exact, most)


def number(value: float, decimals: int = 3) -> Tex:
    """A fixed-point number, or mantissa times power of ten where that would be zero or very long.

    For use inside mathematics. Raises ValueError if the value is not finite.
    """
    if value and (abs(value) < 0.5 * 10**-decimals or abs(value) >= MAX_FIXED_POINT):
        return Tex(scientific(value, 2).strip("$"))
    return Tex(f"{_finite(value):.{decimals}f}")


def scientific(value: float, digits: int = 1) -> Tex:
    """A number as $3\\times10^{-16}$, zero as $0$. Raises ValueError if it is not finite."""
    if _finite(value) == 0:
        return Tex("$0$")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return Tex(f"${mantissa}\\times10^{{{int(exponent)}}}$")


def thousands(number: float) -> Tex:
    """A number with thin spaces between the thousands, from five digits on."""
    return Tex(f"{number:,}".replace(",", r"\,") if number >= 10_000 else str(number))


def bold(name: str) -> Tex:
    """W_q as a bold letter with its index, for use inside mathematics."""
    letter, _, index = name.partition("_")
    return Tex(f"\\mathbf{{{letter}}}" + (f"_{{{index}}}" if index else ""))


def table(header: Sequence[str], rows: Iterable[Sequence], align: str) -> Tex:
    """A table of LaTeX cells; align as in tabular. Raises ValueError for a row of wrong length."""

    def line(row: Sequence) -> str:
        if len(row) != len(header):
            needed = f"{len(header)} cells as the header has"
            raise ValueError(f"a table row must have {needed}, got {len(row)}: {row}")
        return " & ".join(map(str, row)) + r" \\"

    begin, end = f"\\begin{{tabular}}{{@{{}}{align}@{{}}}}", r"\end{tabular}"
    rules = [r"\toprule", line(header), r"\midrule", *map(line, rows), r"\bottomrule"]
    return Tex("\n".join([begin, *rules, end]))


def escape(text: str) -> Tex:
    """Plain text as LaTeX."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return Tex("".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text))


def source(thing: object) -> Tex:
    """A function, class or module of code/ as a listing, with its file's line numbers."""
    code, first = inspect.getsourcelines(thing)
    name = f"code/{inspect.getmodule(thing).__name__.replace('.', '/')}.py"
    return code_listing("".join(code).rstrip("\n"), max(first, 1), name)  # 0 for a module


def lines(thing: object) -> str:
    """The lines of a function in the listing of its file: 34 to 44."""
    code, first = inspect.getsourcelines(thing)
    return f"{first} to {first + len(code) - 1}"


def code_listing(code: str, first_line: int, file: str = "") -> Tex:
    """Python code as a listing, numbered from first_line; the file's name is printed above it."""
    if "\\end{listing}" in code:
        raise ValueError(r"a listing must not contain \end{listing}")
    return Tex(f"\\begin{{listing}}{{{file}}}{{{first_line}}}\n{code}\n\\end{{listing}}")


def _scaled(array: np.ndarray, decimals: int) -> tuple[int, np.ndarray]:
    """The exponent of the power of ten before a matrix (0: none), and the matrix divided by it."""
    import numpy as np

    rows = np.atleast_2d(array)
    largest = float(np.abs(rows).max(initial=0))
    leading = decimals - 1 if decimals > 2 else decimals  # rounded results keep two digits at least
    smallest = 10.0**-leading
    if largest == 0 or smallest <= largest < MAX_FIXED_POINT:
        return 0, rows
    power = math.floor(math.log10(largest))
    return power, rows / 10.0**power


def _width(array: np.ndarray, decimals: int) -> float:
    """Approximate width of the displayed equation, in points."""
    power, array = _scaled(array, decimals)
    longest = max(len(f"{abs(value):.{decimals}f}") for value in array.flat)
    digits = DIGIT * (longest - 1) + POINT if decimals else DIGIT * longest
    entry = digits + (SIGN if array.min() < 0 else 0) + SEPARATION
    columns = min(array.shape[1], MAX_SHOWN + 1)  # the last for the dots
    return columns * entry + NAMED + (FACTOR if power else 0)


def _fixed(value: float, decimals: int, signs: bool) -> str:
    text = f"{value:.{decimals}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return r"\phantom{-}" + text if signs and not text.startswith("-") else text


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"the number must be finite, got {value}")
    return value
