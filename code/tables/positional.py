"""Exercise 1: a collision, random directions."""

import numpy as np

from solutions import positional
from solutions.wording import vector
from weaving import latex

WINDOW = 512  # tokens that BERT reads at once (Devlin et al., 2019)
WIDTH = 512  # of a token of the base transformer (Vaswani et al., 2017, table 3)
HEAD_WIDTH = 64  # of a query in one of its heads
DIRECTIONS, DIMENSION, SEED = 2048, 256, 1974  # of the example of random directions


def collision(which):
    """Two contents at positions 1 and 2 of 3 that one-hot embeddings turn into the same token.

    which: "x" (the content at position 1), "other" (at position 2) or "sum".
    """
    e_1, e_2, _ = np.eye(3)
    x = np.array([0.3, 0.5, 0.0])
    values = {"x": x, "other": x + e_1 - e_2, "sum": x + e_1}[which]
    return vector(values, "{:.1f}".format)


def random_directions():
    """How close to orthogonal the vectors of one random draw are, and how close they could be."""
    N, D = DIRECTIONS, DIMENSION
    P = np.random.default_rng(SEED).standard_normal((N, D))
    P /= np.linalg.norm(P, axis=1, keepdims=True)
    worst = float(np.abs(P @ P.T - np.eye(N)).max())
    return (
        f"For example, draw $N = {latex.thousands(N)}$ vectors of $D = {D}$ standard normal "
        f"numbers (NumPy, seed {SEED}), and divide each by its length. "
        r"Theory gives $\mathbf p_i\T\mathbf p_j$ a typical (root mean square) size of "
        f"$1/\\sqrt D = {D**-0.5:.4f}$; in this draw, the largest absolute value is ${worst:.2f}$. "
        "By the Welch bound, no choice of directions can make it smaller than about "
        f"${positional.welch_bound(N, D):.3f}$."
    )


def random_cosines():
    """{dimension: cosines between 20 000 random pairs of directions}, for the figure."""
    return {dim: positional.random_cosines(dim, pairs=20_000) for dim in (4, 32, 256)}
