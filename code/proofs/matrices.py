"""Equality of matrix expressions of symbolic size, decided by expanding them into words.

Read every MatrixSymbol, its transpose and its inverse as letters that do not commute. Sums, products and transposes
expand into a unique polynomial: {monomial: coefficient}. Two expressions are equal for all matrices of all sizes exactly
if their polynomials are. SymPy's own `simplify` compares structure and can miss an equality; words do not, and they
cannot accept a false one.

    W (x + p)           ->  {W x: 1, W p: 1}
    (W x)^T             ->  {x^T W^T: 1}
    tr(A^T B) x^T M y   ->  {tr(A^T B) tr(x^T M y): 1}

A monomial is a word and the scalars before it. A scalar is a closed word, that is a trace: its letters may be rotated and
transposed as one, and it commutes with everything. A word is closed by a trace, or by sides of length one: x^T M y is its
own trace. A block matrix is a table of polynomials.
"""

import re
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from sympy import (Add, BlockMatrix, Expr, Function, Identity, Inverse, MatAdd, MatMul, MatPow, MatrixBase, MatrixExpr,
                   MatrixSymbol, Mul, Pow, S, Trace, Transpose, Tuple, ZeroMatrix, cancel, expand, sympify)
from sympy.printing.latex import LatexPrinter


def equal(left, right, given=None, symmetric=()):
    """True if left = right for all matrices that meet the hypotheses.

    given       {product: value}. The product is an expression or a tuple of its factors; the value is a shorter product, or
                a number c, which stands for c times the identity. {(P.T, P): 1}: orthonormal columns. {(W_q.T, W_k): M}:
                a name for a product. {Trace(P.T * P): N}: the value of a trace.
    symmetric   the MatrixSymbols that equal their transpose

    Without hypotheses the answer is exact, for rational coefficients. With them True is still a proof; False says that
    none was found.
    Raises: TypeError for what has no words; ValueError for hypotheses or blocks that do not fit.
    """
    left, right = sympify(left), sympify(right)
    if _shape(left) != _shape(right):
        return False
    hypotheses = _hypotheses(given or {}, symmetric)
    difference = _plus(_blocks(left), _scaled(_blocks(right), {((), ()): S.NegativeOne}))
    return not any(_normal(cell, hypotheses) for row in difference.cells for cell in row)


def pairwise(compare, left, right):
    """True if two tuples have as many components, at least one, and compare says yes to each pair."""
    return (isinstance(left, Tuple) and isinstance(right, Tuple) and len(left) == len(right) > 0
            and all(map(compare, left, right)))


class SquaredNorm(Expr):
    """The squared Frobenius norm, the sum of all squared entries: tr(A^T A)."""

    def _latex(self, printer):
        kind = "" if self.args[0].shape[1] == 1 else "_{F}"
        return rf"\left\lVert {printer._print(self.args[0])} \right\rVert{kind}^{{2}}"


# Expanding: from expressions to tables of polynomials

class Letter(NamedTuple):
    name: str
    rows: object
    cols: object
    transposed: bool = False
    inverse: bool = False

    @property
    def transpose(self):
        return self._replace(rows=self.cols, cols=self.rows, transposed=not self.transposed)

    @property
    def symbol(self):
        return (self.transpose if self.transposed else self)._replace(inverse=False)


@dataclass(frozen=True)
class Blocks:
    """A table of polynomials, with the height of each of its rows and the width of each of its columns."""

    rows: tuple
    cols: tuple
    cells: list


def _blocks(e):
    """The expression as a table of polynomials, one by one unless it is made of block matrices."""
    if not e.is_Matrix:
        return _block(_scalar(e), (1, 1))
    if isinstance(e, MatrixSymbol):
        return _block({((), (Letter(e.name, *e.shape),)): S.One}, e.shape)
    if isinstance(e, Identity):
        return _block({((), ()): S.One}, e.shape)
    if isinstance(e, ZeroMatrix):
        return _block({}, e.shape)
    if isinstance(e, BlockMatrix):
        cells = [[_one(_blocks(block)) for block in row] for row in e.blocks.tolist()]
        return Blocks(tuple(e.rowblocksizes), tuple(e.colblocksizes), cells)
    if isinstance(e, Transpose):
        table = _blocks(e.arg)
        return Blocks(table.cols, table.rows, [[_transpose(cell) for cell in column] for column in zip(*table.cells)])
    if isinstance(e, MatAdd):
        return reduce(_plus, map(_blocks, e.args))
    if isinstance(e, MatMul):
        scalar, matrices = e.as_coeff_matrices()
        return _scaled(reduce(_times, map(_blocks, matrices)), _scalar(scalar))
    if isinstance(e, MatPow) and e.exp.is_Integer and e.exp > 0:
        return reduce(_times, [_blocks(e.base)] * int(e.exp))
    if isinstance(e, Inverse) and isinstance(e.arg, MatrixSymbol):
        return _block({((), (Letter(e.arg.name, *e.shape, inverse=True),)): S.One}, e.shape)
    if isinstance(e, Inverse) and isinstance(e.arg, Transpose):
        return _blocks(Transpose(Inverse(e.arg.arg)))
    raise TypeError(f"no words for {type(e).__name__} {e}")


def _scalar(e):
    """The polynomial of a scalar expression: all its words are closed."""
    if isinstance(e, Trace):
        return _trace(_blocks(e.arg))
    if isinstance(e, SquaredNorm):
        return _trace(_blocks(MatMul(Transpose(e.args[0]), e.args[0])))
    if isinstance(e, Add):
        return _collect(pair for term in e.args for pair in _scalar(term).items())
    if isinstance(e, Mul):
        return reduce(_multiply, map(_scalar, e.args))
    if isinstance(e, Pow) and e.has(MatrixExpr) and e.exp.is_Integer and e.exp > 0:
        return reduce(_multiply, [_scalar(e.base)] * int(e.exp))
    if e.has(MatrixExpr) or not e.is_commutative:
        raise TypeError(f"no words for {type(e).__name__} {e}")
    return _collect([(((), ()), e)])


def _trace(table):
    if table.rows != table.cols:
        raise ValueError(f"a trace of blocks of heights {table.rows} and widths {table.cols}")
    return _collect(((scalars + (word,), ()), factor) if word else ((scalars, ()), factor * size)
                    for i, size in enumerate(table.rows) for (scalars, word), factor in table.cells[i][i].items())


def _block(polynomial, shape):
    return Blocks(shape[:1], shape[1:], [[polynomial]])


def _one(table):
    if len(table.rows) > 1 or len(table.cols) > 1:
        raise TypeError("no words for blocks inside blocks")
    return table.cells[0][0]


def _plus(a, b):
    if (a.rows, a.cols) != (b.rows, b.cols):
        raise ValueError(f"blocks of heights {a.rows} and widths {a.cols} beside heights {b.rows} and widths {b.cols}")
    return Blocks(a.rows, a.cols, [[_collect([*p.items(), *q.items()]) for p, q in zip(*rows)] for rows in zip(a.cells, b.cells)])


def _times(a, b):
    if a.cols != b.rows:
        raise ValueError(f"blocks of widths {a.cols} meet blocks of heights {b.rows}")
    columns = list(zip(*b.cells))
    return Blocks(a.rows, b.cols, [[_dot(row, column) for column in columns] for row in a.cells])


def _dot(row, column):
    return _collect(pair for p, q in zip(row, column) for pair in _multiply(p, q).items())


def _scaled(table, scalar):
    return Blocks(table.rows, table.cols, [[_multiply(scalar, cell) for cell in row] for row in table.cells])


def _multiply(p, q):
    return _collect(((s + t, u + v), a * b) for (s, u), a in p.items() for (t, v), b in q.items())


def _transpose(polynomial):
    return {(scalars, _reversed(word)): factor for (scalars, word), factor in polynomial.items()}


def _reversed(word):
    return tuple(letter.transpose for letter in reversed(word))


def _collect(pairs):
    """Add up the coefficients of equal monomials, drop what cancels."""
    total = {}
    for monomial, factor in pairs:
        total[monomial] = total.get(monomial, S.Zero) + factor
    return {monomial: factor for monomial, factor in total.items() if not _is_zero(factor)}


def _is_zero(number):
    number = expand(number)
    return number == 0 or bool(number.free_symbols) and cancel(number) == 0


# Normal form: hypotheses applied, closed words taken out and brought to one standard form

@dataclass(frozen=True)
class Hypotheses:
    words: dict      # {word: (factor, the shorter word in its place)}
    traces: dict     # {closed word: value}
    symmetric: frozenset


def _hypotheses(given, symmetric):
    known = Hypotheses({}, {}, frozenset(Letter(s.name, *s.shape) for s in symmetric))
    for product, value in given.items():
        product, value = MatMul(*product) if isinstance(product, tuple) else product, sympify(value)
        match list(_one(_blocks(product)).items()):
            case [(((closed,), ()), S.One)]:
                known.traces[_standard(closed, known)] = value
            case [(((), word), S.One)] if word:
                if not value.is_Matrix and value != 0:
                    value = value * Identity(_square_side(product))
                for turn in (_reversed, tuple):
                    known.words[_plain(turn(word), known)] = _shorter(value, turn, word, known)
            case _:
                raise ValueError(f"the hypothesis {product} = {value} is not about one product")
    return known


def _square_side(product):
    if product.rows != product.cols:
        raise ValueError(f"{product} has {product.rows} rows and {product.cols} columns: no multiple of the identity")
    return product.rows


def _shorter(value, turn, word, known):
    """The one term (factor, word) that the hypothesis puts in the place of a word."""
    if value == 0 or isinstance(value, ZeroMatrix):
        return S.Zero, ()
    terms = list(_one(_blocks(value)).items())
    (scalars, shorter), factor = terms[0]
    if len(terms) > 1 or scalars or len(shorter) >= len(word) or value.shape != (word[0].rows, word[-1].cols):
        raise ValueError(f"{value} cannot stand for {len(word)} letters: one shorter product of the same shape is needed")
    return factor, _plain(turn(shorter), known)


def _normal(polynomial, known):
    return _collect(_normal_monomial(list(scalars), word, factor, known) for (scalars, word), factor in polynomial.items())


def _normal_monomial(scalars, word, factor, known):
    word, factor = _reduce(_plain(word, known), factor, known)
    ends = _ends(word)
    if len(ends) > 1:                      # x y^T z w^T = (y^T z) x w^T
        scalars, word = scalars + _between(word, ends), word[:ends[0]] + word[ends[-1]:]
        word, factor = _reduce(word, factor, known)
    closed = []
    while scalars:
        more, factor, done = _close(_plain(scalars.pop(), known), factor, known)
        scalars += more
        closed += done
    return (tuple(sorted(closed, key=str)), word), factor


def _close(word, factor, known):
    """One step for a closed word: (closed words still to do, factor, closed words done)."""
    for rotation in _rotations(word):
        if (match := _match(rotation, known)):
            taken, by, shorter = match
            rest = shorter + rotation[taken:]
            return ([rest], factor * by, []) if rest else ([], factor * by * rotation[0].rows, [])
    ends = [i for i, letter in enumerate(word) if letter.rows == 1]
    if len(ends) > 1:                      # tr(x y^T z w^T) = (y^T z) (w^T x)
        word = word[ends[0]:] + word[:ends[0]]
        return _between(word, [end - ends[0] for end in ends] + [len(word)]), factor, []
    word = _standard(word, known)
    return ([], factor * known.traces[word], []) if word in known.traces else ([], factor, [word])


def _reduce(word, factor, known):
    """Apply the hypotheses until none applies; each makes the word shorter."""
    for i in range(len(word)):
        if (match := _match(word[i:], known)):
            taken, by, shorter = match
            return _reduce(word[:i] + shorter + word[i + taken:], factor * by, known)
    return word, factor


def _match(word, known):
    """What is known of the word's beginning: (letters taken, factor, letters in their place), or None."""
    for product, (factor, shorter) in known.words.items():
        if word[:len(product)] == product:
            return len(product), factor, shorter
    if len(word) > 1 and word[0] == word[1]._replace(inverse=not word[1].inverse):
        return 2, S.One, ()


def _ends(word):
    """The places, both ends included, where the word can be cut because the side there has length one."""
    sides = [letter.rows for letter in word] + [letter.cols for letter in word[-1:]]
    return [i for i, side in enumerate(sides) if side == 1]


def _between(word, ends):
    return [word[i:j] for i, j in zip(ends, ends[1:])]


def _plain(word, known):
    """Symmetric letters lose their transpose."""
    return tuple(letter.transpose if letter.transposed and letter.symbol in known.symmetric else letter for letter in word)


def _standard(word, known):
    """One representative of a closed word, its rotations and its transpose's rotations."""
    return min(_rotations(_plain(word, known)) + _rotations(_plain(_reversed(word), known)), key=str)


def _rotations(word):
    return [word[i:] + word[:i] for i in range(len(word))]


def _shape(e):
    return e.shape if e.is_Matrix else (1, 1)


# Typesetting

class _Printer(LatexPrinter):
    """Matrices bold, the transpose upright, after a superscript rather than around it."""

    def _print_Transpose(self, e):
        inner = self._print(e.arg)
        if isinstance(e.arg, MatrixSymbol) and "^" in e.arg.name:
            return re.sub(r"\^\{(\w+)\}", r"^{\1\,\\mathsf{T}}", inner)
        if not isinstance(e.arg, (MatrixSymbol, BlockMatrix, MatrixBase)):
            inner = rf"\left({inner}\right)"
        return inner + r"^{\mathsf{T}}"

    def _print_Identity(self, e):
        return r"\mathbf{I}"


def notation(name, template):
    """An unevaluated function, typeset by a template: #1, #2, ... stand for its arguments, #* for all of them."""
    def latex(self, printer, exp=None):
        text = template.replace("#*", r",\, ".join(map(printer._print, self.args)))
        for number, argument in enumerate(self.args, 1):
            text = text.replace(f"#{number}", printer._print(argument))
        return rf"{text}^{{{exp}}}" if exp else text
    return type(name, (Function,), {"_latex": latex})


def tex(e):
    """A SymPy expression as LaTeX, its terms in the order as written and roots in exponents on the line."""
    text = _Printer({"order": "none", "mat_symbol_style": "bold"}).doprint(e).replace("+ - ", "- ")
    return re.sub(r"\^\{\\frac\{1\}\{(\\sqrt\{\w\})\}\}", r"^{1/\1}", text)
