"""Computer assignment 1: matrices about the case, and sentences, each printed only where true."""

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from solutions import attention
from solutions.cases import comparable
from tables import spelled
from weaving import latex

DECIMALS = 3  # of the results
FEW = 8  # keys that the table of one query shows
ALL_ORDERS = 6  # up to this many inputs every order is tried: 6! = 720
SMALLEST = 999  # power of ten below which a weight is only said to be smaller
LARGE = 1e4  # scores from here on lose digits that a reader would miss
MOST_HEADS = 6  # heads that the table of one query shows
VETO = 0.1  # a head that gives a key less than this share of another head's weight overrules it


def where_the_numbers_come_from(case):
    """For the first page: the notebook was not published, or what was taken from which file."""
    N, D = case.X.shape
    size = f"$N = {N}$ inputs of dimension $D = {D}$"
    if case.is_placeholder:
        return latex.Tex(
            "The notebook with the numbers of the computer assignment was not available to us. "
            f"The report therefore computes with placeholder numbers of the same size, {size}; "
            r"the command \texttt{make pdf CASE=session4.ipynb} replaces them by those of the "
            "notebook."
        )
    return latex.Tex(
        f"The numbers of the computer assignment, {size}, come from {source_of(case)}."
    )


def source_of(case):
    """Where the arrays come from, in a few words."""
    if case.is_placeholder:
        return latex.Tex("the placeholder case")
    name = latex.escape(case.source)
    for mark in ("\\_", ".", "-", " "):
        name = name.replace(mark, mark + r"\allowbreak{}")
    return latex.Tex(rf"the file \texttt{{{name}}}")


@dataclass(frozen=True)
class Comparison:
    """One head and several on the same case: results[H] is (Y, A) with A of shape (H, N, N)."""

    case: object
    results: dict

    @property
    def N(self):
        return self.case.X.shape[0]

    @property
    def D(self):
        return self.case.X.shape[1]

    @property
    def several(self):
        """The numbers of heads beyond one; the first of them is followed through one query."""
        return [H for H in self.case.heads if H > 1]

    def how_far_apart(self):
        """By how much the outputs differ, for each number of heads."""
        if not self.several:
            return latex.Tex("This case asks for one head only.")
        return latex.Tex(" ".join(map(self._distance, self.several)))

    def the_case(self):
        """Size, final transformation, and where the numbers come from."""
        identity = np.array_equal(self.case.W_o, np.eye(self.D))
        final = (
            r"The final transformation is the identity, $\mathbf W_o = \mathbf I$."
            if identity
            else r"The final transformation $\mathbf W_o$ is that of the case."
        )
        origin = (
            "The numbers of the notebook were not available to us. In their place stand "
            r"standard normal numbers drawn by NumPy, \texttt{default\_rng(2024)}, in the order "
            r"$\mathbf X$, $\mathbf W_q$, $\mathbf W_k$, $\mathbf W_v$, rounded to two decimals."
            if self.case.is_placeholder
            else f"The numbers come from {source_of(self.case)}."
        )
        notes = " ".join(latex.escape(note) for note in self.case.notes)
        corner = (
            ""
            if max(self.N, self.D) <= latex.LIMIT
            else f"Of larger matrices the first {latex.LIMIT} rows and columns are shown."
        )
        are = "are" if self.N > 1 else "is"
        size = f"There {are} $N = {self.N}$ input{'s' * (self.N > 1)} of dimension $D = {self.D}$."
        return latex.Tex("\n".join(filter(None, [size, final, origin, notes, corner])))

    def inputs(self):
        """The arrays of the case, as given if four decimals will do."""
        named = [
            ("X", self.case.X),
            ("W_q", self.case.W_q),
            ("W_k", self.case.W_k),
            ("W_v", self.case.W_v),
        ]
        if not np.array_equal(self.case.W_o, np.eye(self.D)):
            named.append(("W_o", self.case.W_o))
        decimals = latex.exact_decimals(*(array for _, array in named))
        return latex.displayed([(latex.bold(name), array) for name, array in named], decimals)

    def heading(self, H):
        heads = f"{spelled(H)} head{'s' * (H > 1)}".capitalize()
        return latex.Tex(rf"\paragraph{{{heads}, $H = {H}$.}} " + self._what_is_shown(H))

    def matrices(self, H):
        """The outputs and the weights of each head, displayed."""
        Y, A = self.results[H]
        names = [r"\mathbf A"] if H == 1 else [rf"\mathbf A_{{{h}}}" for h in range(1, H + 1)]
        return latex.displayed([(r"\mathbf Y", Y), *zip(names, A)], DECIMALS)

    def matrices_of_several(self):
        return latex.Tex("\n".join(f"{self.heading(H)}\n{self.matrices(H)}" for H in self.several))

    def weights_of_several(self):
        """The weights (H, N, N) that the figure shows: of the first H beyond one, if any."""
        return self.results[(self.several or [1])[0]][1]

    def one_query(self):
        """One query's weights in all heads, their product and the weights of the single head."""
        if not self.several or self.N == 1:
            return latex.Tex("One head, or one input, leaves nothing to compare.")
        H = self.several[0]
        i, j = self._query_and_key(H)
        heads = [f"head {h}" for h in range(1, H + 1)][:MOST_HEADS]
        table = latex.table(
            ["key", *heads, "product of powers", "divided by their sum", "one head"],
            self._rows_of_query(H, i),
            "l" + "r" * (len(heads) + 3),
        )
        return latex.Tex(
            f"{self._veto(H, i, j)}\n\n"
            rf"\begin{{table}}[htb]\caption{{The weights of query {i + 1} in each of the "
            f"{spelled(H)} heads, "
            rf"the product of these weights raised to the power $1/\sqrt{{{H}}}$, and the single "
            rf"head's."
            + (f" Of {H} heads the first {MOST_HEADS} are shown." if H > MOST_HEADS else "")
            + self._of_many()
            + r"}\label{tab:query}"
            + "\n\\begin{wide}\n"
            + table
            + "\n\\end{wide}\n\\end{table}"
        )

    def pool_confirmed(self):
        """How well the product of the heads' weights meets the single head's, for this case."""
        if not self.several:
            return latex.Tex("")
        largest = max(
            float(np.abs(self._pool(H) - self.results[1][1][0]).max()) for H in self.several
        )
        return latex.Tex(
            "Computed for this case, the two sides differ by "
            + ("nothing." if largest == 0 else f"at most {_as_rounding(self.case, largest)}.")
        )

    # How far apart --------------------------------------------------------------------------------

    def _in_which_case(self):
        return "In the placeholder case" if self.case.is_placeholder else "In this case"

    def _distance(self, H):
        Y, Y_1 = self.results[H][0], self.results[1][0]
        row, column = np.unravel_index(np.abs(Y - Y_1).argmax(), Y.shape)
        if comparable(Y, Y_1):
            uniform = comparable(self.results[H][1], np.full_like(self.results[H][1], 1 / self.N))
            why = " because all weights are equal" if uniform else ""
            return f"Here the outputs with $H = {H}$ are those of one head up to rounding{why}."
        difference = latex.number(float(np.abs(Y - Y_1).max()), DECIMALS)
        doubt = ""
        if comparable(Y, Y_1, _scale_of_outputs(self.case)):
            largest = latex.scientific(_largest_score(self.case))
            doubt = f" With scores as large as {largest}, rounding alone could explain this."
        return (
            f"{self._in_which_case()}, the outputs with $H = {H}$ differ from those of one head "
            f"by up to ${difference}$ (row {row + 1}, column {column + 1}).{doubt}"
        )

    def _what_is_shown(self, H):
        what = (
            r"The output $\mathbf Y$ and the weights $\mathbf A$ are as follows."
            if H == 1
            else r"The output $\mathbf Y$ and the weights $\mathbf A_1"
            + (r", \mathbf A_2$" if H == 2 else rf", \dots, \mathbf A_{{{H}}}$")
            + f" of the heads, each with {spelled(self.D // H)} row{'s' * (self.D > H)} of each "
            "matrix."
        )
        smallest = 0.5 * 10.0**-DECIMALS
        rounded = [h for h in self.case.heads if (self.results[h][1] < smallest).any()]
        if H not in rounded[:1]:  # said once is enough
            return what
        return what + f" A weight below ${smallest:g}$ is printed as ${0:.{DECIMALS}f}$."

    # One query ------------------------------------------------------------------------------------

    @cached_property
    def _log_weights(self):
        """{H: logarithms of the heads' weights (H, N, N)}: the weights themselves may underflow."""
        found = {}
        for H in self.several:
            heads = zip(np.split(self.case.W_q, H), np.split(self.case.W_k, H))
            S = np.stack([(self.case.X @ W_q.T) @ (self.case.X @ W_k.T).T for W_q, W_k in heads])
            S = S / (self.D // H) ** 0.5  # (H, N, N)
            S = S - S.max(axis=-1, keepdims=True)
            found[H] = S - np.log(np.exp(S).sum(axis=-1, keepdims=True))
        return found

    def _pool(self, H):
        """The product over heads of the weights to the power 1 / sqrt(H), normalised (N, N)."""
        return attention.softmax(self._log_weights[H].sum(axis=0) / H**0.5)

    def _log_powers(self, H, i):
        """Of query i and each key: log of the product of the heads' weights' powers (N,)."""
        return self._log_weights[H][:, i].sum(axis=0) / H**0.5

    def _query_and_key(self, H):
        """The query and key where one head's wish is overruled most clearly."""
        overruled = self.results[H][1].max(axis=0) - self.results[1][1][0]  # (N, N)
        return np.unravel_index(overruled.argmax(), overruled.shape)

    def _rows_of_query(self, H, i):
        A_h, A = self.results[H][1][:, i], self.results[1][1][0, i]  # (H, N), (N,)
        log_power = self._log_powers(H, i)
        log_pool = log_power - _log_of_sum(log_power)
        shown = np.sort(np.argsort(-A, kind="stable")[:FEW])
        return [
            [
                str(j + 1),
                *(
                    _significant(np.log(a) if a > 0 else log_a)
                    for a, log_a in zip(
                        A_h[:MOST_HEADS, j], self._log_weights[H][:MOST_HEADS, i, j]
                    )
                ),
                _significant(log_power[j]),
                _significant(log_pool[j]),
                _significant(np.log(A[j]) if A[j] > 0 else log_pool[j]),
            ]
            for j in shown
        ]

    def _of_many(self):
        return (
            ""
            if self.N <= FEW
            else f" Shown are the {FEW} keys with the largest weights of the single head."
        )

    def _veto(self, H, i, j):
        """What the heads and the single head give one key, in words."""
        of_heads, single = self.results[H][1][:, i, j], self.results[1][1][0, i, j]
        given = latex.listed([f"{_significant(np.log(a))}" if a > 0 else "$0$" for a in of_heads])
        text = (
            f"Look at query {i + 1} and key {j + 1} in \\cref{{tab:query}}. "
            f"The {spelled(H)} heads give this key the weights {given}, whereas the single head "
            f"gives "
            f"it ${single:.3f}$."
        )
        if of_heads.max() > single and of_heads.min() < VETO * of_heads.max():
            text += (
                f" Head {of_heads.argmax() + 1} gives it the largest weight, but head "
                f"{of_heads.argmin() + 1} gives it hardly any. In the single head their scores are "
                "added up, so the head that disagrees pulls the weight down."
            )
        log_power = self._log_powers(H, i)
        rival = max((k for k in range(self.N) if k != j), key=lambda k: log_power[k])
        log_sum = _log_of_sum(log_power)
        products, shares = (
            [_significant(log_power[k] - less) for k in (j, rival)] for less in (0, log_sum)
        )
        return text + (
            rf" The product of the heads' weights, each raised to the power $1/\sqrt{{{H}}}$, is "
            f"{products[0]} for key {j + 1}; of the other keys, key {rival + 1} has the largest "
            f"product, {products[1]}. Divided by the sum over all keys, the two become {shares[0]} "
            f"and {shares[1]}. These are the weights of the single head: "
            "the last two columns agree, as the formula says."
        )


@dataclass(frozen=True)
class Swap:
    """Before and after the first two inputs change places."""

    case: object
    before: dict
    after: dict

    def what_happened(self):
        """The outputs after the swap, and what became of the other rows."""
        if len(self.case.X) == 1:
            return latex.Tex("This case has one input, so there is nothing to swap.")
        outputs = latex.displayed(
            [(rf"\mathbf Y'\,(H = {H})", Y) for H, (Y, _) in self.after.items()], DECIMALS
        )
        lines = min(30, len(self.case.heads) * min(len(self.case.X), latex.LIMIT) + 3)
        return latex.Tex(
            rf"\Needspace{{{lines}\baselineskip}}" + "\n"
            f"After the swap, the outputs are as follows.\n{outputs}\n{self._moved()}{self._rest()}"
        )

    def every_order(self):
        """How exactly the outputs and weights move along, over every order that was tried."""
        N = len(self.case.X)
        if N == 1:
            return latex.Tex("")
        orders = (
            list(permutations(range(N)))
            if N <= ALL_ORDERS
            else [(*range(n), n + 1, n, *range(n + 2, N)) for n in range(N - 1)]
        )
        tried = (
            f"All {latex.thousands(len(orders))} orders of the {N} inputs were tried"
            if N <= ALL_ORDERS
            else f"The {N - 1} swaps of neighbours, of which every order is made up, were tried"
        )
        deviation = max(
            self._deviation(H, list(order)) for H in self.case.heads for order in orders
        )
        heads = latex.listed([f"${H}$" for H in self.case.heads])
        how = (
            "exactly"
            if deviation == 0
            else f"to within {_as_rounding(self.case, deviation, ' of the largest value')}"
        )
        return latex.Tex(
            f"{tried} with $H = {{}}${heads}: outputs and weights move with the inputs {how}."
        )

    def _moved(self):
        scale = _scale_of_outputs(self.case)
        swapped = all(
            comparable(self.after[H][0][:2], self.before[H][0][1::-1], scale)
            for H in self.case.heads
        )
        if not swapped:
            raise ValueError(
                "after the swap the first two outputs must have changed places, and have not"
            )
        return "The first two rows have changed places."

    def _rest(self):
        scale = _scale_of_outputs(self.case)
        if len(self.case.X) == 2:
            return ""
        if not all(
            comparable(self.after[H][0][2:], self.before[H][0][2:], scale) for H in self.case.heads
        ):
            raise ValueError("the swap of inputs 1 and 2 must leave the other outputs as they are")
        return " The other rows are the same as before."

    def _deviation(self, H, order):
        """The largest deviation from moving along, relative to the largest value and weight."""
        Y, A = self.before[H]
        case = self.case
        Y_moved, A_moved = attention.multi_head_self_attention(
            case.X[order], case.W_q, case.W_k, case.W_v, case.W_o, H
        )
        of_Y = np.abs(Y_moved - Y[order]).max() / (_largest_value(case) or 1)
        of_A = np.abs(A_moved - A[:, order][:, :, order]).max() / A.max()
        return float(max(of_Y, of_A))


def _largest_score(case):
    """The largest score in absolute value, of one head and of several."""
    scores = (
        (case.X @ W_q.T) @ (case.X @ W_k.T).T / len(W_q) ** 0.5
        for H in case.heads
        for W_q, W_k in zip(np.split(case.W_q, H), np.split(case.W_k, H))
    )
    return max(float(np.abs(S).max()) for S in scores)


def _largest_value(case):
    """The largest entry that the values and the final transformation can give an output."""
    return float(np.abs(case.X @ case.W_v.T).max() * max(1, np.abs(case.W_o).sum(axis=1).max()))


def _scale_of_outputs(case):
    """The magnitude that the rounding of the outputs is relative to (see cases.comparable)."""
    return _largest_value(case) * max(1.0, _largest_score(case))


def _as_rounding(case, deviation, of=""):
    """A deviation that only rounding may have caused, and what it is a fraction of.

    Raises ValueError if it is larger than rounding explains.
    """
    largest = max(1.0, _largest_score(case))
    bound = (256 + case.X.size) * float(np.finfo(float).eps) * largest
    if deviation > bound:
        raise ValueError(
            f"rounding explains a deviation of at most {bound:.1g}, got {deviation:.1g}: the "
            "functions do not do what the text says of them"
        )
    why = "rounding error"
    if largest > LARGE:
        why += f" where scores are as large as {latex.scientific(largest)}"
    return f"{latex.scientific(deviation)}{of}, which is {why}"


def _log_of_sum(logs):
    """The logarithm of the sum of numbers given by their logarithms (N,)."""
    return logs.max() + np.log(np.exp(logs - logs.max()).sum())


def _significant(log_value):
    """A positive number, given by its logarithm: three digits, or two and a power of ten."""
    value = float(np.exp(log_value))
    if value >= 0.001:
        return f"{value:#.3g}"
    exponent = int(np.floor(log_value / np.log(10)))
    if exponent < -SMALLEST:
        return rf"$<10^{{-{SMALLEST}}}$"
    mantissa = float(np.exp(log_value - exponent * np.log(10)))
    return rf"${mantissa:.1f}\times10^{{{exponent}}}$"
