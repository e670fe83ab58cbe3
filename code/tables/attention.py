"""Computer assignment 1: matrices about the case, and sentences, each printed only where true."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

import numpy as np

from solutions import heads, rounding
from solutions.cases import WEIGHTS
from solutions.rounding import agree_to_rounding
from solutions.wording import listed, spell_out, vector
from weaving import latex

DECIMALS = 3  # of the results
MAX_KEYS, MAX_HEADS = 8, 6  # that the table of one query shows
VETO = 0.1  # a head that gives a key less than this share of another head's weight overrules it
MIN_EXPONENT = -999  # the table says of a weight below 10^-999 only that it is smaller
LARGE_SCORE = 1e4  # scores from here on lose digits that a reader would miss
MAX_INPUTS_IN_ANY_ORDER = 6  # every order of up to this many inputs is tried: 6! = 720


def data_note(case):
    """For the first page: the notebook was not published, or what was taken from which file."""
    N, D = case.X.shape
    size = f"$N = {N}$ inputs of dimension $D = {D}$"
    if case.is_placeholder:
        return (
            "The notebook with the numbers of the computer assignment was not available to us. "
            f"The report therefore computes with placeholder numbers, in arrays of the size that "
            f"the sheet gives, {size}; the colophon, at the end, says how to insert those of the "
            "notebook."
        )
    return f"The numbers of the computer assignment, {size}, come from {source_of(case)}."


def source_of(case):
    """Where the arrays come from, in a few words."""
    if case.is_placeholder:
        return "the placeholder case"
    name = re.sub(r"\\_|[.\- ]", r"\g<0>\\allowbreak{}", latex.escape(case.source))
    return rf"the file \texttt{{{name}}}"


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
        """The numbers of heads beyond one; one query is followed through the first of them."""
        return [H for H in self.case.heads if H > 1]

    def where_printed(self):
        """Where the outputs and weights stand, and whether they are the notebook's."""
        headings = listed([rf"\emph{{{_title(H)}}}" for H in self.case.heads])
        text = f"The outputs (a) and the weights (b) are printed below, under {headings}."
        if self.case.is_placeholder:
            text += " The notebook was not available to us, so the numbers are placeholders."
        return text

    def differences(self):
        """By how much the outputs differ, for each number of heads."""
        if not self.several:
            return "This case asks for one head only."
        return " ".join(map(self._distance, self.several))

    def case_summary(self):
        """Size, final transformation, and where the numbers come from."""
        there_are, inputs = ("There are", "inputs") if self.N > 1 else ("There is", "input")
        rounded = f"All results are rounded to {spell_out(DECIMALS)} decimals"
        sentences = [
            f"{there_are} $N = {self.N}$ {inputs} of dimension $D = {self.D}$.",
            r"The final transformation is the identity, $\mathbf W_o = \mathbf I$."
            if self._final_is_identity()
            else r"The final transformation $\mathbf W_o$ is that of the case.",
            r"The numbers are standard normal, drawn by NumPy, \texttt{default\_rng(2024)}, in the "
            r"order $\mathbf X$, $\mathbf W_q$, $\mathbf W_k$, $\mathbf W_v$, and rounded to two "
            "decimals."
            if self.case.is_placeholder
            else f"The numbers come from {source_of(self.case)}.",
            *map(latex.escape, self.case.notes),
            f"{rounded}, but no weight is exactly zero or one." if self.N > 1 else f"{rounded}.",
        ]
        if max(self.N, self.D) > latex.MAX_SHOWN:
            sentences.append(
                f"Of larger matrices the first {latex.MAX_SHOWN} rows and columns are shown."
            )
        return "\n".join(sentences)

    def inputs(self):
        """The arrays of the case, exactly if four decimals are enough; W_o if it is not I."""
        arrays = {"X": self.case.X, **dict(zip(WEIGHTS, self.case.weights, strict=True))}
        if self._final_is_identity():
            del arrays["W_o"]
        decimals = latex.exact_decimals(*arrays.values())
        return latex.displayed([(latex.bold(name), arrays[name]) for name in arrays], decimals)

    def heading(self, H):
        """A heading, and a sentence that introduces the matrices below it."""
        text = rf"\paragraph{{{_title(H)}, $H = {H}$.}} The output $\mathbf Y$ (a) and the weights "
        if H == 1:
            text += r"$\mathbf A$ (b) are as follows."
        else:
            dots = r"\dots, " if H > 2 else ""
            rows = "rows" if self.D > H else "row"
            text += (
                rf"$\mathbf A_1, {dots}\mathbf A_{{{H}}}$ (b) are as follows. Each head uses "
                rf"{spell_out(self.D // H)} {rows} of $\mathbf W_q$, $\mathbf W_k$ "
                r"and $\mathbf W_v$."
            )
        return text

    def matrices(self, H):
        """The outputs and the weights of each head, displayed."""
        Y, A = self.results[H]
        names = [r"\mathbf A"] if H == 1 else [rf"\mathbf A_{{{h}}}" for h in range(1, H + 1)]
        return latex.displayed([(rf"\mathbf Y\,(H = {H})", Y), *zip(names, A)], DECIMALS)

    def matrices_of_several(self):
        """Heading and matrices for each number of heads beyond one."""
        return "\n".join(f"{self.heading(H)}\n{self.matrices(H)}" for H in self.several)

    def weights_of_several(self):
        """What the figure shows: the weights (H, N, N) of the first H beyond one, and a query."""
        H = (self.several or [1])[0]
        return self.results[H][1], self._query_and_key(H)[0] if H > 1 and self.N > 1 else None

    def one_query(self):
        """One query's weights in all heads, their product and the weights of the single head."""
        if not self.several or self.N == 1:
            return "One head, or one input, leaves nothing to compare."
        H = self.several[0]
        i, j = self._query_and_key(H)
        several = heads.log_weights(self.case, H)[:, i]  # (H, N)
        single = heads.log_weights(self.case, 1)[0, i]  # (N,)
        product = heads.log_products(self.case, H)[i]  # (N,)
        share = heads.log_softmax(product)
        caption = (
            f"Query {i + 1}: its weights in the {spell_out(H)} heads, the product of these, each "
            rf"raised to the power $1/\sqrt{{{H}}}$, the product divided by its sum over all keys, "
            "and the weights in the single head, all computed from unrounded numbers."
        )
        if H > MAX_HEADS:
            caption += f" Of {H} heads the first {MAX_HEADS} are shown."
        if self.N > MAX_KEYS:
            caption += (
                f" Shown are the {MAX_KEYS} keys with the largest weights of the single head."
            )
        columns = {f"head {h}": head for h, head in enumerate(several[:MAX_HEADS], 1)} | {
            "product of powers": product,
            "divided by their sum": share,
            "one head": single,
        }
        largest = np.sort(np.argsort(-single, kind="stable")[:MAX_KEYS])
        rows = [[k + 1, *(_significant(logs[k]) for logs in columns.values())] for k in largest]
        table = latex.table(["key", *columns], rows, "l" + "r" * len(columns))
        return (
            f"{_conflict(i, j, several, single)}{_rivalry(j, H, product, share)}"
            f"{self._columns_of_a_head(H, i, several[:, j].argmax())}\n\n"
            rf"\begin{{table}}[htb]\caption{{{caption}}}\label{{tab:query}}"
            f"\n\\begin{{wide}}\n{table}\n\\end{{wide}}\n\\end{{table}}"
        )

    def confirm_pool(self):
        """How well the product of the heads' weights meets the single head's, for this case."""
        if not self.several:
            return ""
        single = self.results[1][1][0]
        pooled = [heads.pooled_weights(self.case, H) for H in self.several]
        largest = max(float(np.abs(weights - single).max()) for weights in pooled)
        how = f"differ by {_as_rounding(self.case, largest)}" if largest else "agree"
        return f"Computed for this case, the two sides of this formula {how}."

    def _final_is_identity(self):
        return np.array_equal(self.case.W_o, np.eye(self.D))

    def _distance(self, H):
        (Y, A), Y_1 = self.results[H], self.results[1][0]
        if agree_to_rounding(Y, Y_1):
            uniform = agree_to_rounding(A, np.full_like(A, 1 / self.N))
            why = " because all weights are equal" if uniform else ""
            return f"Here the outputs with $H = {H}$ are those of one head up to rounding{why}."
        apart = np.abs(Y - Y_1)
        row, column = np.unravel_index(apart.argmax(), Y.shape)
        text = (
            f"In {'the placeholder' if self.case.is_placeholder else 'this'} case, the outputs "
            f"with $H = {H}$ differ from those of one head by up to "
            f"${latex.number(float(apart.max()), DECIMALS)}$ (row {row + 1}, column {column + 1})."
        )
        if agree_to_rounding(Y, Y_1, rounding.output_scale(self.case)):
            largest = latex.scientific(rounding.largest_score(self.case))
            text += f" With scores as large as {largest}, rounding alone could explain this."
        return text

    def _query_and_key(self, H):
        """The query whose output differs most; of its heads' favourite keys the one that loses."""
        i = np.abs(self.results[H][0] - self.results[1][0]).max(axis=1).argmax()
        favourites = self.results[H][1][:, i].argmax(axis=1)  # (H,)
        return i, favourites[self.results[1][1][0, i, favourites].argmin()]

    def _columns_of_a_head(self, H, i, h):
        """What its own weights do to the columns of the output that belong to head h."""
        if not self._final_is_identity():
            return ""
        width = self.D // H
        of_head = slice(h * width, (h + 1) * width)
        several, single = (
            f"${vector(self.results[n][0][i, of_head], latex.number)}$" for n in (H, 1)
        )
        columns = f"columns {h * width + 1} {'and' if width == 2 else 'to'} {(h + 1) * width}"
        if width == 1:
            columns = f"column {h + 1}"
        return (
            f" In the output $\\mathbf Y$, head {h + 1} supplies {columns}. There, output {i + 1} "
            f"is {several} with {spell_out(H)} heads, but {single} with one."
        )


def _conflict(i, j, several, single):
    """What several heads and one, as logarithms (H, N) and (N,), give key j of query i."""
    weights = np.exp(several[:, j])
    text = (
        f"Look at query {i + 1} and key {j + 1} in \\cref{{tab:query}}. The "
        f"{spell_out(len(several))} heads give this key the weights "
        f"{listed([*map(_significant, several[:, j])])}, "
        f"whereas the single head gives it {_significant(single[j])}."
    )
    if weights.max() > np.exp(single[j]) and weights.min() < VETO * weights.max():
        text += (
            f" Head {weights.argmax() + 1} gives it the largest of these weights, and head "
            f"{weights.argmin() + 1} gives it hardly any. In the single head the scores of all "
            f"heads are added up, and the very low score of head {weights.argmin() + 1} outweighs "
            f"the high one of head {weights.argmax() + 1}."
        )
    return text


def _rivalry(j, H, product, share):
    """Key j and its strongest rival, by the logarithms (N,) of products and of their shares."""
    rival = max(set(range(len(product))) - {j}, key=product.__getitem__)
    return (
        rf" The product of the heads' weights, each raised to the power $1/\sqrt{{{H}}}$, is "
        f"{_significant(product[j])} for key {j + 1}; of the other keys, key {rival + 1} has the "
        f"largest product, {_significant(product[rival])}. Divided by the sum over all keys, the "
        f"two become {_significant(share[j])} and {_significant(share[rival])}. These are the "
        "weights of the single head: the last two columns of the table agree, as the formula says."
    )


@dataclass(frozen=True)
class Swap:
    """Before and after the first two inputs change places: {H: (Y, A)} of one case."""

    case: object
    before: dict
    after: dict

    def result(self):
        """The outputs after the swap, and what became of the other rows.

        Raises: ValueError unless the outputs have moved with their inputs.
        """
        N = len(self.case.X)
        if N == 1:
            return "This case has one input, so there is nothing to swap."
        scale = rounding.output_scale(self.case)
        for H in self.case.heads:
            moved = self.before[H][0][[1, 0, *range(2, N)]]
            if not agree_to_rounding(self.after[H][0], moved, scale):
                raise ValueError(
                    f"the swap of inputs 1 and 2 must swap outputs 1 and 2 and leave the others as "
                    f"they are; with H = {H} it does not"
                )
        outputs = latex.displayed(
            [(rf"\mathbf Y'\,(H = {H})", Y) for H, (Y, _) in self.after.items()], DECIMALS
        )
        lines = min(30, len(self.case.heads) * min(N, latex.MAX_SHOWN) + 3)
        rest = " The other rows are the same as before." if N > 2 else ""
        return (
            rf"\Needspace{{{lines}\baselineskip}}" + "\n"
            f"After the swap, the outputs are as follows.\n{outputs}\n"
            f"The first two rows have changed places.{rest}"
        )

    def every_order(self):
        """How exactly the outputs and weights move along, over every order that was tried."""
        N = len(self.case.X)
        if N == 1:
            return ""
        if N <= MAX_INPUTS_IN_ANY_ORDER:
            orders = [list(order) for order in permutations(range(N))]
            tried = f"All {latex.thousands(len(orders))} orders of the {N} inputs were tried"
        else:
            orders = [[*range(n), n + 1, n, *range(n + 2, N)] for n in range(N - 1)]
            tried = f"The {N - 1} swaps of neighbours, of which every order is made up, were tried"
        largest = max(
            rounding.order_deviation(self.case, self.before[H], H, order)
            for H in self.case.heads
            for order in orders
        )
        how = "exactly"
        if largest:
            size = _as_rounding(self.case, largest, " of the largest entry")
            how = f"up to differences of {size}"
        numbers = listed([f"${H}$" for H in self.case.heads])
        return f"{tried} with $H = {{}}${numbers}: outputs and weights move with the inputs {how}."


def _title(H):
    """Answer for one head, Answer for three heads."""
    return f"Answer for {spell_out(H)} {'heads' if H > 1 else 'head'}"


def _as_rounding(case, deviation, of=""):
    """The power of ten above a deviation that only rounding may have caused; of what it is one.

    Raises: ValueError if it is larger than rounding explains.
    """
    bound, largest = rounding.max_deviation(case), rounding.largest_score(case)
    if deviation > bound:
        raise ValueError(
            f"rounding explains a deviation of at most {bound:.1g}, got {deviation:.1g}: the "
            "functions do not do what the text says of them"
        )
    why = "rounding error"
    if largest > LARGE_SCORE:
        why += f" where scores are as large as {latex.scientific(largest)}"
    return f"less than $10^{{{math.floor(math.log10(deviation)) + 1}}}${of}, which is {why}"


def _significant(log_value):
    """A positive number, given by its logarithm: three digits, or two and a power of ten."""
    value = Decimal(float(log_value)).exp()  # a float may be too small for it
    if value >= 0.001:
        return f"{float(value):#.3g}"
    if value < Decimal(10) ** MIN_EXPONENT:
        return rf"$<10^{{{MIN_EXPONENT}}}$"
    return latex.scientific(value, 2)
