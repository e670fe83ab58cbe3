"""Exercise 1: the sizes of two transformers, and a collision."""

import numpy as np

from solutions.wording import vector

WINDOW = 512  # tokens that BERT reads at once (Devlin et al., 2019)
WIDTH = 512  # of a token of the base transformer (Vaswani et al., 2017, table 3)
HEAD_WIDTH = 64  # of a query in one of its heads


def collision(which):
    """Two contents at positions 1 and 2 of 3 that one-hot embeddings turn into the same token.

    which: "x" (the content at position 1), "other" (at position 2) or "sum".
    """
    e_1, e_2, _ = np.eye(3)
    x = np.array([0.3, 0.5, 0.0])
    values = {"x": x, "other": x + e_1 - e_2, "sum": x + e_1}[which]
    return vector(values, "{:.1f}".format)
