"""The value of trees in one sample: random numbers for all letters that satisfy the hypotheses.

Sizes are small. Expected values are sums over the outcomes of discrete distributions with the
declared moments, or Gauss-Hermite quadrature for the Gaussian pair; derivatives are differences;
minimisers are found by Newton's method.
"""

import math
from itertools import product

import numpy as np

from proofs.distributions import MEAN_AND_ROOT, JointDistribution
from proofs.notation import (
    CIRCLE,
    INFINITY,
    Undefined,
    all_letters,
    free_indices,
    letters,
    node,
    walk,
)

SOLVED = 1e-11  # how nearly an equation that is supposed must be met
SETTLED = 1e-7  # of Newton's last step; a multiple root is met long before it is reached
ZERO_IF_SOLVED = 1e-4  # a smaller divisor may be zero by such an equation


class Sample:
    """Numbers for all letters of a statement, such that its hypotheses hold.

    values   {Letter: a number, or an array over its indices and its shape}
    env      {name of an index: its value, from 1 on}
    """

    def __init__(self, statement, sizes, seed):
        self.rng = np.random.default_rng(seed)
        self.sizes, self.values, self.permuted = sizes, {}, {}
        self.hypotheses = statement.hypotheses
        self.symmetric = _symmetric(self.hypotheses)
        equations = any(h.kind == "equal" for h in self.hypotheses)
        self.least_divisor = ZERO_IF_SOLVED if equations else 1e-300
        self.least_difference = ZERO_IF_SOLVED if equations else 1e-12  # that is a divisor
        self.meanings = {
            h.parts[0].leaf[0]: ([index.leaf[0] for index in h.parts[0].args], h.parts[1])
            for h in self.hypotheses
            if h.kind == "where"
        }
        self.letters = sorted(  # sizes first, for the shapes of the others
            all_letters(statement.trees) - set(self.meanings),
            key=lambda name: (name.domain != "natural", name.name),
        )
        self.draw_all()
        declared = (h for h in self.hypotheses if h.kind in MEAN_AND_ROOT)
        self.groups = [JointDistribution(self, h) for h in declared]

    def draw_all(self):
        for letter in self.letters:
            self.values[letter] = self._draw(letter)

    def _draw(self, letter):
        if letter.domain == "natural":
            return self.sizes.get(letter.name) or int(self.rng.integers(1, 5))
        if letter == CIRCLE.leaf[0]:
            return math.pi
        if None in letter.over:
            return {}  # drawn when they are asked for
        shape = [self.size(last) for last in (*letter.over, *letter.shape)]
        if letter.domain == "positive":
            values = self.rng.uniform(0.5, 2, shape)
        else:
            values = self.rng.uniform(0.2, 0.9, shape) * self.rng.choice([-1, 1], shape)
        if letter in self.symmetric and np.ndim(values) == 2:
            values = values + values.T + 4 * np.eye(len(values))  # positive definite as well
        return values if shape else float(values)

    def with_value(self, name, place, change, body):
        """body() with an entry of a letter changed."""
        kept = self.values[name]
        value = np.array(kept, dtype=float)
        value[place] += change
        self.values[name] = value if isinstance(kept, np.ndarray) else value.item()
        try:
            return body()
        finally:
            self.values[name] = kept

    def slope(self, body, name, place, h=1e-3):
        """The derivative of body() with respect to an entry of a letter."""
        near, far = (
            self.with_value(name, place, k * h, body) - self.with_value(name, place, -k * h, body)
            for k in (1, 2)
        )
        return (8 * near - far) / (12 * h)

    # Hypotheses: Newton's method on their residuals

    def satisfy(self, env):
        """Move the letters until the hypotheses hold for these values of the free indices."""
        supposed = [h for h in self.hypotheses if h.kind in ("equal", "orthogonal")]
        named = set().union(self.symmetric, *(letters(part) for h in supposed for part in h.parts))
        names = sorted(
            (n for n in named if n.domain == "real" and n in self.values), key=lambda n: n.name
        )
        step = np.zeros(1)
        for _ in range(60):
            gap = self._residual(supposed, env)
            if np.abs(gap).max(initial=0) < SOLVED / 10 and np.abs(step).max(initial=0) < SETTLED:
                break
            slopes = [
                self.with_value(name, place, 1e-6, lambda: self._residual(supposed, env)) - gap
                for name in names
                for place in np.ndindex(np.shape(self.values[name]))
            ]
            step = rest = np.linalg.lstsq(np.array(slopes).T / 1e-6, -gap, rcond=1e-8)[0]
            for name in names:
                value = self.values[name]
                change, rest = rest[: np.size(value)], rest[np.size(value) :]
                self.values[name] = value + change.reshape(np.shape(value))
        for name in names:  # what is solved by zero only nearly
            value = self.values[name]
            value = np.where(np.abs(value) < 10 * SETTLED, 0.0, value)
            self.values[name] = value if value.ndim else value.item()
        missed = np.abs(self._residual(supposed, env)).max(initial=0) > SOLVED
        if missed or np.abs(step).max(initial=0) > SETTLED:
            raise Undefined("the hypotheses could not be satisfied")
        for h in self.hypotheses:
            if h.kind == "positive" and self.number(h.parts[0], env) <= 1e-6:
                raise Undefined("a hypothesis is not met")

    def _residual(self, supposed, env):
        gaps = [np.zeros(0)]
        gaps += [self.values[name] - self.values[name].T for name in self.symmetric
                 if np.ndim(self.values[name]) == 2]  # fmt: skip
        for h in supposed:
            if h.kind == "equal":
                left, right = (self.matrix(part, env) for part in h.parts)
                scale = min(1, np.abs(right).max()) or 1  # of a small number the small difference
                gaps.append((left - right) / scale)
            else:
                p = self.values[h.parts[0].leaf[0]][..., 0]
                gaps.append(p @ p.T - np.diag((p**2).sum(axis=1)))
        return np.concatenate([np.ravel(gap) for gap in gaps])

    def assignments(self, trees):
        """All values of the free indices, skipping those that violate a `differ` hypothesis."""
        found = sorted(set().union(*map(free_indices, trees)), key=repr)
        free = {i.leaf[0]: i for i in found}
        ranges = [range(1, self.size(i.args[0]) + 1) if i.args else (-1, 2) for i in free.values()]
        pairs = [h.parts for h in self.hypotheses if h.kind == "differ"]
        for values in product(*ranges):
            env = dict(zip(free, values, strict=True))
            if all(self.whole(first, env) != self.whole(second, env) for first, second in pairs):
                yield env

    # Values of trees

    def matrix(self, tree, env):
        """The value as an array with two axes, or as a number."""
        if tree.head in FUNCTIONS:
            value = self._of_operands(tree, env)
        elif tree.head in RULES:
            value = RULES[tree.head](self, tree, env)
        else:
            raise Undefined(f"no numbers for {tree.head}")
        if isinstance(value, (np.ndarray, np.generic)) and value.size == 1:
            value = value.item()
        if isinstance(value, complex) or not _is_finite(value):
            raise Undefined(f"{tree} has no value")
        return value

    def _of_operands(self, tree, env):
        read, function = FUNCTIONS[tree.head]
        operands = [read(self, part, env) for part in tree.args]
        try:
            return function(*operands)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise Undefined(f"{tree} has no value") from error

    def two_axes(self, tree, env):
        """The value as an array with two axes, also of a number."""
        return np.atleast_2d(self.matrix(tree, env))

    def number(self, tree, env):
        value = self.matrix(tree, env)
        if isinstance(value, np.ndarray):
            raise Undefined(f"{tree} is not a number")
        return value

    def whole(self, tree, env):
        value = self.number(tree, env)
        if abs(value - round(value)) > 1e-9:
            raise Undefined(f"{tree} = {value} is not a whole number")
        return round(value)

    def size(self, tree):
        value = self.whole(tree, {})
        if value < 0:
            raise Undefined(f"{tree} = {value} is not a valid size")
        return value

    def _place(self, value, length):
        """The place in an array of the index value, from 0 on."""
        if not 1 <= value <= length:
            raise Undefined("an index out of range")
        return value - 1

    def letter(self, tree, env):
        name = tree.leaf[0]
        indices = [self.whole(part, env) for part in tree.args]
        places = tuple(
            value if last is None else self._place(value, self.size(last))
            for value, last in zip(indices, name.over, strict=True)
        )
        if name in self.meanings:
            parameters, meaning = self.meanings[name]
            return self.matrix(meaning, dict(zip(parameters, indices, strict=True)))
        value = self.values[name]
        if isinstance(value, dict):
            return value.setdefault(places, self.rng.uniform(-1, 1))
        return value[places] if isinstance(value, np.ndarray) else float(value)

    def series(self, tree, env):
        """The values of the body of a sum, product or stack for each value of its index."""
        body, i, *limits = tree.args
        first, last = (self.whole(limit, env) for limit in limits or (node(1), i.args[0]))
        return [self.matrix(body, {**env, i.leaf[0]: k}) for k in range(first, last + 1)]

    def image(self, tree, env):
        """The value of a permuted index."""
        last = next(part for part in walk(tree) if part.head == "index").args[0]
        order = self.permuted.setdefault(tree.leaf[0], self.rng.permutation(self.size(last)) + 1)
        return order[self._place(self.whole(tree.args[0], env), len(order))]

    def entry(self, tree, env):
        value = self.two_axes(tree.args[0], env)
        indices = [self.whole(part, env) for part in (*tree.args[1:], node(1))][:2]
        return float(value[tuple(map(self._place, indices, value.shape))])

    def unit(self, tree, env):
        value = np.zeros((self.size(tree.args[1]), 1))
        value[self._place(self.whole(tree.args[0], env), len(value))] = 1
        return value

    # Expected values

    def mean(self, tree, env, function=float):
        """The mean of function(value) over all outcomes of the letters that are not given."""
        body, *known = tree.args
        fixed = {name.leaf[0] for name in known}
        used = self._letters_behind(body)
        groups = [g for g in self.groups if set(g.letters) & used and not set(g.letters) <= fixed]
        kept = dict(self.values)
        total = 0.0
        for outcomes in product(*(group.outcomes(used) for group in groups)):
            for values, _ in outcomes:
                self.values |= {name: v for name, v in values.items() if name not in fixed}
            weight = math.prod(weight for _, weight in outcomes)
            total += weight * function(self.number(body, env))
        self.values = kept
        return total

    def variance(self, tree, env):
        return self.mean(tree, env, lambda value: value**2) - self.mean(tree, env) ** 2

    def _letters_behind(self, tree):
        """All letters that a tree depends on, through the meanings of others."""
        found = letters(tree)
        meanings = (self.meanings[name][1] for name in found & {*self.meanings})
        return found.union(*map(self._letters_behind, meanings))


def _symmetric(hypotheses):
    """The matrices that are supposed to be symmetric, or are E[x x^T] for one vector x."""
    found = {h.parts[0].leaf[0] for h in hypotheses if h.kind == "symmetric" and h.parts[0].leaf}
    for h in hypotheses:
        if h.kind == "covariances":
            triples = zip(h.parts[::3], h.parts[1::3], h.parts[2::3], strict=True)
            found |= {value.leaf[0] for x, y, value in triples if x == y and value.leaf}
    return found


# Operations


def _is_finite(value):
    if isinstance(value, float):
        return math.isfinite(value)  # ten times as fast
    return np.all(np.isfinite(value))


def _times(sample, tree, env):
    value = 1.0
    for part in tree.args:
        other = sample.matrix(part, env)
        both = isinstance(value, np.ndarray) and isinstance(other, np.ndarray)
        value = value @ other if both else value * other
        value = value.item() if np.size(value) == 1 and both else value
    return value


def _quotient(sample, tree, env):
    bottom, is_difference = sample.number(tree.args[1], env), tree.args[1].head in ("add", "sum")
    if abs(bottom) < (sample.least_difference if is_difference else sample.least_divisor):
        raise Undefined("a division by zero")
    return sample.matrix(tree.args[0], env) / bottom


def _blocks(sample, tree, env):
    cells, columns = [sample.matrix(part, env) for part in tree.args], tree.leaf[1]
    return np.block([cells[k : k + columns] for k in range(0, len(cells), columns)])


def _total(terms):
    return sum(terms[1:], terms[0]) if terms else 0.0


def _derivative(sample, tree, env):
    body, target = tree.args
    name, *indices = (target,) if target.head == "letter" else target.args
    if name.head != "letter":
        raise Undefined("a derivative with respect to what is not a letter")
    if name.leaf[0] in sample.meanings or name.leaf[0] not in sample.values:
        raise Undefined("a derivative with respect to what has a meaning")
    if isinstance(sample.values[name.leaf[0]], dict):
        raise Undefined("a derivative with respect to one of infinitely many numbers")
    place = tuple(sample.whole(part, env) - 1 for part in (*name.args, *indices))
    return sample.slope(lambda: sample.number(body, env), name.leaf[0], place)


def _minimum(sample, tree, env):
    body, *names = tree.args
    kept = {name.leaf[0]: sample.values[name.leaf[0]] for name in names}

    def gradient():
        return np.array([sample.slope(lambda: sample.number(body, env), n, (), 1e-2) for n in kept])

    for _ in range(3):
        hessian = np.array([sample.slope(gradient, name, (), 1e-2) for name in kept])
        if np.linalg.eigvalsh((hessian + hessian.T) / 2).min() < 1e-6:
            raise Undefined("no minimum")
        for name, step in zip(kept, np.linalg.solve(hessian, -gradient()), strict=True):
            sample.values[name] = sample.values[name] + step
    found = [float(sample.values[name]) for name in kept]
    sample.values.update(kept)
    return tuple(found) if len(found) > 1 else found[0]


def _integral(sample, tree, env):
    """From a number to infinity, by the double exponential rule."""
    body, target, first, last = tree.args
    if last != INFINITY:
        raise Undefined("an integral over a bounded interval")
    name, low = target.leaf[0], sample.number(first, env)
    kept, total = sample.values[name], 0.0
    for t in np.linspace(-4.2, 4.2, 421):
        distance = math.exp(math.pi / 2 * math.sinh(t))
        sample.values[name] = low + distance
        weight = distance * math.pi / 2 * math.cosh(t) * 0.02
        total += sample.number(body, env) * weight
    sample.values[name] = kept
    return total


def _power(sample, tree, env):
    base, exponent = (sample.number(part, env) for part in tree.args)
    if base < 0 and exponent != round(exponent):
        raise Undefined("a root of a negative number")
    if exponent < 0 and abs(base) < sample.least_divisor:
        raise Undefined("a division by zero")
    return base**exponent


def _inverse(sample, tree, env):
    matrix = sample.two_axes(tree.args[0], env)
    if np.abs(matrix).max() < sample.least_divisor or np.linalg.cond(matrix) > 1 / SETTLED:
        raise Undefined("the inverse of a singular matrix, or nearly so")
    return np.linalg.inv(matrix)


def _normal(x, mean, variance):
    return math.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


FUNCTIONS = {  # of the operands: how these are read, and what is done with them
    "sqrt": (Sample.number, math.sqrt),
    "exp": (Sample.number, math.exp),
    "log": (Sample.number, math.log),
    "cos": (Sample.number, math.cos),
    "sin": (Sample.number, math.sin),
    "gamma": (Sample.number, math.gamma),
    "max": (Sample.number, max),
    "normal": (Sample.number, _normal),
    "delta": (Sample.whole, lambda i, j: float(i == j)),
    "eye": (Sample.whole, np.eye),
    "zeros": (Sample.whole, lambda rows, columns: np.zeros((rows, columns))),
    "ones": (Sample.whole, lambda rows: np.ones((rows, 1))),
    "neg": (Sample.matrix, np.negative),
    "T": (Sample.two_axes, np.transpose),
    "trace": (Sample.two_axes, np.trace),
    "norm2": (Sample.two_axes, lambda matrix: (matrix**2).sum()),
}
RULES = {
    "letter": Sample.letter,
    "num": lambda s, t, env: float(t.leaf[0]),
    "index": lambda s, t, env: env[t.leaf[0]],
    "perm": Sample.image,
    "add": lambda s, t, env: _total([s.matrix(part, env) for part in t.args]),
    "mul": _times,
    "div": _quotient,
    "pow": _power,
    "inv": _inverse,
    "unit": Sample.unit,
    "entry": Sample.entry,
    "part": Sample.entry,
    "block": _blocks,
    "stack": lambda s, t, env: np.block([[copy] for copy in s.series(t, env)]),
    "beside": lambda s, t, env: np.block([s.series(t, env)]),
    "sum": lambda s, t, env: _total(s.series(t, env)),
    "prod": lambda s, t, env: math.prod(s.series(t, env)),
    "E": Sample.mean,
    "Var": Sample.variance,
    "diff": _derivative,
    "argmin": _minimum,
    "tuple": lambda s, t, env: tuple(s.number(part, env) for part in t.args),
    "integral": _integral,
}
