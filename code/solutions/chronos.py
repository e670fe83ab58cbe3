"""Exercise 2: what can be recomputed of Chronos (Ansari et al., TMLR 2024; arXiv 2403.07815v3).

In this order: the numbers that the text quotes, each with the place where the article has it; the
tokeniser of Section 3.1; the parameters of T5, counted part by part; the buckets of its relative
position bias; and the aggregate scores of Section 5.4, from the article's printed rows. "The
released code" is github.com/amazon-science/chronos-forecasting, commit 95185d1.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).parent / "data"


class Quoted(NamedTuple):
    """A number that stands in the article, and where."""

    value: int
    place: str


QUOTED = {
    "training datasets": Quoted(28, "Section 5.1"),
    "in-domain datasets": Quoted(15, "Section 5.1"),
    "zero-shot datasets": Quoted(27, "Section 5.1"),
    "training series": Quoted(890_000, "Section 5.1"),
    "training observations": Quoted(84_000_000_000, "Section 5.1"),
    "vocabulary": Quoted(4096, "Section 5.2"),
    "limit": Quoted(15, "Section 5.2"),
    "context": Quoted(512, "Section 5.2"),
    "horizon": Quoted(64, "Section 5.2"),
    "mixed series": Quoted(3, "Section 5.2"),
    "mixtures": Quoted(10_000_000, "Section 5.2"),
    "synthetic series": Quoted(1_000_000, "Section 5.2"),
    "steps": Quoted(200_000, "Section 5.2"),
    "batch": Quoted(256, "Section 5.2"),
    "GPUs": Quoted(8, "Section 5.2"),
    "paths": Quoted(20, "Section 5.4"),
    "bins": Quoted(4094, "Section 5.7"),
    "seeds": Quoted(3, "Tables 7 to 10"),
    "Moirai-1.0-R (Large) parameters": Quoted(311_000_000, "Section 5.5.1"),
    "GPT2 parameters": Quoted(90_000_000, "Section 5.2"),
}


# Zero-shot WQL of the released checkpoints as the repository's own evaluation gives it:
# scripts/evaluation/results/chronos-t5-{base,large}-agg-rel-scores.csv in the released code.
RERUN_ZERO_SHOT_WQL = {"Base": 0.6424634919486323, "Large": 0.6504834081319559}

TOP_K = 50  # of the released configurations: a forecast is drawn from this many tokens


# The tokeniser ----------------------------------------------------------------------------------

PAD = 0  # 1 is the end of the sequence
VOCABULARY = QUOTED["vocabulary"].value
LIMIT = QUOTED["limit"].value
FIRST_BIN = 3  # the released tokeniser never uses token 2, so it has 4093 bins, not 4094
CENTRES = np.linspace(-LIMIT, LIMIT, VOCABULARY - FIRST_BIN)
EDGES = (CENTRES[1:] + CENTRES[:-1]) / 2
BIN_WIDTH = 2 * LIMIT / (len(CENTRES) - 1)  # in units of the scale


def tokenize(x: np.ndarray) -> tuple[np.ndarray, float]:
    """The tokens of a series and its scale: divide by the mean absolute value, number the bins.

    The bins and the token numbers are those of the released code. A missing value (NaN) becomes
    PAD and does not count in the scale; a series of zeros gets the scale 1.

    Args:    x (N,), real numbers or NaN.
    Returns: tokens (N,), integers; the scale, a positive number.
    Raises:  ValueError if x is not 1-D or has an infinite entry.
    Source:  Section 3.1 and Equation 1; MeanScaleUniformBins in the released code.
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

    Args:    tokens, integers of any shape.
    Returns: real numbers of the same shape.
    Raises:  ValueError for a token that is neither PAD nor a bin, and for a scale <= 0.
    Source:  Section 3.3.
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


class T5Config(NamedTuple):
    """The shape of a T5 model; the decoder has as many layers as the encoder."""

    layers: int
    width: int
    heads: int
    head_width: int
    feed_forward: int
    vocabulary: int = VOCABULARY
    buckets: int = 32


class Size(NamedTuple):
    """A size of Chronos-T5: shape, published total (Section 5.2), hours and dollars (Table 6)."""

    config: T5Config
    published: int
    hours: float
    dollars: int


# The article gives the names and the totals. The shapes stand in the released models' config.json:
# huggingface.co/amazon/chronos-t5-{mini,small,large} and huggingface.co/autogluon/chronos-t5-base.
SIZES = {
    "Mini": Size(T5Config(4, 384, 8, 64, 1536), 20_000_000, 7.68, 252),
    "Small": Size(T5Config(6, 512, 8, 64, 2048), 46_000_000, 7.73, 253),
    "Base": Size(T5Config(12, 768, 12, 64, 3072), 200_000_000, 17.96, 588),
    "Large": Size(T5Config(24, 1024, 16, 64, 4096), 710_000_000, 63.05, 2066),
}


def parameter_parts(config: T5Config) -> dict[str, int]:
    """The parameters of a T5 model's encoder, decoder and embedding.

    T5's linear maps have no additive constants, and its layer norm is one factor per coordinate.
    An attention has four matrices of width x inner, a feed-forward block two of width x
    feed_forward. A layer of the encoder has one attention, a layer of the decoder two; a norm
    stands before each block and after each stack. The first layer of each stack holds the relative
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

    return {"encoder": stack(1), "decoder": stack(2), "embedding": config.vocabulary * config.width}


def parameter_count(config: T5Config) -> int:
    """The number of parameters of a T5 model of this shape."""
    return sum(parameter_parts(config).values())


# The relative position bias ---------------------------------------------------------------------


def relative_position_bucket(
    distance: np.ndarray, bidirectional: bool = True, buckets: int = 32, max_distance: int = 128
) -> np.ndarray:
    """The bucket of a distance i - j between query i and key j: pairs in one bucket share a bias.

    Small distances have buckets of their own; then the buckets grow by a constant factor up to
    `max_distance`, and the last one takes everything beyond. In the encoder (bidirectional) half of
    the buckets serve the keys before the query and half those after it; in the decoder, where a
    query sees no later key, all of them serve the keys before.

    Args:    distance, integers of any shape.
    Returns: integers of the same shape, 0 to buckets - 1.
    Source:  Raffel et al., JMLR 2020, Section 2.1; T5Attention in Hugging Face's transformers.
    """
    distance = np.asarray(distance)
    offset = 0
    if bidirectional:
        buckets //= 2
        offset = np.where(distance < 0, buckets, 0)
        distance = np.abs(distance)
    distance = np.maximum(distance, 0)
    exact = buckets // 2
    per_doubling = (buckets - exact) / math.log2(max_distance / exact)
    doublings = np.log2(np.maximum(distance, exact) / exact)  # log2: exact at powers of two
    grown = exact + np.floor(doublings * per_doubling).astype(int)
    return offset + np.where(distance < exact, distance, np.minimum(grown, buckets - 1))


# The scores -------------------------------------------------------------------------------------

Table = Mapping[str, Mapping[str, float]]
BASELINE = "Seasonal Naive"  # Section 5.4


def read_table(file: str) -> dict[str, dict[str, str]]:
    """The rows of a file in data/: by first cell, then by the name of the column."""
    with open(DATA / file, encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    header = rows[0][1:]
    return {name: dict(zip(header, cells, strict=True)) for name, *cells in rows[1:]}


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def zero_shot_scores() -> dict[str, dict[str, float]]:
    """Table 9: the WQL of each model on each dataset of Benchmark II; NaN where it failed."""
    rows = read_table("chronos_table9.csv")
    return {
        dataset: {model: _number(cell) for model, cell in row.items()}
        for dataset, row in rows.items()
    }


def printed_aggregates() -> dict[str, dict[str, float | str]]:
    """The aggregates of Tables 7 to 10: of each model its group and scores; NaN for no score."""
    rows = read_table("chronos_aggregates.csv")
    return {
        model: {name: cell if name == "group" else _number(cell) for name, cell in row.items()}
        for model, row in rows.items()
    }


def training_observations() -> dict[str, tuple[int, int]]:
    """Table 3: of each training dataset the series and the observations (series x mean length)."""
    rows = read_table("chronos_training.csv")
    return {
        dataset: (int(row["series"]), int(row["series"]) * int(row["average length"]))
        for dataset, row in rows.items()
    }


def aggregate_relative_score(
    table: Table, model: str, baseline: str, leave_out: Iterable[str] = ()
) -> float:
    """The geometric mean over the datasets of a model's score divided by the baseline's.

    Args:    table, scores by dataset and model; leave_out, names of datasets that do not count.
    Raises:  KeyError for a dataset or model that the table lacks; ValueError if no dataset is
             left or the baseline has no score.
    Source:  Section 5.4, with its rule that a model without a score counts as the baseline.
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


def ranking(table: Table, leave_out: Iterable[str] = ()) -> dict[str, float]:
    """The models of a table and their scores relative to Seasonal Naive, the best first."""
    left_out = tuple(leave_out)
    models = next(iter(table.values()))
    scores = {model: aggregate_relative_score(table, model, BASELINE, left_out) for model in models}
    return dict(sorted(scores.items(), key=lambda item: item[1]))


def places_when_one_is_left_out(table: Table, model: str) -> dict[str, int]:
    """For each dataset: the model's place, from 1, in the ranking without that dataset."""
    rankings = {dataset: list(ranking(table, leave_out=[dataset])) for dataset in table}
    return {dataset: models.index(model) + 1 for dataset, models in rankings.items()}
