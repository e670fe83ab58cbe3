"""The numbers, tables and sentences of Exercise 2, as LaTeX."""

from collections import Counter

import numpy as np

from solutions import chronos
from solutions.wording import listed, spell_out
from weaving import latex

SCORES = ["in-domain WQL", "in-domain MASE", "zero-shot WQL", "zero-shot MASE"]
# The article's groups: what they were trained on, and models in the order of their zero-shot WQL.
# The best of each group in any column is among them.
SHOWN = {
    "Chronos": (
        "many datasets",
        [*(f"Chronos-T5 ({size})" for size in ("Large", "Base", "Small", "Mini")), "Chronos-GPT2"],
    ),
    "pretrained": ("many datasets", ["Moirai-1.0-R (Base)", "Moirai-1.0-R (Large)"]),
    "task-specific": ("each dataset", ["TFT", "N-HiTS", "PatchTST"]),
    "local": ("each series", ["SCUM", "AutoARIMA"]),
}
LARGE = "Chronos-T5 (Large)"


def quote(name: str) -> str:
    """A number of the article for running text."""
    return in_words(chronos.QUOTED[name])


def score(model: str, column: str, digits: int = 3) -> str:
    """A printed aggregate, as in score("TFT", "zero-shot WQL"); average ranks have one digit."""
    return f"{chronos.printed_aggregates()[model][column]:.{digits}f}"


def layers(size: str) -> str:
    """The layers of encoder and decoder, for use inside mathematics: 4+4."""
    return "{0}+{0}".format(chronos.SIZES[size].config.layers)


def bin_width(scale: float = 1, digits: int = 4) -> str:
    """The width of a bin, in the unit in which the scale is given."""
    return f"{chronos.BIN_WIDTH * scale:.{digits}f}"


def last_bucket() -> int:
    """The smallest distance to an earlier key that falls into the encoder's last bucket."""
    buckets = chronos.relative_position_bucket(np.arange(chronos.QUOTED["context"]))
    return int(np.flatnonzero(buckets == buckets.max())[0])


def results() -> str:
    """Aggregate relative scores of the models that carry the argument; the best of all are bold."""
    printed = chronos.printed_aggregates()
    best = {column: np.nanmin([row[column] for row in printed.values()]) for column in SCORES}
    rows = []
    for trained_on, models in SHOWN.values():
        for model in models:
            space = "\\addlinespace\n" if rows and model == models[0] else ""
            shown = [f"{printed[model][column]:.3f}" for column in SCORES]
            bold = [printed[model][column] == best[column] for column in SCORES]
            cells = [rf"\textbf{{{text}}}" if b else text for text, b in zip(shown, bold)]
            rows.append([space + model, trained_on, *cells])
    upper_header = (
        r" & & \multicolumn{2}{c}{in-domain} & \multicolumn{2}{c@{}}{zero-shot} \\"
        "\n\\cmidrule(lr){3-4}\\cmidrule(l){5-6}\n"
    )
    header = [upper_header + "model", "trained on", *[column.split()[1] for column in SCORES]]
    return latex.table(header, rows, "llrrrr")


def sizes() -> str:
    """Shapes of the four sizes, the parameters recomputed from them, the published totals."""
    header = ["size", "layers", "$D$", "$H$", "$Hd_h$", "$F$", "recomputed", "published"]
    rows = [
        [
            name,
            f"${layers(name)}$",
            shape.width,
            shape.heads,
            shape.heads * shape.head_width,
            shape.feed_forward,
            latex.thousands(chronos.parameter_count(shape)),
            f"{total // 10**6}M",
        ]
        for name, (shape, total, *_) in chronos.SIZES.items()
    ]
    return latex.table(header, rows, "lrrrrrrr")


def first_without(dataset: str) -> str:
    """The model that is first, whatever was rounded, when one dataset of Table 9 is left out."""
    models = chronos.zero_shot_scores()[dataset]
    return next(model for model in models if chronos.places_without(dataset, model) == (1, 1))


def relative(dataset: str, model: str) -> str:
    """A model's score on one dataset of Table 9, divided by that of Seasonal Naive."""
    scores = chronos.zero_shot_scores()[dataset]
    return f"{scores[model] / scores['Seasonal Naive']:.1f}"


def places_of_large() -> str:
    """The places of Chronos-T5 (Large) when each dataset is left out in turn."""
    scores = chronos.zero_shot_scores()
    places = {dataset: chronos.places_without(dataset, LARGE) for dataset in scores}
    ordinals = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
    certain = sorted(Counter(best for best, worst in places.values() if best == worst).items())
    counts = [f"{ordinals[place]} {spell_out(times)} times" for place, times in certain]
    unsure = sum(best < worst for best, worst in places.values())
    lowest = ordinals[max(worst for _, worst in places.values())]
    return (
        f"{listed(counts)}. For the other {spell_out(unsure)} datasets, the rounding of the "
        "printed numbers leaves open which of two neighbouring places it takes, but it is never "
        f"below {lowest}"
    )


def rank_of_large(column: str) -> str:
    """The average rank of Chronos-T5 (Large), and the models with a better or the same one."""
    ranks = {model: row[column] for model, row in chronos.printed_aggregates().items()}
    own = ranks.pop(LARGE)
    better = sorted((rank, model) for model, rank in ranks.items() if rank < own)
    text = f"{own:.1f}, behind " + listed([f"{model} ({rank:.1f})" for rank, model in better])
    level = [model for model, rank in ranks.items() if rank == own]
    return f"{text} and level with {listed(level)}" if level else text


def weatherbench_share() -> str:
    """The percentage of the training observations that are WeatherBench's."""
    counts = {name: n for name, (_, n) in chronos.training_observations().items()}
    share = sum(n for name, n in counts.items() if name.startswith("Weatherbench"))
    return rf"{100 * share / sum(counts.values()):.1f}\,\%"


def in_words(value: int) -> str:
    """A whole number for running text: three, 512, 200 000 (thin space), 84 billion."""
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if value >= size:
            return f"{value / size:g}~{word}"
    return latex.thousands(value) if value >= 10 else spell_out(value)
