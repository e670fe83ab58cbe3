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
        """What the figure draws: X, q, k, v, scores, weights and outputs, each (2, 2)."""
        Y, A = self_attention(self.X, self.W_q, self.W_k, self.W_v)
        return {
            "X": self.X,
            "q": self._of(self.W_q),
            "k": self._of(self.W_k),
            "v": self._of(self.W_v),
            "scores": self._scores(),
            "weights": A,
            "output": Y,
        }

    def matrices(self):
        named = (("W_q", self.W_q), ("W_k", self.W_k), ("W_v", self.W_v))
        return latex.Tex(
            r", \qquad ".join(f"{latex.bold(name)} = {_small_matrix(W)}" for name, W in named)
        )

    def x(self, i):
        return _vector(self.X[i - 1])

    def q(self, i):
        return _vector(self._of(self.W_q)[i - 1])

    def k(self, i):
        return _vector(self._of(self.W_k)[i - 1])

    def v(self, i):
        return _vector(self._of(self.W_v)[i - 1])

    def y(self, i):
        return _vector(self.arrays()["output"][i - 1])

    def product(self, i, j):
        return _number(self._products()[i - 1, j - 1])

    def score(self, i, j):
        return _number(self._scores()[i - 1, j - 1])

    def exponential(self, i, j):
        return _number(np.exp(self._scores())[i - 1, j - 1])

    def total(self, i):
        return _number(np.exp(self._scores())[i - 1].sum())

    def weight(self, i, j):
        return _number(self.arrays()["weights"][i - 1, j - 1])

    def _of(self, W):
        return self.X @ W.T  # (2, 2)

    def _products(self):
        return self._of(self.W_q) @ self._of(self.W_k).T  # (2, 2)

    def _scores(self):
        return self._products() / 2**0.5  # (2, 2)


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
