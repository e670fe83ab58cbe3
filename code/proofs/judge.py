"""An independent judge: what a statement says, computed in floating-point numbers.

It reads the same trees as the deciders and shares no code with them but the vocabulary, except for
the one claim that is decided by running functions: it runs them here. Sizes are small numbers;
letters are random numbers that satisfy the hypotheses; expected values are sums over all outcomes
of discrete distributions with the declared moments, or Gauss-Hermite quadrature for the Gaussian
pair; derivatives are differences; minimisers are found by Newton's method.
"""

import math
from itertools import permutations, product

import numpy as np

from proofs.notation import CIRCLE, all_letters, expanded, latex, letters, node, walk
from solutions import attention

TOLERANCE = 1e-6
SIZES = (
    {
        "N": 3,
        "D": 4,
        "d": 2,
        "H": 2,
        "d_h": 2,
        "D_p": 2,
        "n": 4,
        "r_x": 2,
        "r_p": 1,
        "h": 2,
        "v": 2,
    },
    {
        "N": 2,
        "D": 2,
        "d": 3,
        "H": 3,
        "d_h": 1,
        "D_p": 3,
        "n": 3,
        "r_x": 1,
        "r_p": 1,
        "h": 1,
        "v": 2,
    },
)


class Undefined(ValueError):
    """The statement says nothing for these numbers: a division by zero, an index out of range."""


class World:
    """Numbers for all letters of a statement, such that its hypotheses hold."""

    def __init__(self, statement, sizes, seed, permutation=None):
        self.rng = np.random.default_rng(seed)
        self.sizes, self.permutation = sizes, permutation
        self.values, self.moved = {}, {}
        self.hypotheses = statement.hypotheses
        self.meanings = {
            h.parts[0].leaf[0]: (h.parts[0].args, h.parts[1])
            for h in self.hypotheses
            if h.kind == "where"
        }
        trees = [statement.left, statement.right, *(p for h in self.hypotheses for p in h.parts)]
        self.letters = sorted(
            all_letters(trees) - set(self.meanings), key=lambda n: (n.domain != "natural", n.name)
        )
        self.draw_all()
        self.groups = [Group(self, h) for h in self.hypotheses if h.kind in GROUPS]

    def draw_all(self):
        for letter in self.letters:
            self.values[letter] = self.draw(letter)

    def draw(self, letter):
        """Random numbers for a letter: one array over its indices and its shape."""
        if letter.domain == "natural":
            return self.sizes.get(letter.name) or 2 + sum(map(ord, letter.name)) % 3
        if letter == CIRCLE.leaf[0]:
            return math.pi
        if letter.domain == "permutation":
            return np.eye(len(self.permutation))[list(self.permutation)]
        if None in letter.over:
            return {}
        shape = [self.whole(last) for last in (*letter.over, *letter.shape)]
        if letter.domain == "positive":
            values = self.rng.uniform(0.5, 2, shape)
        else:
            values = self.rng.uniform(0.2, 0.9, shape) * self.rng.choice([-1, 1], shape)
        if any(h.kind == "symmetric" and h.parts[0] == letter() for h in self.hypotheses):
            values = values + values.T + 4 * np.eye(len(values))  # positive definite as well
        return values if shape else float(values)

    def whole(self, tree):
        value = self.number(tree, {})
        if abs(value - round(value)) > 1e-9 or value < 0:
            raise Undefined(f"{latex(tree)} = {value} is not a valid size")
        return round(value)

    # Hypotheses: Newton's method on what is left of them

    def residual(self, env):
        gaps = []
        for h in self.hypotheses:
            if h.kind == "equal":
                gaps.append(self.matrix(h.parts[0], env) - self.matrix(h.parts[1], env))
            elif h.kind == "symmetric":
                S = self.matrix(h.parts[0], {})
                gaps.append(S - S.T)
            elif h.kind == "orthogonal":
                p = self.values[h.parts[0].leaf[0]][..., 0]
                gaps.append(p @ p.T - np.diag((p**2).sum(axis=1)))
        return np.concatenate([np.ravel(gap) for gap in gaps]) if gaps else np.zeros(0)

    def satisfy(self, env):
        """Move the letters until the hypotheses hold for these values of the free indices."""
        names = [
            name
            for h in self.hypotheses
            if h.kind in ("equal", "symmetric", "orthogonal")
            for part in h.parts
            for name in letters(part)
            if name.domain == "real" and name in self.values
        ]
        names = list(dict.fromkeys(names))
        for _ in range(60):
            gap = self.residual(env)
            if not gap.size or np.abs(gap).max() < 1e-11:
                break
            slopes = []
            for name in names:
                for place in np.ndindex(np.shape(self.values[name])):
                    moved = self.with_value(name, place, 1e-6, lambda: self.residual(env))
                    slopes.append((moved - gap) / 1e-6)
            step = np.linalg.lstsq(np.array(slopes).T, -gap, rcond=1e-8)[0]
            for name in names:
                kept, count = self.values[name], np.size(self.values[name])
                moved = kept + step[:count].reshape(np.shape(kept))
                self.values[name] = moved if isinstance(kept, np.ndarray) else float(moved)
                step = step[count:]
        gap = self.residual(env)
        if gap.size and np.abs(gap).max() > 1e-8:
            raise Undefined("the hypotheses could not be satisfied")
        for h in self.hypotheses:
            if h.kind == "positive" and self.number(h.parts[0], env) <= 1e-6:
                raise Undefined("a hypothesis is not met")

    def assignments(self, trees):
        """All values of the free indices, skipping those that violate a `differ` hypothesis."""
        free = {}
        for tree in trees:
            free_indices(tree, frozenset(), free)
        ranges = [range(1, self.whole(i.args[0]) + 1) if i.args else (-1, 2) for i in free.values()]
        for values in product(*ranges):
            env = dict(zip(free, values, strict=True))
            if all(self.differ(h, env) for h in self.hypotheses if h.kind == "differ"):
                yield env

    def differ(self, hypothesis, env):
        names = {
            part.leaf[0] for tree in hypothesis.parts for part in walk(tree) if part.head == "index"
        }
        if not names <= set(env):
            return True
        first, second = (self.index(part, env) for part in hypothesis.parts)
        return first != second

    # Trees

    def matrix(self, tree, env):
        """The value as an array with two axes, or as a number."""
        rule = RULES.get(tree.head)
        if rule is None:
            raise Undefined(f"no numbers for {tree.head}")
        value = rule(self, tree, env)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        if isinstance(value, complex) or not np.all(np.isfinite(value)):
            raise Undefined(f"{latex(tree)} has no value")
        return value

    def number(self, tree, env):
        value = self.matrix(tree, env)
        if isinstance(value, np.ndarray):
            raise Undefined(f"{latex(tree)} is not a number")
        return value

    def index(self, tree, env):
        if tree.head == "index":
            return env[tree.leaf[0]]
        if tree.head == "perm":
            last = next(part for part in walk(tree) if part.head == "index").args[0]
            order = self.moved.setdefault(tree.leaf[0], self.rng.permutation(self.whole(last)) + 1)
            value = self.index(tree.args[0], env)
            if not 1 <= value <= len(order):
                raise Undefined("out of the range of the permutation")
            return int(order[value - 1])
        if tree.head == "add":
            return sum(self.index(part, env) for part in tree.args)
        if tree.head == "neg":
            return -self.index(tree.args[0], env)
        return self.whole_number(tree)

    def whole_number(self, tree):
        if tree.head != "num" or tree.leaf[0].denominator != 1:
            raise Undefined(f"{latex(tree)} is not an index")
        return int(tree.leaf[0])

    def letter(self, tree, env):
        name = tree.leaf[0]
        places = tuple(self.index(part, env) for part in tree.args)
        for place, last in zip(places, name.over, strict=True):
            if last is not None and not 1 <= place <= self.whole(last):
                raise Undefined(f"{latex(tree)} is out of range")
        if name in self.meanings:
            parameters, meaning = self.meanings[name]
            return self.matrix(
                meaning, dict(zip((p.leaf[0] for p in parameters), places, strict=True))
            )
        value = self.values[name]
        if isinstance(value, dict):
            return value.setdefault(places, self.rng.uniform(-1, 1))
        if not isinstance(value, np.ndarray):
            return float(value)
        return value[tuple(place - 1 for place in places)]

    def series(self, tree, env):
        body, i, first, last = tree.args
        low, high = (self.number(limit, env) for limit in (first, last))
        if abs(high - round(high)) > 1e-9:
            raise Undefined("a sum that ends between two numbers")
        values = range(round(low), round(high) + 1)
        return [self.matrix(body, {**env, i.leaf[0]: value}) for value in values]

    def expectation(self, tree, env, body=None):
        """The mean over all joint outcomes of the random letters that are not given."""
        fixed = {name.leaf[0] for name in tree.args[1:]}
        used = self.reach(tree.args[0])
        groups = [g for g in self.groups if set(g.letters) & used and not set(g.letters) <= fixed]
        kept = dict(self.values)
        total = 0.0
        for outcomes in product(*(g.outcomes(used) for g in groups)):
            for values, _ in outcomes:
                self.values.update({k: v for k, v in values.items() if k not in fixed})
            weight = math.prod(w for _, w in outcomes)
            value = self.number(tree.args[0], env)
            total += weight * (value if body is None else body(value))
        self.values = kept
        return total

    def variance(self, tree, env):
        return self.expectation(tree, env, lambda v: v * v) - self.expectation(tree, env) ** 2

    def reach(self, tree):
        """All letters that a tree depends on, through the meanings of others."""
        found, waiting = set(), letters(tree)
        while waiting:
            name = waiting.pop()
            found.add(name)
            if name in self.meanings:
                waiting |= letters(self.meanings[name][1]) - found
        return found

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

    def derivative(self, tree, env):
        body, target = tree.args
        name = target if target.head == "letter" else target.args[0]
        place = [self.index(part, env) - 1 for part in name.args]
        if target.head != "letter":
            place += [self.index(part, env) - 1 for part in target.args[1:]]
        if name.leaf[0] in self.meanings or name.leaf[0] not in self.values:
            raise Undefined("a derivative with respect to what has a meaning")
        return self.slope(lambda: self.number(body, env), name.leaf[0], tuple(place))

    def slope(self, body, name, place, h=1e-3):
        near, far = (
            self.with_value(name, place, k * h, body) - self.with_value(name, place, -k * h, body)
            for k in (1, 2)
        )
        return (8 * near - far) / (12 * h)

    def minimiser(self, tree, env):
        body, *names = tree.args
        kept = {name.leaf[0]: self.values[name.leaf[0]] for name in names}

        def gradient():
            return np.array([self.slope(lambda: self.number(body, env), n, (), 1e-2) for n in kept])

        for _ in range(3):
            slopes = np.array([self.difference(gradient, n) for n in kept])
            if np.linalg.eigvalsh((slopes + slopes.T) / 2).min() < 1e-6:
                raise Undefined("no minimum")
            step = np.linalg.solve(slopes, -gradient())
            for name, change in zip(kept, step, strict=True):
                self.values[name] = self.values[name] + change
        found = [float(self.values[name]) for name in kept]
        self.values.update(kept)
        return tuple(found) if len(found) > 1 else found[0]

    def difference(self, body, name, h=1e-2):
        return (self.with_value(name, (), h, body) - self.with_value(name, (), -h, body)) / (2 * h)

    def integral(self, tree, env):
        """By the double exponential rule."""
        body, target, first, last = tree.args
        t = np.linspace(-4.2, 4.2, 421)
        u = math.pi / 2 * np.sinh(t)
        low, high = (
            None
            if part.head == "infinity" or (part.head == "neg" and part.args[0].head == "infinity")
            else self.number(part, env)
            for part in (first, last)
        )
        if low is None and high is None:
            points, slopes = np.sinh(u), np.cosh(u) * math.pi / 2 * np.cosh(t)
        elif high is None:
            points = low + np.exp(u)
            slopes = np.exp(u) * math.pi / 2 * np.cosh(t)
        else:
            raise Undefined("an integral over a bounded interval")
        total, name = 0.0, target.leaf[0]
        kept = self.values[name]
        for point, slope in zip(points, slopes, strict=True):
            self.values[name] = float(point)
            try:
                total += self.number(body, env) * slope * (t[1] - t[0])
            except OverflowError:
                continue
        self.values[name] = kept
        return total

    def attend(self, tree, env):
        X = self.matrix(tree.args[0], env)
        rng = np.random.default_rng(2)
        W_q, W_k, W_v, W_o = (rng.standard_normal((6, X.shape[1])) for _ in range(4))
        return attention.multi_head_self_attention(X, W_q, W_k, W_v, W_o.T[:, :6], tree.leaf[0])[0]


def free_indices(tree, bound, found):
    """Enter the free indices of a tree into {name: index}."""
    if tree.head == "index":
        if tree.leaf[0] not in bound:
            found.setdefault(tree.leaf[0], tree)
        return
    if tree.head in ("sum", "prod", "stack", "beside"):
        bound_ = bound | {tree.args[1].leaf[0]}
        free_indices(tree.args[0], bound_, found)
        for part in tree.args[2:]:
            free_indices(part, bound, found)
        return
    for part in tree.args:
        free_indices(part, bound, found)


class Group:
    """Letters with a joint distribution."""

    def __init__(self, world, hypothesis):
        self.world, self.hypothesis = world, hypothesis
        self.skew = world.rng.uniform(0.3, 2.5)
        parts = hypothesis.parts
        named = {
            "independent": lambda: parts[0].args,
            "gaussian": lambda: parts[:2],
            "random": lambda: parts,
        }.get(hypothesis.kind, lambda: ())()
        self.letters = [part.leaf[0] for part in named]
        if hypothesis.kind == "covariances":
            self.letters = list(
                dict.fromkeys(parts[k].leaf[0] for k in range(len(parts)) if k % 3 < 2)
            )
        if hypothesis.kind == "moments":
            self.letters = sorted(set().union(*map(letters, parts[::2])), key=lambda n: n.name)
        self.points = world.rng.uniform(-1, 1, (3, len(self.letters)))

    def outcomes(self, used):
        """({letter: values}, probability) of all outcomes."""
        return getattr(self, "_" + self.hypothesis.kind)(used)

    def _two_points(self):
        """Values of mean 0 and variance 1, with their probabilities."""
        return [
            (self.skew, 1 / (1 + self.skew**2)),
            (-1 / self.skew, self.skew**2 / (1 + self.skew**2)),
        ]

    def _independent(self, used):
        world, (_, mean, variance, _) = self.world, self.hypothesis.parts
        mean, spread = world.number(mean, {}), world.number(variance, {})
        if spread < 0:
            raise Undefined("a negative variance")
        spread = math.sqrt(spread)
        names = [name for name in self.letters if name in used]
        shapes = [np.shape(world.values[name]) for name in names]
        count = sum(math.prod(shape) for shape in shapes)
        if count > 12:
            raise Undefined("too many outcomes")
        for draws in product(self._two_points(), repeat=count):
            values, rest = {}, [mean + spread * value for value, _ in draws]
            for name, shape in zip(names, shapes, strict=True):
                entries, rest = rest[: math.prod(shape)], rest[math.prod(shape) :]
                values[name] = np.array(entries).reshape(shape) if shape else entries[0]
            yield values, math.prod(weight for _, weight in draws)

    def _moments(self, used):
        """Two-point variables, mixed so that all declared moments of order one and two hold."""
        world, parts = self.world, self.hypothesis.parts
        known = {}
        for expression, value in zip(parts[::2], parts[1::2], strict=True):
            names, sign = _factors(expression)
            known[tuple(sorted(names))] = sign * world.number(value, {})
        names = [name.name for name in self.letters]
        mean = np.array([known.get((a,), 0.3) for a in names])
        second = np.array(
            [
                [
                    known.get(tuple(sorted((a, b))), 0.4 + 2 * (a == b) + mean[k] * mean[m])
                    for m, b in enumerate(names)
                ]
                for k, a in enumerate(names)
            ]
        )
        try:
            root = np.linalg.cholesky(second - np.outer(mean, mean))
        except np.linalg.LinAlgError as error:
            raise Undefined("no variables have these moments") from error
        for draws in product(self._two_points(), repeat=len(names)):
            point = mean + root @ np.array([value for value, _ in draws])
            yield (
                dict(zip(self.letters, map(float, point), strict=True)),
                math.prod(weight for _, weight in draws),
            )

    def _covariances(self, used):
        """Two-point variables, mixed so that their covariances are as declared."""
        world, parts = self.world, self.hypothesis.parts
        sizes = [len(world.values[name]) for name in self.letters]
        starts = dict(zip(self.letters, np.cumsum([0, *sizes]), strict=False))
        whole = 3 * np.eye(sum(sizes))
        for k in range(0, len(parts), 3):
            first, second = (starts[part.leaf[0]] for part in parts[k : k + 2])
            block = _two_axes(world.matrix(parts[k + 2], {}))
            rows = slice(first, first + block.shape[0])
            cols = slice(second, second + block.shape[1])
            whole[rows, cols], whole[cols, rows] = block, block.T
        try:
            root = np.linalg.cholesky(whole)
        except np.linalg.LinAlgError as error:
            raise Undefined("no variables have these covariances") from error
        for draws in product(self._two_points(), repeat=len(whole)):
            point = root @ np.array([[value] for value, _ in draws])
            yield (
                {
                    name: point[starts[name] : starts[name] + size]
                    for name, size in zip(self.letters, sizes, strict=True)
                },
                math.prod(weight for _, weight in draws),
            )

    def _gaussian(self, used):
        c = self.world.number(self.hypothesis.parts[2], {})
        if abs(c) >= 1:
            raise Undefined("no such Gaussian pair")
        nodes, weights = np.polynomial.hermite_e.hermegauss(8)
        weights = weights / weights.sum()
        for (z_1, p_1), (z_2, p_2) in product(zip(nodes, weights, strict=True), repeat=2):
            point = float(z_1), float(c * z_1 + math.sqrt(1 - c * c) * z_2)
            yield dict(zip(self.letters, point, strict=True)), float(p_1 * p_2)

    def _random(self, used):
        for point, weight in zip(self.points, (0.2, 0.5, 0.3), strict=True):
            yield dict(zip(self.letters, map(float, point), strict=True)), weight


GROUPS = ("independent", "moments", "covariances", "gaussian", "random")


def _factors(tree):
    """The names in a product of letters, and its sign."""
    if tree.head == "letter":
        return [tree.leaf[0].name], 1
    if tree.head in ("T", "neg"):
        names, sign = _factors(tree.args[0])
        return names, sign if tree.head == "T" else -sign
    if tree.head == "mul":
        parts = [_factors(part) for part in tree.args]
        return [name for names, _ in parts for name in names], math.prod(s for _, s in parts)
    if tree.head == "pow" and tree.args[1].head == "num":
        names, sign = _factors(tree.args[0])
        return names * int(tree.args[1].leaf[0]), sign ** int(tree.args[1].leaf[0])
    raise Undefined(f"no product: {latex(tree)}")


def _times(world, tree, env):
    value = 1.0
    for part in tree.args:
        other = world.matrix(part, env)
        if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
            value = value @ other
            value = value.item() if value.size == 1 else value
        else:
            value = value * other
    return value


def _two_axes(value):
    return value if isinstance(value, np.ndarray) else np.array([[value]])


def _copies(join):
    def made(world, tree, env):
        body, i = tree.args
        return join(
            [
                _two_axes(world.matrix(body, {**env, i.leaf[0]: k}))
                for k in range(1, world.whole(i.args[0]) + 1)
            ]
        )

    return made


def _block(world, tree, env):
    rows, cols = tree.leaf
    cells = [_two_axes(world.matrix(part, env)) for part in tree.args]
    return np.block([cells[r * cols : (r + 1) * cols] for r in range(rows)])


def _unit(world, tree, env):
    value = np.zeros((world.whole(tree.args[1]), 1))
    value[_place(world, tree.args[0], env, len(value))] = 1
    return value


def _place(world, tree, env, length):
    k = world.index(tree, env)
    if not 1 <= k <= length:
        raise Undefined("an index out of range")
    return k - 1


def _entry(world, tree, env):
    value = _two_axes(world.matrix(tree.args[0], env))
    places = [*tree.args[1:], node(1)][:2]
    return float(
        value[
            tuple(
                _place(world, part, env, length)
                for part, length in zip(places, value.shape, strict=True)
            )
        ]
    )


def _function(compute):
    def computed(world, tree, env):
        try:
            return compute(*(world.number(part, env) for part in tree.args))
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise Undefined(f"{latex(tree)} has no value") from error

    return computed


def _quotient(world, tree, env):
    bottom = world.number(tree.args[1], env)
    if abs(bottom) < (1e-12 if tree.args[1].head in ("add", "sum") else 1e-300):
        raise Undefined("a division by zero")
    return world.matrix(tree.args[0], env) / bottom


def _power(base, exponent):
    if base < 0 and exponent != round(exponent):
        raise ValueError("a root of a negative number")
    return base**exponent


def _normal(x, mean, variance):
    return math.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def _sum(world, tree, env):
    terms = world.series(tree, env)
    return sum(terms[1:], terms[0]) if terms else 0.0


RULES = {
    "letter": World.letter,
    "num": lambda w, t, env: float(t.leaf[0]),
    "index": lambda w, t, env: float(w.index(t, env)),
    "perm": lambda w, t, env: float(w.index(t, env)),
    "add": lambda w, t, env: sum((w.matrix(p, env) for p in t.args[1:]), w.matrix(t.args[0], env)),
    "mul": _times,
    "neg": lambda w, t, env: -w.matrix(t.args[0], env),
    "div": _quotient,
    "pow": _function(_power),
    "sqrt": _function(math.sqrt),
    "exp": _function(math.exp),
    "log": _function(math.log),
    "cos": _function(math.cos),
    "sin": _function(math.sin),
    "gamma": _function(math.gamma),
    "max": _function(max),
    "normal": _function(_normal),
    "T": lambda w, t, env: _two_axes(w.matrix(t.args[0], env)).T,
    "inv": lambda w, t, env: np.linalg.inv(_two_axes(w.matrix(t.args[0], env))),
    "eye": lambda w, t, env: np.eye(w.whole(t.args[0])),
    "zeros": lambda w, t, env: np.zeros((w.whole(t.args[0]), w.whole(t.args[1]))),
    "ones": lambda w, t, env: np.ones((w.whole(t.args[0]), 1)),
    "unit": _unit,
    "trace": lambda w, t, env: float(np.trace(_two_axes(w.matrix(t.args[0], env)))),
    "norm2": lambda w, t, env: float((_two_axes(w.matrix(t.args[0], env)) ** 2).sum()),
    "entry": _entry,
    "part": _entry,
    "delta": lambda w, t, env: float(w.index(t.args[0], env) == w.index(t.args[1], env)),
    "block": _block,
    "stack": _copies(np.vstack),
    "beside": _copies(np.hstack),
    "sum": _sum,
    "prod": lambda w, t, env: math.prod(w.series(t, env)),
    "E": World.expectation,
    "Var": World.variance,
    "diff": World.derivative,
    "argmin": World.minimiser,
    "integral": World.integral,
    "attend": World.attend,
}


def _gap(world, left, right, env):
    """How far two sides are apart, relative to their size; tuples part by part."""
    left, right = expanded(left), expanded(right)
    if left.head == "tuple" and right.head == "tuple" and len(left.args) == len(right.args):
        return max(_gap(world, a, b, env) for a, b in zip(left.args, right.args, strict=True))
    if left.head == "argmin" and right.head == "tuple":
        found = world.minimiser(left, env)
        values = [world.number(part, env) for part in right.args]
    else:
        found, values = world.matrix(left, env), world.matrix(right, env)
    if np.shape(found) != np.shape(values):
        return math.inf
    size = 1 + np.abs(found).max() + np.abs(values).max()
    return float(np.abs(np.subtract(found, values)).max() / size)


def says(statement, tries=12, enough=4):
    """True or False: whether the statement holds in numbers; None if it says nothing in any."""
    agreed = 0
    for seed in range(tries):
        if agreed == enough:
            break
        permutation = np.random.default_rng(seed).permutation(SIZES[seed % 2]["N"])
        try:
            world = World(statement, SIZES[seed % 2], seed, permutation)
            trees = [
                statement.left,
                statement.right,
                *(part for h in statement.hypotheses if h.kind != "where" for part in h.parts),
            ]
            for env in world.assignments(trees):
                if any(h.kind == "equal" for h in statement.hypotheses):
                    world.draw_all()  # what was moved for other values of the indices is undone
                world.satisfy(env)
                gap = _gap(world, statement.left, statement.right, env)
                if gap > TOLERANCE:
                    return False
            agreed += 1
        except (Undefined, np.linalg.LinAlgError, OverflowError):
            continue
    return True if agreed else None


def same_for_all_orders(statement, sizes, within):
    """True if both sides agree for one random case and every permutation of its N inputs."""
    for order in permutations(range(sizes["N"])):
        world = World(statement, sizes, seed=4, permutation=order)
        if _gap(world, statement.left, statement.right, {}) > within:
            return False
    return True
