"""Equality of matrix expressions of symbolic size, decided by expanding them into words.

Read every MatrixSymbol and its transpose as a letter that does not commute. Sums, products and transposes then expand into
a unique polynomial {word: coefficient}, and two expressions are equal for all matrices of all sizes exactly if their
polynomials are. SymPy's own `simplify` only compares structure and can miss an equality; words neither miss one nor
accept a false one.

    W_q (x + p)           {(W_q, x): 1, (W_q, p): 1}
    (W_q x)^T             {(x^T, W_q^T): 1}

A 1 x 1 matrix equals its transpose, and a trace may be rotated: words of that kind are brought to one standard form.
"""

from sympy import Add, BlockMatrix, Identity, MatAdd, MatMul, MatPow, MatrixExpr, MatrixSymbol, Mul, Pow, S, Trace, Transpose, ZeroMatrix
from sympy import expand, latex

ONE = ((),)  # the key of a scalar that stands alone: no matrix in it


def equal(left, right, given=None, symmetric=()):
    """True if left = right for all matrices that meet the hypotheses.

    given       {(letter, letter): factor}: a product of two neighbouring letters may be replaced by the scalar factor times
                the identity (0 for zero), e.g. {(P.T, P): 1} for orthonormal columns
    symmetric   the MatrixSymbols that equal their transpose
    """
    if left.is_Matrix != right.is_Matrix or left.is_Matrix and left.shape != right.shape:
        return False
    return polynomial(left, given, symmetric) == polynomial(right, given, symmetric)


def polynomial(expression, given=None, symmetric=()):
    """The expression as {word: coefficient}; a scalar expression as {sorted tuple of trace words: coefficient}."""
    rules = {(_letter(a), _letter(b)): S(factor) for (a, b), factor in (given or {}).items()}
    symmetric = {str(s) for s in symmetric}
    if not expression.is_Matrix:
        return _scalar(expression, rules, symmetric)
    scalar = expression.shape == (1, 1)
    return _collect((_standard(word, symmetric, transposes=scalar), factor) for word, factor in _words(expression, rules, symmetric).items())


def _words(e, rules, symmetric):
    """{word: coefficient} of a matrix expression; a word is a tuple of letters (name, transposed)."""
    if isinstance(e, MatrixSymbol):
        return {(_letter(e),): S.One}
    if isinstance(e, Identity):
        return {(): S.One}
    if isinstance(e, ZeroMatrix):
        return {}
    if isinstance(e, Transpose):
        return {_transpose(word): factor for word, factor in _words(e.arg, rules, symmetric).items()}
    if isinstance(e, MatAdd):
        return _collect(pair for term in e.args for pair in _words(term, rules, symmetric).items())
    if isinstance(e, MatPow) and e.exp.is_Integer and e.exp > 0:
        return _product([e.base] * int(e.exp), rules, symmetric)
    if isinstance(e, MatMul):
        return _product(e.args, rules, symmetric)
    raise TypeError(f"no words for {type(e).__name__} {e}")


def _product(factors, rules, symmetric):
    words = {(): S.One}
    for factor in factors:
        terms = _words(factor, rules, symmetric) if factor.is_Matrix else {(): factor}
        words = _collect(_reduce(u + v, a * b, rules, symmetric) for u, a in words.items() for v, b in terms.items())
    return words


def _reduce(word, factor, rules, symmetric):
    """Apply the hypotheses to neighbouring letters until none applies."""
    word = tuple((name, transposed and name not in symmetric) for name, transposed in word)
    for i in range(len(word) - 1):
        if word[i:i + 2] in rules:
            return _reduce(word[:i] + word[i + 2:], factor * rules[word[i:i + 2]], rules, symmetric)
    return word, factor


def _scalar(e, rules, symmetric):
    """A polynomial in traces: {sorted tuple of cyclic words: coefficient}."""
    if isinstance(e, Trace):
        terms = {}
        for word, factor in _words(e.arg, rules, symmetric).items():
            if word == ():  # the trace of the identity is its size
                terms = _collect([*terms.items(), ((), factor * e.arg.shape[0])])
            else:
                rotations = [word[i:] + word[:i] for i in range(len(word))]
                key = min(_standard(w, symmetric, transposes=True) for w in rotations)
                terms = _collect([*terms.items(), ((key,), factor)])
        return terms
    if isinstance(e, Add):
        return _collect(pair for term in e.args for pair in _scalar(term, rules, symmetric).items())
    if isinstance(e, Mul) or isinstance(e, Pow) and e.exp.is_Integer and e.exp > 0 and e.has(Trace):
        terms = {(): S.One}
        for factor in e.args if isinstance(e, Mul) else [e.base] * int(e.exp):
            terms = _collect((tuple(sorted(u + v)), a * b) for u, a in terms.items() for v, b in _scalar(factor, rules, symmetric).items())
        return terms
    if e.has(MatrixExpr):
        raise TypeError(f"no words for {type(e).__name__} {e}")
    return _collect([((), e)])


def _letter(e):
    return (str(e.arg), True) if isinstance(e, Transpose) else (str(e), False)


def _transpose(word):
    return tuple((name, not transposed) for name, transposed in reversed(word))


def _standard(word, symmetric, transposes):
    """One representative of a word and, where it has the same value, its transpose."""
    plain = lambda w: tuple((name, transposed and name not in symmetric) for name, transposed in w)
    return min(plain(word), plain(_transpose(word))) if transposes else plain(word)


def _collect(pairs):
    """Add up coefficients, drop what cancels."""
    total = {}
    for word, factor in pairs:
        total[word] = total.get(word, S.Zero) + factor
    return {word: factor for word, value in total.items() if (factor := expand(value)) != 0}


def tex(e):
    """A SymPy expression as LaTeX: the order as written, matrices bold, the transpose upright."""
    return latex(e, order="none", mat_symbol_style="bold").replace("^{T}", r"^{\mathsf{T}}").replace(r"\mathbb{I}", r"\mathbf{I}")
