"""Exercise 2: what can be recomputed of Particle Transformer (Qu, Li and Qian, 2022).

First the figures that were read, each with its source; then the model's parameters and
multiply-accumulates, counted layer by layer from the official code; then its attention at
toy size, to test its symmetry.

    X  (N, D)     tokens, one particle per row
    p  (N, 4)     their four-momenta (p_x, p_y, p_z, E)
    F  (4, N, N)  features of each pair of particles
    U  (H, N, N)  pair bias, one matrix per head
"""

import math
from itertools import permutations
from typing import NamedTuple

import numpy as np

from solutions.attention import softmax
from solutions.checks import shapes


# What was read ---------------------------------------------------------------------------
# The last field of a record is the key in bib/references.bib of where it was read.

class JetClass(NamedTuple):
    """Test results on JetClass; rejection is 1 / eps_B at a signal efficiency of 50 %."""

    accuracy: float
    auc: float
    h_bb: int        # rejection for H -> bb
    t_bqq: int       # rejection for t -> bqq; None if not given
    source: str


class TopTagging(NamedTuple):
    """Rejection on the top-tagging data at signal efficiencies of 50 % and 30 %, each with its spread."""

    at_50: int
    spread_50: int
    at_30: int
    spread_30: int
    source: str


JETCLASS = {  # tables 1 and 5 of LLoCa; the slides head their rejection "top", its values are those of H -> bb
    "PFN": JetClass(0.772, 0.9714, 2924, 797, "spinner2025lloca"),
    "P-CNN": JetClass(0.809, 0.9789, 4890, 2907, "spinner2025lloca"),
    "ParticleNet": JetClass(0.844, 0.9849, 7634, 10526, "spinner2025lloca"),
    "ParT without U": JetClass(0.849, 0.9859, 9569, None, "li2026slides"),
    "ParT": JetClass(0.861, 0.9877, 10638, 32787, "spinner2025lloca"),
    "plain transformer": JetClass(0.855, 0.9867, 10753, 24390, "spinner2025lloca"),
    "LLoCa-ParT": JetClass(0.864, 0.9882, 11561, 41667, "spinner2025lloca"),
    "L-GATr": JetClass(0.866, 0.9885, 12987, 47619, "spinner2025lloca"),
}
TOP_TAGGING = {
    "ParticleNet": TopTagging(397, 7, 1615, 93, "spinner2024lgatr"),
    "ParT": TopTagging(413, 16, 1602, 81, "spinner2024lgatr"),
    "LorentzNet": TopTagging(498, 18, 2195, 173, "spinner2024lgatr"),
    "ParticleNet, pre-trained": TopTagging(487, 9, 1771, 80, "favaro2026guide"),
    "ParT, pre-trained": TopTagging(691, 15, 2766, 130, "favaro2026guide"),
}
DATA_SIZE = {  # rejection for H -> bb on JetClass by the number of training jets
    "ParticleNet": {2_000_000: 5540, 100_000_000: 7634, "source": "li2026slides"},
    "ParT": {2_000_000: 5587, 100_000_000: 10638, "source": "li2026slides"},
}
REPORTED_FLOPS = {"ParT": (340e6, "li2026slides"), "ParT without U": (260e6, "li2026slides"),
                  "ParT, 50 particles": (211e6, "spinner2025lloca")}
TRAINING_HOURS = {"ParT": (33, "spinner2025lloca"), "plain transformer": (15, "spinner2025lloca"),
                  "L-GATr": (166, "spinner2025lloca")}  # on one H100

# The official training script (Qu, Li and Qian, code)
TRAINING_JETS, BATCH, EPOCHS, JETS_PER_EPOCH = 100_000_000, 512, 50, 10_000 * 1024
FINE_TUNING_EPOCHS, HEAD_FACTOR = 20, 50

# The official configuration for JetClass (same code)
MAX_PARTICLES = 128
INPUTS, WIDTH, HEADS, BLOCKS, CLASS_BLOCKS, CLASSES = 17, 128, 8, 8, 2, 10
TOKEN_WIDTHS = (INPUTS, 128, 512, WIDTH)
PAIR_WIDTHS = (4, 64, 64, 64, HEADS)


# Parameters ------------------------------------------------------------------------------

def linear(n_in, n_out):
    """A weight matrix (n_out, n_in) and a bias."""
    return n_in * n_out + n_out


def layer_norm(n):
    """A scale and a shift per channel."""
    return 2 * n


def batch_norm(n):
    """A scale and a shift per channel; its running mean and variance are not learned."""
    return 2 * n


def embedding(widths=TOKEN_WIDTHS):
    """BatchNorm of the inputs, then LayerNorm and a linear map for each layer."""
    layers = zip(widths, widths[1:])
    return batch_norm(widths[0]) + sum(layer_norm(a) + linear(a, b) for a, b in layers)


def pair_embedding(widths=PAIR_WIDTHS):
    """BatchNorm of the features, then a 1 x 1 convolution and BatchNorm for each layer."""
    layers = zip(widths, widths[1:])
    return batch_norm(widths[0]) + sum(linear(a, b) + batch_norm(b) for a, b in layers)


def attention(D=WIDTH):
    """W_q, W_k, W_v and W_o, each with a bias."""
    return 4 * linear(D, D)


def feed_forward(D=WIDTH):
    """Up to 4 D channels and down again."""
    return linear(D, 4 * D) + linear(4 * D, D)


def block_norms(D=WIDTH):
    """LayerNorm before and after the attention, before and within the feed-forward part."""
    return 3 * layer_norm(D) + layer_norm(4 * D)


def scales(D=WIDTH, H=HEADS):
    """One scale per head, one per channel of the second residual connection."""
    return H + D


def block(D=WIDTH, H=HEADS):
    """A particle-attention or a class-attention block; both hold the same layers."""
    return attention(D) + feed_forward(D) + block_norms(D) + scales(D, H)


def parts(inputs=INPUTS, pair_inputs=4):
    """(part, copies, parameters of one copy), in the order of the computation."""
    return [
        ("embedding", 1, embedding((inputs, *TOKEN_WIDTHS[1:]))),
        ("pair embedding", 1, pair_embedding((pair_inputs, *PAIR_WIDTHS[1:])) if pair_inputs else 0),
        ("block", BLOCKS + CLASS_BLOCKS, block()),
        ("class token", 1, WIDTH),
        ("final norm", 1, layer_norm(WIDTH)),
        ("head", 1, linear(WIDTH, CLASSES)),
    ]


def total(inputs=INPUTS, pair_inputs=4):
    """All parameters; pair_inputs=0 is the model without U."""
    return sum(copies * parameters for _, copies, parameters in parts(inputs, pair_inputs))


# Multiply-accumulates --------------------------------------------------------------------

def through(widths):
    """What one vector costs on its way through linear maps of these widths."""
    return sum(a * b for a, b in zip(widths, widths[1:]))


def pair_products(N):
    """U is symmetric, so the code embeds N (N + 1) / 2 pairs and mirrors the result."""
    return N * (N + 1) // 2 * through(PAIR_WIDTHS)


def particle_block_products(N, D=WIDTH):
    """Q, K, V and W_o, then Q K^T and A V over all heads, then the feed-forward part."""
    return N * 4 * D * D + 2 * N * N * D + N * 8 * D * D


def class_block_products(N, D=WIDTH):
    """One query, the class token; the keys and values are the token's and the particles'."""
    return 2 * D * D + 2 * (N + 1) * D * D + 2 * (N + 1) * D + 8 * D * D


def products(N, pair_bias=True):
    """Multiply-accumulates of one jet of N particles; norms, biases and softmax are not counted."""
    return (N * through(TOKEN_WIDTHS) + (pair_products(N) if pair_bias else 0)
            + BLOCKS * particle_block_products(N) + CLASS_BLOCKS * class_block_products(N)
            + WIDTH * CLASSES)


# The attention, at toy size --------------------------------------------------------------

@shapes(Q="... N d_k", K="... M d_k", V="... M d_v", U="... N M")
def biased_attention(Q, K, V, U):
    """Y = A V with A = softmax(Q K^T / sqrt(d_k) + U).

    Parameters: Q (..., N, d_k), K (..., M, d_k), V (..., M, d_v), U (..., N, M).
    Returns: Y (..., N, d_v) and A (..., N, M).
    Raises: ValueError if the shapes do not fit; TypeError if one is not real.
    Source: the official code; U = 0 gives Vaswani et al. (2017), equation 1.
    """
    S = Q @ K.swapaxes(-1, -2) / math.sqrt(Q.shape[-1]) + U  # (..., N, M)
    A = softmax(S)                                           # (..., N, M)
    return A @ V, A


@shapes(p="N 4")
def pair_features(p, smallest=1e-8):
    """ln k_T, ln z, ln Delta and ln m^2 of every pair of particles.

    Parameters: p (N, 4), four-momenta (p_x, p_y, p_z, E) with E > |p_z|; logarithms start at ln smallest.
    Returns: (4, N, N), symmetric in the particles.
    Raises: ValueError if p is not (N, 4) or an energy is too small.
    Source: the official code.
    """
    p_x, p_y, p_z, E = p.T
    if not (E > abs(p_z)).all():
        i = int(np.argmin(E > abs(p_z)))
        raise ValueError(f"particle {i} has E = {E[i]}, more than |p_z| = {abs(p_z[i])} is needed")
    p_T, phi = np.hypot(p_x, p_y), np.arctan2(p_y, p_x)        # (N,)
    y = np.log((E + p_z) / (E - p_z)) / 2                      # (N,) rapidity
    turn = np.remainder(_differences(phi) + np.pi, 2 * np.pi) - np.pi
    Delta = np.hypot(_differences(y), turn)                    # (N, N)
    softer = np.minimum(p_T[:, None], p_T)                     # (N, N)
    q = p[:, None] + p                                         # (N, N, 4) four-momentum of the pair
    m2 = q[..., 3] ** 2 - (q[..., :3] ** 2).sum(axis=-1)       # (N, N)
    F = np.stack([softer * Delta, softer / (p_T[:, None] + p_T), Delta, m2])
    return np.log(np.maximum(F, smallest))


def pair_bias(p, W_u):
    """U (H, N, N) from the four-momenta (N, 4): one layer W_u (H, 4) and GELU, in the place of four layers."""
    return gelu(np.einsum("hf,fij->hij", W_u, pair_features(p)))


def gelu(x):
    """x Phi(x), with the distribution function Phi of the standard normal law."""
    return x * (1 + np.vectorize(math.erf, otypes=[float])(np.asarray(x) / math.sqrt(2))) / 2


def tagger(X, U, W, positions=0.0):
    """Class logits of one jet: embedding, one biased attention block, one class-attention block, head.

    Parameters: X (N, D_in), U (H, N, N), the dict W of toy_weights, positions (N, D) to add to the tokens.
    Returns: (C,).
    """
    Z = X @ W["embed"].T + positions                       # (N, D)
    Z = Z + heads(Z, Z, U, W["block"])
    Z = Z + gelu(Z @ W["up"].T) @ W["down"].T              # token by token
    c = W["class"]                                         # (1, D)
    keys = np.concatenate([c, Z])                          # (1 + N, D)
    c = c + heads(c, keys, np.zeros((len(U), 1, len(keys))), W["class block"])
    return (c @ W["head"].T)[0]


def heads(Z, keys, U, W):
    """All heads at once: queries from Z (N, D), keys and values from keys (M, D), U (H, N, M), W (3, H, d, D)."""
    W_q, W_k, W_v = W
    Y, _ = biased_attention(Z @ W_q.mT, keys @ W_k.mT, keys @ W_v.mT, U)  # (H, N, d)
    return np.concatenate(list(Y), axis=-1)                               # (N, H d)


def toy_weights(rng, D_in=3, D=6, H=2, C=4):
    """Random weights of a tagger of D_in inputs, width D, H heads and C classes."""
    def random(*shape):
        return rng.standard_normal(shape) / math.sqrt(shape[-1])
    return {"embed": random(D, D_in), "pair": random(H, 4), "block": random(3, H, D // H, D), "up": random(4 * D, D),
            "down": random(D, 4 * D), "class": random(1, D), "class block": random(3, H, D // H, D), "head": random(C, D)}


def toy_jet(rng, N=5, D_in=3):
    """Features X (N, D_in) and four-momenta p (N, 4) of N random particles."""
    p_T, eta, phi = rng.uniform(1, 50, N), rng.normal(0, 0.3, N), rng.normal(0, 0.3, N)
    momentum = np.stack([p_T * np.cos(phi), p_T * np.sin(phi), p_T * np.sinh(eta)], axis=-1)  # (N, 3)
    mass = rng.uniform(0.1, 1, N)
    E = np.sqrt((momentum ** 2).sum(axis=-1) + mass ** 2)
    return rng.standard_normal((N, D_in)), np.column_stack([momentum, E])


def largest_changes(N=5, seed=2022):
    """Reorder the particles in all N! ways: by how much do the tagger's logits change at most?

    Returns: {"moved along": U computed from the reordered particles, "left in place": U as it was,
    "positions": U moved along, but a fixed vector added for each place}.
    """
    rng = np.random.default_rng(seed)
    X, p = toy_jet(rng, N)
    W = toy_weights(rng)
    U, B = pair_bias(p, W["pair"]), rng.standard_normal((N, 6))
    before, before_with_B = tagger(X, U, W), tagger(X, U, W, B)
    changes = {"moved along": 0.0, "left in place": 0.0, "positions": 0.0}
    for order in map(list, permutations(range(N))):
        moved = pair_bias(p[order], W["pair"])
        after = {"moved along": tagger(X[order], moved, W) - before,
                 "left in place": tagger(X[order], U, W) - before,
                 "positions": tagger(X[order], moved, W, B) - before_with_B}
        changes = {case: max(changes[case], float(np.abs(after[case]).max())) for case in changes}
    return changes


def _differences(v):
    """(N,) -> (N, N), v_i - v_j."""
    return v[:, None] - v
