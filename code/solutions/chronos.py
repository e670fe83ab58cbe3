"""Exercise 2: what can be recomputed of Chronos (Ansari et al., TMLR 2024; arXiv 2403.07815v3).

The numbers that the text quotes; the tokeniser of Section 3.1; the parameters of T5, counted part
by part; the buckets of its relative position bias; and the aggregate scores of Section 5.4, from
the article's printed rows. "The released code" is
github.com/amazon-science/chronos-forecasting, commit 95185d1.
"""

import csv
import functools
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).parent / "data"


# Numbers that stand in the article, by the place where they stand.
QUOTED = {
    # Section 5.1
    "training datasets": 28,
    "in-domain datasets": 15,
    "zero-shot datasets": 27,
    "training series": 890_000,
    "training observations": 84_000_000_000,
    # Section 5.2
    "vocabulary": 4096,
    "limit": 15,
    "context": 512,
    "horizon": 64,
    "mixed series": 3,
    "mixtures": 10_000_000,
    "synthetic series": 1_000_000,
    "steps": 200_000,
    "batch": 256,
    "GPUs": 8,
    # Section 5.4
    "paths": 20,
    # Section 5.5.1
    "Moirai-1.0-R (Large) parameters": 311_000_000,
    # Section 5.7
    "bins": 4094,
    # Tables 7 to 10
    "seeds": 3,
}

# Zero-shot WQL of the released checkpoints as the repository's own evaluation gives it:
# scripts/evaluation/results/chronos-t5-{base,large}-agg-rel-scores.csv in the released code.
RERUN_ZERO_SHOT_WQL = {"Base": 0.6424634919486323, "Large": 0.6504834081319559}

TOP_K = 50  # of the released configurations: a forecast is drawn from this many tokens


# The tokeniser ----------------------------------------------------------------------------------

PAD = 0  # 1 is the end of the sequence
VOCABULARY = QUOTED["vocabulary"]
LIMIT = QUOTED["limit"]
FIRST_BIN = 3  # the released tokeniser never uses token 2, so it has 4093 bins, not 4094
CENTRES = np.linspace(-LIMIT, LIMIT, VOCABULARY - FIRST_BIN)
EDGES = (CENTRES[1:] + CENTRES[:-1]) / 2
BIN_WIDTH = 2 * LIMIT / (len(CENTRES) - 1)  # in units of the scale


def tokenize(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The tokens of a series and its scale: divide by the mean absolute value, number the bins.

    The bins and the token numbers are those of the released code. A missing value (NaN) becomes
    PAD and does not count in the scale; a series of zeros gets the scale 1.

    x: (N,), real numbers or NaN.
    Returns: tokens (N,), integers; the scale, a positive number.
    Raises: ValueError if x is not 1-D or has an infinite entry.
    Source: Section 3.1 and Equation 1; MeanScaleUniformBins in the released code.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim != 1:
        raise ValueError(f"x must be a series (1-D), got {x.ndim}-D")
    if np.isinf(x).any():
        first = int(np.isinf(x).argmax())
        raise ValueError(f"x must be finite or NaN, got x[{first}] = {x[first]}")
    present = ~np.isnan(x)
    scale = float(np.abs(x[present]).mean()) if np.any(x[present]) else 1.0
    tokens = np.full(len(x), PAD)
    tokens[present] = FIRST_BIN + np.searchsorted(EDGES, x[present] / scale, side="right")
    return tokens, scale


def detokenize(tokens: np.ndarray, scale: float) -> np.ndarray:
    """The values for which tokens stand: the centre of each bin times the scale; NaN for PAD.

    tokens: integers of any shape.
    Returns: real numbers of the same shape.
    Raises: ValueError for a token that is neither PAD nor a bin, and for a scale <= 0.
    Source: Section 3.3.
    """
    tokens = np.asarray(tokens)
    is_bin = (tokens >= FIRST_BIN) & (tokens < VOCABULARY)
    unknown = tokens[~is_bin & (tokens != PAD)]
    if unknown.size:
        allowed = f"{PAD} (PAD) or {FIRST_BIN} to {VOCABULARY - 1}"
        raise ValueError(f"tokens must be {allowed}, got {unknown[0]}")
    if not scale > 0:
        raise ValueError(f"the scale must be positive, got {scale}")
    centres = CENTRES[np.where(is_bin, tokens - FIRST_BIN, 0)]
    return np.where(is_bin, centres * scale, np.nan)


# Nineteen small values that sum to 20 and a spike of 100: the scale is 6, so tokens reach to 90.
EXAMPLE = np.array([1, 0, 2, 1, 0, 1, 3, 0, 1, 2, 0, 1, 1, 100, 0, 2, 1, 0, 3, 1], dtype=float)


# The sizes --------------------------------------------------------------------------------------


BUCKETS = 32  # of T5's relative position bias


class T5Config(NamedTuple):
    """The shape of a T5 model; the decoder has as many layers as the encoder."""

    layers: int
    width: int
    heads: int
    head_width: int
    feed_forward: int
    vocabulary: int = VOCABULARY
    buckets: int = BUCKETS


class Size(NamedTuple):
    """A size of Chronos-T5: shape, published total (Section 5.2), hours of training (Table 6)."""

    config: T5Config
    published: int
    hours: float


# The article gives the names and the totals. The shapes stand in the released models' config.json:
# huggingface.co/amazon/chronos-t5-{mini,small,large} and huggingface.co/autogluon/chronos-t5-base.
SIZES = {
    "Mini": Size(T5Config(4, 384, 8, 64, 1536), 20_000_000, 7.68),
    "Small": Size(T5Config(6, 512, 8, 64, 2048), 46_000_000, 7.73),
    "Base": Size(T5Config(12, 768, 12, 64, 3072), 200_000_000, 17.96),
    "Large": Size(T5Config(24, 1024, 16, 64, 4096), 710_000_000, 63.05),
}


def parameter_count(config: T5Config) -> int:
    """The number of parameters of a T5 model.

    T5's linear maps have no additive constants, and its layer norm is one factor per coordinate.
    An attention has four matrices of width x inner, a feed-forward block two of width x
    feed_forward. A layer of the encoder has one attention, a layer of the decoder two; a norm
    stands before each block and after each stack. The first layer of each stack has the relative
    position bias, one number per bucket and head. One embedding serves both inputs and the output
    (`tie_embeddings` in the released training configurations).

    Source: T5ForConditionalGeneration in Hugging Face's transformers.
    """
    inner = config.heads * config.head_width
    attention = 4 * config.width * inner
    feed_forward = 2 * config.width * config.feed_forward
    bias = config.buckets * config.heads

    def stack(attentions: int) -> int:
        layer = attentions * attention + feed_forward + (attentions + 1) * config.width
        return config.layers * layer + bias + config.width

    return stack(1) + stack(2) + config.vocabulary * config.width


# The relative position bias ---------------------------------------------------------------------


EXACT, MAX_DISTANCE = 8, 128


def relative_position_bucket(distance: np.ndarray) -> np.ndarray:
    """The bucket of a distance i - j between query i and key j: pairs in one bucket share a bias.

    As in the encoder: half of the BUCKETS serve the keys before the query and half those after it.
    Each distance below EXACT has a bucket of its own; then the buckets grow by a constant factor up
    to MAX_DISTANCE, and the last one takes everything beyond.

    distance: integers of any shape.
    Returns: integers of the same shape, 0 to BUCKETS - 1.
    Source: Raffel et al., JMLR 2020, Section 2.1; T5Attention in Hugging Face's transformers.
    """
    distance = np.asarray(distance)
    half, n = BUCKETS // 2, np.abs(distance)
    doublings = np.log2(np.maximum(n, EXACT) / EXACT)  # log2: exact at powers of two
    per_doubling = (half - EXACT) / math.log2(MAX_DISTANCE / EXACT)
    grown = EXACT + np.floor(doublings * per_doubling).astype(int)
    bucket = np.where(n < EXACT, n, np.minimum(grown, half - 1))
    return np.where(distance < 0, half, 0) + bucket


# The scores -------------------------------------------------------------------------------------

Table = Mapping[str, Mapping[str, float]]
BASELINE = "Seasonal Naive"  # Section 5.4
ROUNDING = 0.0005  # of the printed scores


@functools.cache
def read_table(file: str) -> dict[str, dict[str, float | str]]:
    """The rows of a file in data/: by first cell, then by the name of the column; empty is NaN."""
    with open(DATA / file, encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    return {name: dict(zip(header[1:], map(_value, cells), strict=True)) for name, *cells in rows}


def _value(cell: str) -> float | str:
    try:
        return float(cell or "nan")
    except ValueError:
        return cell


def zero_shot_scores() -> dict[str, dict[str, float]]:
    """Table 9: the WQL of each model on each dataset of Benchmark II; NaN where it failed."""
    return read_table("chronos_table9.csv")


def printed_aggregates() -> dict[str, dict[str, float | str]]:
    """The aggregates of Tables 7 to 10: of each model its group and scores; NaN for no score."""
    return read_table("chronos_aggregates.csv")


def training_observations() -> dict[str, tuple[float, float]]:
    """Table 3: of each training dataset the series and the observations (series x mean length)."""
    return {
        dataset: (row["series"], row["series"] * row["average length"])
        for dataset, row in read_table("chronos_training.csv").items()
    }


def aggregate_relative_score(
    table: Table, model: str, baseline: str, leave_out: Iterable[str] = ()
) -> float:
    """The geometric mean over the datasets of a model's score divided by the baseline's.

    table: scores by dataset and model; leave_out: names of datasets that do not count.
    Raises: KeyError for a dataset or model that the table lacks; ValueError if no dataset is left
    or the baseline has no score.
    Source: Section 5.4, with its rule that a model without a score counts as the baseline.
    """
    left_out = set(leave_out)
    if not left_out <= table.keys():
        raise KeyError(f"the table has no dataset {', '.join(sorted(left_out - table.keys()))}")
    rows = {dataset: row for dataset, row in table.items() if dataset not in left_out}
    if not rows:
        raise ValueError(f"all {len(table)} datasets are left out")
    lacking = [dataset for dataset, row in rows.items() if math.isnan(row[baseline])]
    if lacking:
        raise ValueError(f"the baseline {baseline} has no score on {', '.join(lacking)}")
    ratios = [row[model] / row[baseline] for row in rows.values()]
    return math.exp(math.fsum(0.0 if math.isnan(r) else math.log(r) for r in ratios) / len(ratios))


def ranking(table: Table) -> dict[str, float]:
    """The models of a table and their scores relative to Seasonal Naive, the best first."""
    models = next(iter(table.values()))
    scores = {model: aggregate_relative_score(table, model, BASELINE) for model in models}
    return dict(sorted(scores.items(), key=lambda item: item[1]))


def lead_without(dataset: str, model: str, rival: str) -> tuple[float, float]:
    """Bounds of how far a model is ahead of a rival when one dataset of Table 9 is left out.

    In logarithms: positive if it is ahead. Each number that was used is rounded; the baseline's
    score is none of them, since it cancels where both models have a score on the dataset.
    """
    table = zero_shot_scores()
    row, printed = table[dataset], printed_aggregates()
    scored = [m if not math.isnan(row[m]) else BASELINE for m in (model, rival)]

    def logarithm(value, exact=False):
        return np.log([value - ROUNDING, value + ROUNDING] if not exact else [value, value])

    whole = [
        len(table) * logarithm(printed[m]["zero-shot WQL"], exact=m == BASELINE)
        for m in (model, rival)
    ]
    left_out = [logarithm(row[m]) for m in scored]
    if scored[0] == scored[1]:  # the same number twice
        left_out = [np.zeros(2), np.zeros(2)]
    low, high = whole[1] - whole[0][::-1] + left_out[0] - left_out[1][::-1]
    return float(low), float(high)


def places_without(dataset: str, model: str) -> tuple[int, int]:
    """The best and the worst place, from 1, that the rounding allows a model without a dataset."""
    rivals = [rival for rival in zero_shot_scores()[dataset] if rival != model]
    leads = [lead_without(dataset, model, rival) for rival in rivals]
    return 1 + sum(high < 0 for _, high in leads), 1 + sum(low <= 0 for low, _ in leads)
