"""Exercise 2: tokeniser, counts, buckets and scores of Chronos, each computed another way."""

import itertools
import math

import numpy as np
import pytest
from drawings import faults
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from plots import chronos as plots
from plots import style
from solutions import chronos
from tables import chronos as tables

TABLE_9 = chronos.zero_shot_scores()
PRINTED = chronos.printed_aggregates()
LARGE = "Chronos-T5 (Large)"

values = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)
series = st.lists(values, min_size=1, max_size=30).map(np.array)


# The tokeniser


@given(series)
def test_round_trip_error_is_at_most_half_a_bin_and_values_are_clipped_at_15_scales(x):
    tokens, scale = chronos.tokenize(x)
    back = chronos.detokenize(tokens, scale)
    assert scale == (np.abs(x).mean() or 1)
    limit, half_a_bin = 15 * scale, chronos.BIN_WIDTH * scale / 2
    assert_allclose(back, np.clip(x, -limit, limit), rtol=0, atol=(1 + 1e-6) * half_a_bin)
    assert tokens.min() >= 3 and tokens.max() <= 4095


def test_tokens_of_the_released_code():
    """Zero is a centre; the outermost centres are the first and the last token."""
    tokens, scale = chronos.tokenize(np.array([0.0, 2.0]))
    assert scale == 1 and tokens.tolist() == [2049, 2049 + 273]  # 2 / (30 / 4092) = 272.8
    assert chronos.detokenize(np.array([3, 2049, 4095]), 2.0).tolist() == [-30, 0, 30]


def test_value_on_an_edge_goes_to_the_bin_above():
    edge = chronos.EDGES[2100]
    tokens, scale = chronos.tokenize(np.array([edge, 2 - edge]))
    assert scale == 1 and tokens[0] == 3 + 2101


def test_constant_series():
    assert chronos.tokenize(np.zeros(3))[1] == 1
    assert chronos.detokenize(*chronos.tokenize(np.zeros(3))).tolist() == [0, 0, 0]
    tokens, scale = chronos.tokenize(np.full(3, -7.0))
    assert scale == 7 and len(set(tokens)) == 1


def test_missing_values_become_PAD_and_do_not_count_in_the_scale():
    tokens, scale = chronos.tokenize(np.array([2.0, np.nan, -4.0]))
    assert scale == 3 and tokens[1] == chronos.PAD == 0
    assert np.isnan(chronos.detokenize(tokens, scale)[1])
    assert chronos.tokenize(np.full(2, np.nan))[0].tolist() == [0, 0]


@pytest.mark.parametrize("x, part", [([[0, 1]], "2-D"), ([1, np.inf], r"x\[1\] = inf")])
def test_tokenize_refuses_what_is_no_series(x, part):
    with pytest.raises(ValueError, match=part):
        chronos.tokenize(x)


@pytest.mark.parametrize(
    "tokens, scale, bad",
    [
        ([2049, 1], 1, 1),
        ([2049, 2], 1, 2),
        ([4096], 1, 4096),
        ([3], 0.0, 0.0),
        ([3], -1.0, -1.0),
        ([3], np.nan, np.nan),
    ],
)
def test_detokenize_refuses_unknown_tokens_and_scales(tokens, scale, bad):
    with pytest.raises(ValueError, match=f"got {bad}"):
        chronos.detokenize(np.array(tokens), scale)


# The parameters


@pytest.mark.parametrize("size", chronos.SIZES.values(), ids=chronos.SIZES)
def test_parameter_counts_are_the_published_ones_to_two_digits(size):
    assert float(f"{chronos.parameter_count(size.config):.1e}") == size.published


def test_parameter_count_is_that_of_the_arrays_of_T5():
    """Every array of a small T5, listed one by one."""
    config = chronos.T5Config(2, 6, 2, head_width=5, feed_forward=7, vocabulary=11, buckets=4)
    attention, feed_forward = [(10, 6)] * 3 + [(6, 10)], [(7, 6), (6, 7)]
    norm, bias, embedding = [(6,)], [(4, 2)], (11, 6)
    encoder = 2 * (norm + attention + norm + feed_forward) + norm + bias
    decoder = 2 * (3 * norm + 2 * attention + feed_forward) + norm + bias
    arrays = encoder + decoder + [embedding]
    assert chronos.parameter_count(config) == sum(map(math.prod, arrays))


def test_parameter_count_of_the_original_T5_small():
    """What T5ForConditionalGeneration of t5-small counts, with the vocabulary of its texts."""
    small = chronos.SIZES["Small"].config._replace(vocabulary=32_128)
    assert chronos.parameter_count(small) == 60_506_624


# The buckets


def bucket_in_integers(distance):
    """The rule in integers: bucket k begins where n^8 >= 8^(8 - k) 128^k."""
    n, offset = abs(distance), 16 if distance < 0 else 0
    if n < 8:
        return offset + n
    return offset + 8 + sum(n**8 >= 8 ** (8 - k) * 128**k for k in range(1, 8))


def test_buckets():
    distances = np.arange(-600, 601)
    expected = [bucket_in_integers(int(n)) for n in distances]
    assert_array_equal(chronos.relative_position_bucket(distances), expected)
    assert set(expected) == {*range(32)} - {16}


# The scores


def test_recomputed_aggregates_of_table_9_are_the_printed_ones():
    """To 0.002 in the printed digits; the rounding of the 27 printed scores allows for more."""
    scores = chronos.ranking(TABLE_9)
    assert len(TABLE_9) == 27 and len(scores) == 22
    for model, score in scores.items():
        printed = PRINTED[model]["zero-shot WQL"]
        assert round(score, 3) == pytest.approx(printed, abs=0.002 + 1e-9)
        pairs = [(row[model], row["Seasonal Naive"]) for row in TABLE_9.values()]
        slack = [0.0005 / a + 0.0005 / b for a, b in pairs if not math.isnan(a)]
        assert abs(math.log(printed / score)) <= sum(slack) / 27


def test_aggregate_by_hand():
    """Twice and half as good make 1; a missing score counts as the baseline's."""
    scores = {"a": (2.0, 1.0), "b": (4.0, 8.0), "c": (math.nan, 3.0), "d": (8.0, 1.0)}
    table = {dataset: {"m": m, "b": b} for dataset, (m, b) in scores.items()}

    def score(*leave_out):
        return chronos.aggregate_relative_score(table, "m", "b", leave_out)

    assert score("d") == pytest.approx(1)
    assert score() == pytest.approx(8 ** (1 / 4))
    assert score("b", "c", "d") == pytest.approx(2)
    with pytest.raises(ValueError, match="4"):
        score(*table)
    with pytest.raises(KeyError, match="zebra"):
        score("zebra")
    with pytest.raises(ValueError, match="m has no score on c"):
        chronos.aggregate_relative_score(table, "b", "m")


def test_the_places_without_one_dataset_allow_for_the_rounding():
    assert list(chronos.ranking(TABLE_9))[:2] == ["TFT", LARGE]
    assert chronos.places_without("CIF 2016", "PatchTST") == (1, 1)
    assert [chronos.places_without("FRED-MD", m) for m in ("TFT", LARGE)] == [(1, 1), (2, 3)]
    assert chronos.places_without("M4 (Yearly)", LARGE) == (2, 2), "the baseline cancels"
    for dataset, model, rival in [("FRED-MD", LARGE, "TFT"), ("Traffic", "DeepAR", "SCUM")]:
        low, high = chronos.lead_without(dataset, model, rival)
        of_model, of_rival = (
            chronos.aggregate_relative_score(TABLE_9, m, chronos.BASELINE, [dataset])
            for m in (model, rival)
        )
        direct = (len(TABLE_9) - 1) * np.log(of_rival / of_model)
        assert 0 < high - low < 0.2 and low - 0.15 < direct < high + 0.15


def test_the_bounds_hold_the_lead_in_any_table_that_rounds_to_the_printed_one(monkeypatch):
    generator = np.random.default_rng(1)
    names = ["m", "r", chronos.BASELINE]
    exact = {d: dict(zip(names, generator.uniform(0.01, 2, 3))) for d in "uvwxy"}
    exact["u"]["m"] = float("nan")  # failed
    exact["v"]["m"] = exact["v"]["r"] = float("nan")
    whole = {m: chronos.aggregate_relative_score(exact, m, chronos.BASELINE) for m in names}
    rounded = {d: {m: round(x, 3) for m, x in row.items()} for d, row in exact.items()}
    monkeypatch.setattr(chronos, "zero_shot_scores", lambda: rounded)
    printed = {m: {"zero-shot WQL": round(score, 3)} for m, score in whole.items()}
    monkeypatch.setattr(chronos, "printed_aggregates", lambda: printed)
    for dataset in exact:
        for model, rival in itertools.permutations(names, 2):
            low, high = chronos.lead_without(dataset, model, rival)
            of_model, of_rival = (
                chronos.aggregate_relative_score(exact, m, chronos.BASELINE, [dataset])
                for m in (model, rival)
            )
            assert low <= (len(exact) - 1) * np.log(of_rival / of_model) + 1e-12
            assert high >= (len(exact) - 1) * np.log(of_rival / of_model) - 1e-12
            assert high - low < 0.2


def test_table_3_adds_up_to_the_numbers_of_section_5_1():
    series, observations = np.sum(list(chronos.training_observations().values()), axis=0)
    assert series == 795_936 + 97_272  # Table 1
    quoted = chronos.QUOTED
    assert len(chronos.training_observations()) == quoted["training datasets"]
    assert round(series, -4) == quoted["training series"]
    assert round(observations, -9) == quoted["training observations"]


# Tables and figures


def test_table_of_results_shows_the_best_of_each_group_in_each_column():
    shown = {model for _, models in tables.SHOWN.values() for model in models}
    for column in tables.SCORES:
        for group, (_, models) in tables.SHOWN.items():
            rivals = [m for m, row in PRINTED.items() if row["group"] == group]
            best = min(rivals, key=lambda m: np.nan_to_num(PRINTED[m][column], nan=np.inf))
            assert best in models
    rows = [line for line in tables.results().splitlines() if line.split(" & ")[0] in shown]
    assert len(rows) == len(shown) and all(row.count("&") == 5 for row in rows)
    bold = [row.split(" & ")[0] for row in rows if "textbf" in row]
    assert bold == [LARGE, "TFT", "PatchTST"]


def test_table_of_sizes_shows_the_counts():
    for name, size in chronos.SIZES.items():
        row = next(line for line in tables.sizes().splitlines() if line.startswith(name))
        count = f"{chronos.parameter_count(size.config):,}".replace(",", r"\,")
        assert row.endswith(rf" & {count} & {size.published // 10**6}M \\")


def test_numbers_in_words():
    words = {
        "seeds": "three",
        "context": "512",
        "steps": r"200\,000",
        "mixtures": "10~million",
        "training observations": "84~billion",
    }
    assert {name: tables.quote(name) for name in words} == words
    assert tables.places_of_large().startswith("first three times and second 20 times. For the ")
    assert tables.weatherbench_share() == r"98.3\,\%" and tables.last_bucket() == 91


@pytest.mark.parametrize("draw", [plots.pipeline, lambda: plots.tokeniser(chronos.EXAMPLE)])
def test_figures_are_readable(draw):
    assert faults(draw().figure, style.PAGE_WIDTH) == []


def test_figure_of_the_tokeniser_shows_tokens_and_values_returned():
    drawing = plots.tokeniser(chronos.EXAMPLE)
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert texts.count("2049") == 6 and {"4095", "90.00", "100 returns as 90"} <= {*texts}
    assert "0.022" in drawing.caption and "90" in drawing.alt
