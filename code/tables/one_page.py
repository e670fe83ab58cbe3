"""Attention in brief: two tokens whose attention is computed by hand, as LaTeX."""

from dataclasses import dataclass

import numpy as np

from solutions.attention import self_attention
from weaving import latex


@dataclass(frozen=True)
class Example:
    """Two tokens and the matrices of one head; results are rounded only when they are printed."""

    X: np.ndarray  # (2, 2)
    W_q: np.ndarray  # (2, 2), W_k and W_v likewise
    W_k: np.ndarray
    W_v: np.ndarray

    def arrays(self):
        """What the figure draws: X, q, k and v, each (2, 2) with a row for each token."""
        projections = {"q": self.W_q, "k": self.W_k, "v": self.W_v}
        return {"X": self.X} | {name: self.X @ W.T for name, W in projections.items()}

    def matrices(self):
        named = (("W_q", self.W_q), ("W_k", self.W_k), ("W_v", self.W_v))
        return latex.Tex(
            r", \qquad ".join(f"{latex.bold(name)} = {_small_matrix(W)}" for name, W in named)
        )

    def x(self, i):
        return _vector(self.X[i - 1])

    def q(self, i):
        return _vector(self.arrays()["q"][i - 1])

    def k(self, i):
        return _vector(self.arrays()["k"][i - 1])

    def v(self, i):
        return _vector(self.arrays()["v"][i - 1])

    def y(self, i):
        return _vector(self._attention()[0][i - 1])

    def product(self, i, j):
        return _number(self._products()[i - 1, j - 1])

    def score(self, i, j):
        return _number(self._products()[i - 1, j - 1] / 2**0.5)

    def exponential(self, i, j):
        return _number(self._exponentials()[i - 1, j - 1])

    def total(self, i):
        return _number(self._exponentials()[i - 1].sum())

    def weight(self, i, j, digits=2):
        return f"{self._attention()[1][i - 1, j - 1]:.{digits}f}"

    def _attention(self):
        return self_attention(self.X, self.W_q, self.W_k, self.W_v)

    def _products(self):
        return self.arrays()["q"] @ self.arrays()["k"].T  # (2, 2)

    def _exponentials(self):
        return np.exp(self._products() / 2**0.5)  # (2, 2)


def example():
    """Numbers small enough to follow with a pencil."""
    return Example(
        X=np.array([[1.0, 0.0], [0.0, 2.0]]),
        W_q=np.array([[1.0, 1.0], [0.0, 1.0]]),
        W_k=np.array([[1.0, 0.0], [0.0, 1.0]]),
        W_v=np.array([[2.0, 0.0], [0.0, 1.0]]),
    )


def _number(value):
    """Whole numbers as they are, others to two decimals."""
    return latex.Tex(f"{value:.0f}" if value == round(value) else f"{value:.2f}")


def _vector(values):
    return latex.Tex("(" + r",\, ".join(map(_number, values)) + ")")


def _small_matrix(W):
    rows = r" \\ ".join(" & ".join(map(_number, row)) for row in W)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"
