"""Exercise 2: the counts against numbers from outside, the attention against loops, the symmetry against its absence."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from proofs import particle_transformer as claims
from proofs.ledger import CLAIMS, Worded, verify
from solutions import particle_transformer as part
from solutions.attention import scaled_dot_product_attention, softmax

BIBLIOGRAPHY = Path(__file__).parents[1] / "bib" / "references.bib"
MINE = [claim for claim in CLAIMS.values() if claim.exercise == "particle_transformer"]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# Counts -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("changed, parameters", [
    ({}, 2_143_486),                  # the instantiated official model, as three public repositories print it
    ({"inputs": 20}, 2_143_882),      # the same model with three more inputs, as one of them prints it
    ({"pair_inputs": 6}, 2_143_618),  # and with two more pair features: 132 more
])
def test_total_is_what_the_instantiated_model_holds(changed, parameters):
    assert part.total(**changed) == parameters


def test_layers_of_unequal_sizes():
    assert part.linear(3, 5) == 20
    assert part.layer_norm(3) == part.batch_norm(3) == 6
    assert part.embedding((2, 3, 5)) == 4 + (4 + 9) + (6 + 20)
    assert part.pair_embedding((2, 3, 5)) == 4 + (9 + 6) + (20 + 10)


@pytest.mark.parametrize("D, H", [(128, 8), (6, 2), (10, 5)])
def test_a_block_in_closed_form(D, H):
    assert part.block(D, H) == 12 * D ** 2 + 24 * D + H


def test_without_pair_bias_only_its_embedding_is_missing():
    assert part.total() - part.total(pair_inputs=0) == part.pair_embedding() == 9_568


def test_products_are_the_published_flops():
    reported = {model: flops for model, (flops, _) in part.REPORTED_FLOPS.items()}
    assert round(2 * part.products(50), -6) == reported["ParT, 50 particles"]                    # LLoCa: two per product
    assert round(part.products(128, pair_bias=False), -7) == reported["ParT without U"]          # the slides: one per product
    assert part.products(128) == pytest.approx(reported["ParT"], rel=0.02)
    plain = 50 * 17 * 128 + 10 * part.particle_block_products(50) + 128 * 10
    assert round(2 * plain / 1e6) == 210                               # LLoCa, table 1: ten blocks, no U, no class attention


def test_products_count_a_triangle_of_pairs():
    pairs = sum(1 for i in range(7) for j in range(i + 1))
    assert part.products(7) - part.products(7, pair_bias=False) == pairs * (4 * 64 + 64 * 64 + 64 * 64 + 64 * 8)


# Attention with a pair bias ---------------------------------------------------------------------------------------------

def unequal(rng):
    return (rng.standard_normal(shape) for shape in [(3, 4), (5, 4), (5, 2), (3, 5)])


def test_biased_attention_is_its_formula_in_loops(rng):
    Q, K, V, U = unequal(rng)
    Y, A = part.biased_attention(Q, K, V, U)
    for i in range(3):
        raised = [math.exp(sum(Q[i, k] * K[j, k] for k in range(4)) / math.sqrt(4) + U[i, j]) for j in range(5)]
        for j in range(5):
            assert A[i, j] == pytest.approx(raised[j] / sum(raised), rel=1e-12)
        for c in range(2):
            assert Y[i, c] == pytest.approx(sum(raised[j] * V[j, c] for j in range(5)) / sum(raised), rel=1e-12)


def test_no_bias_is_plain_attention(rng):
    Q, K, V, U = unequal(rng)
    for ours, plain in zip(part.biased_attention(Q, K, V, 0 * U), scaled_dot_product_attention(Q, K, V)):
        assert np.array_equal(ours, plain)


def test_a_bias_of_minus_infinity_hides_a_key(rng):
    Q, K, V, U = unequal(rng)
    U[:, 2] = -np.inf
    Y, A = part.biased_attention(Q, K, V, U)
    others = [0, 1, 3, 4]
    assert (A[:, 2] == 0).all()
    assert np.allclose(Y, part.biased_attention(Q, K[others], V[others], U[:, others])[0], rtol=1e-13, atol=0)


def test_without_queries_the_bias_alone_decides(rng):
    Q, K, V, U = unequal(rng)
    assert np.allclose(part.biased_attention(0 * Q, K, V, U)[1], softmax(U), rtol=1e-14, atol=0)


def test_heads_are_an_axis_and_float32_stays(rng):
    Q, K, V, U = (np.stack([a, -2 * a]).astype(np.float32) for a in unequal(rng))
    Y, A = part.biased_attention(Q, K, V, U)
    assert Y.dtype == A.dtype == np.float32 and Y.shape == (2, 3, 2) and A.shape == (2, 3, 5)
    assert np.array_equal(Y[1], part.biased_attention(Q[1], K[1], V[1], U[1])[0])


@pytest.mark.parametrize("change, message", [
    ({"U": np.zeros((5, 3))}, "^U .*3.*5"),
    ({"U": np.zeros(5)}, "^U .*1-D"),
    ({"K": np.zeros((5, 6))}, "^K .*4 as in Q.*6"),
    ({"V": np.zeros((4, 2))}, "^V .*5 as in K.*4"),
])
def test_shapes_that_do_not_fit(rng, change, message):
    arguments = dict(zip(["Q", "K", "V", "U"], unequal(rng))) | change
    with pytest.raises(ValueError, match=message):
        part.biased_attention(**arguments)


def test_gelu():
    assert part.gelu(np.array([-1.0, 0.0, 1.0])) == pytest.approx([-0.158655253931457, 0, 0.841344746068543], rel=1e-13)


# Features of pairs ------------------------------------------------------------------------------------------------------

def test_pair_features_in_loops(rng):
    _, p = part.toy_jet(rng, 4)
    F = part.pair_features(p)
    assert F.shape == (4, 4, 4)
    for i in range(4):
        for j in range(4):
            (ax, ay, az, aE), (bx, by, bz, bE) = p[i], p[j]
            a_T, b_T = math.hypot(ax, ay), math.hypot(bx, by)
            turn = abs(math.atan2(ay, ax) - math.atan2(by, bx))
            Delta = math.hypot(math.atanh(az / aE) - math.atanh(bz / bE), min(turn, 2 * math.pi - turn))
            m2 = (aE + bE) ** 2 - (ax + bx) ** 2 - (ay + by) ** 2 - (az + bz) ** 2
            expected = [min(a_T, b_T) * Delta, min(a_T, b_T) / (a_T + b_T), Delta, m2]
            assert np.exp(F[:, i, j]) == pytest.approx([max(value, 1e-8) for value in expected], rel=1e-6)


def test_the_azimuth_is_a_circle():
    side_by_side = np.array([[-1, 0.05, 0, 2], [-1, -0.05, 0, 2.0]])  # angles just below pi and just above -pi
    assert np.exp(part.pair_features(side_by_side)[2, 0, 1]) == pytest.approx(2 * math.atan(0.05))


def test_pair_features_are_symmetric_and_move_with_the_particles(rng):
    _, p = part.toy_jet(rng, 5)
    F, order = part.pair_features(p), [3, 0, 4, 1, 2]
    assert np.array_equal(F, F.mT)
    assert np.array_equal(part.pair_features(p[order]), F[:, order][:, :, order])
    assert len(np.unique(F[2])) == 11  # ten pairs and the particle with itself: nothing is constant


def test_pair_features_refuse():
    with pytest.raises(ValueError, match="^p .*4.*got 3"):
        part.pair_features(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"particle 1 has E = 2.0, more than \|p_z\| = 3.0 is needed"):
        part.pair_features([[1, 0, 0, 2], [1, 0, -3, 2]])


# Symmetry ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("N, seed", [(5, 2022), (4, 1), (3, 2)])
def test_only_the_bias_that_moves_along_keeps_the_logits(N, seed):
    change = part.largest_changes(N, seed)
    assert change["moved along"] < 1e-13
    assert change["left in place"] > 1e-3
    assert change["positions"] > 1e-3


def test_each_part_of_the_toy_model_matters(rng):
    X, p = part.toy_jet(rng)
    W = part.toy_weights(rng)
    U = part.pair_bias(p, W["pair"])
    logits = part.tagger(X, U, W)
    assert logits.shape == (4,) and U.shape == (2, 5, 5)
    assert not np.allclose(logits, part.tagger(X[1:], U[:, 1:, 1:], W), atol=1e-3)    # a particle less
    for name in ["embed", "block", "up", "down", "class", "class block", "head"]:
        assert not np.allclose(logits, part.tagger(X, U, W | {name: 2 * W[name]}), atol=1e-3), name


def test_heads_are_joined_in_order(rng):
    W = part.toy_weights(rng)["block"]
    Z, U = rng.standard_normal((3, 6)), rng.standard_normal((2, 3, 3))
    joined = part.heads(Z, Z, U, W)
    for h in range(2):
        alone, _ = part.biased_attention(Z @ W[0, h].T, Z @ W[1, h].T, Z @ W[2, h].T, U[h])
        assert np.allclose(joined[:, 3 * h:3 * h + 3], alone, rtol=1e-13, atol=1e-15)


# What was read ----------------------------------------------------------------------------------------------------------

def test_every_figure_names_a_source_in_the_bibliography():
    keys = set(re.findall(r"^@\w+\{([^,]+),$", BIBLIOGRAPHY.read_text(), re.MULTILINE))
    records = [*part.JETCLASS.values(), *part.TOP_TAGGING.values()]
    sources = [record.source for record in records] + [entry["source"] for entry in part.DATA_SIZE.values()]
    sources += [source for _, source in [*part.REPORTED_FLOPS.values(), *part.TRAINING_HOURS.values()]]
    assert set(sources) <= keys and len(sources) == 21


def test_the_bibliography_has_one_field_a_line_and_no_key_twice():
    text = BIBLIOGRAPHY.read_text()
    keys = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) == text.count("@") > 30
    for line in text.splitlines():
        assert re.fullmatch(r"|%.*|@\w+\{[\w]+,|  \w+ += \{.*\},|\}", line), line
        assert line.count("{") - line.count("}") == (1 if line.startswith("@") else -1 if line == "}" else 0), line


# Claims -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("claim", MINE, ids=lambda claim: claim.name)
def test_claims_hold_and_their_twins_do_not(claim):
    outcome = verify(claim)
    assert outcome.holds, outcome.problems
    assert outcome.rejected == len(claim.false_twins) >= 2


def test_a_layer_less_is_noticed():
    claim = CLAIMS["particle-transformer-parameters"]
    model, total = claim.statement.value
    for name, (copies, layers) in model.items():
        for k in range(len(layers)):
            fewer = model | {name: (copies, layers[:k] + layers[k + 1:])}
            assert claim.check(Worded("", (fewer, total))) is False, (name, layers[k])


def test_layers_that_add_up_to_the_total_must_stand_in_their_part():
    model, total = CLAIMS["particle-transformer-parameters"].statement.value
    swapped = model | {"final norm": (1, [("vector", 128)]), "class token": (1, [("norm", 128)])}
    assert CLAIMS["particle-transformer-parameters"].check(Worded("", (swapped, total))) is False


def test_a_product_less_is_noticed():
    claim = CLAIMS["particle-transformer-products"]
    listed, polynomial = claim.statement.value
    for k in range(len(listed)):
        assert claim.check(Worded("", (listed[:k] + listed[k + 1:], polynomial))) is False, listed[k]


def test_the_statements_typeset_what_is_checked():
    assert r"10 \cdot 199\,688" in CLAIMS["particle-transformer-parameters"].statement.latex()
    assert r"6\,528 N^2 + 1\,776\,640 N + 395\,008" in CLAIMS["particle-transformer-products"].statement.latex()
    assert claims.count([("linear", 3, 5), ("norm", 4), ("vector", 2)]) == 30


# Figure -----------------------------------------------------------------------------------------------------------------

def test_the_figure_shows_what_differs():
    from plots import particle_transformer as plot
    fig = plot.blocks(12, 3, (4, 6, 3), 7, 2)
    width, height = fig.get_size_inches()
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert width == pytest.approx(6.69) and 2.7 <= height <= 3.1
    assert texts.count("LayerNorm") == 2 + 4
    assert texts.count("linear 12 → 48, GELU") == 2 and "4 → 6 → 3" in texts
    assert sum("mathbf{U}" in text and "softmax" in text for text in texts) == 1
    assert texts.count(r"$\odot\,\mathbf{w}$") == 1
    assert "after 7 such blocks" in texts and "2 class-attention blocks:" in texts
