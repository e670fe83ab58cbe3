"""Discrete distributions with the moments that a hypothesis declares, for the judge."""

import math
from itertools import product

import numpy as np

from proofs.notation import Undefined, random_letters

MAX_RANDOM_NUMBERS = 12


class JointDistribution:
    """Random letters with a joint distribution that has the declared moments.

    It is that of mean + root v: root is a root of the covariance matrix, and the entries of v are
    independent, with few values each, mean 0 and variance 1.
    """

    def __init__(self, sample, hypothesis):
        self.sample, self.kind, self.parts = sample, hypothesis.kind, hypothesis.parts
        self.letters = random_letters(hypothesis)
        if self.kind == "gaussian":
            values, weights = np.polynomial.hermite_e.hermegauss(8)
            self.draws = list(zip(values, weights / weights.sum(), strict=True))
        else:
            a = sample.rng.uniform(0.3, 2.5)
            self.draws = (a, 1 / (1 + a**2)), (-1 / a, a**2 / (1 + a**2))
        count = len(self.letters)
        self.any_mean = sample.rng.uniform(-1, 1, count)
        self.any_root = sample.rng.uniform(-1, 1, (count, count))

    def check(self):
        """Raise Undefined if no variables have the declared moments, also if none is asked for."""
        if self.kind in ("moments", "covariances", "gaussian"):
            MEAN_AND_ROOT[self.kind](self, self.letters)

    def outcomes(self, used):
        """({letter: value}, probability) of each outcome of the letters that are used."""
        names = [name for name in self.letters if name in used or self.kind != "independent"]
        if self.kind in ("moments", "gaussian", "random") and any(n.over or n.shape for n in names):
            raise Undefined("the joint distribution of a family is not declared")
        mean, root = MEAN_AND_ROOT[self.kind](self, names)
        for draws in product(self.draws, repeat=len(root)):
            values, rest = {}, mean + root @ np.array([value for value, _ in draws])
            for name in names:
                shape = np.shape(self.sample.values[name])
                entries, rest = rest[: math.prod(shape)], rest[math.prod(shape) :]
                values[name] = entries.reshape(shape) if shape else float(entries[0])
            yield values, math.prod(weight for _, weight in draws)

    def _independent(self, names):
        mean, variance = (self.sample.number(part, {}) for part in self.parts[1:3])
        count = sum(np.size(self.sample.values[name]) for name in names)
        if variance < 0 or count > MAX_RANDOM_NUMBERS:
            raise Undefined("a negative variance, or too many outcomes")
        return mean, math.sqrt(variance) * np.eye(count)

    def _moments(self, names):
        known = {}
        for expression, value in zip(self.parts[::2], self.parts[1::2], strict=True):
            names_in = tuple(sorted(_factors(expression)))
            if len(names_in) > 2:
                raise Undefined("only moments of the first and second order are drawn")
            known[names_in] = self.sample.number(value, {})
        mean = np.array([known.get((name.name,), 0.3) for name in names])
        second = [
            [
                known.get(tuple(sorted((a.name, b.name))), 0.4 + 2 * (a == b) + mean[k] * mean[m])
                for m, b in enumerate(names)
            ]
            for k, a in enumerate(names)
        ]
        return mean, _root(second - np.outer(mean, mean))

    def _covariances(self, names):
        sizes = [len(self.sample.values[name]) for name in names]
        starts = dict(zip(names, np.cumsum([0, *sizes]), strict=False))
        covariance = 3 * np.eye(sum(sizes))
        for first, second, value in zip(*(self.parts[k::3] for k in range(3)), strict=True):
            block = self.sample.two_axes(value, {})
            row, column = starts[first.leaf[0]], starts[second.leaf[0]]
            rows, columns = slice(row, row + len(block)), slice(column, column + block.shape[1])
            covariance[rows, columns], covariance[columns, rows] = block, block.T
        return 0, _root(covariance)

    def _gaussian(self, names):
        c = self.sample.number(self.parts[2], {})
        if abs(c) > 1 - 1e-6:  # an equation that a hypothesis supposes is met only nearly
            raise Undefined("the covariance is not between -1 and 1")
        return 0, _root([[1, c], [c, 1]])


def _root(covariance):
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise Undefined("no variables have these moments") from error


def _factors(tree):
    """The names in a product of powers of letters."""
    if tree.head == "letter":
        return [tree.leaf[0].name]
    if tree.head == "mul":
        return [name for part in tree.args for name in _factors(part)]
    if tree.head == "pow" and tree.args[1].head == "num":
        return _factors(tree.args[0]) * int(tree.args[1].leaf[0])
    raise Undefined(f"no product: {tree}")


MEAN_AND_ROOT = {  # by the kind of the hypothesis
    "independent": JointDistribution._independent,
    "moments": JointDistribution._moments,
    "covariances": JointDistribution._covariances,
    "gaussian": JointDistribution._gaussian,
    "random": lambda group, names: (group.any_mean, group.any_root),
}
