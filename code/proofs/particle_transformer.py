"""Exercise 2: the claims about Particle Transformer, each with its check and its false twins.

The counts are claimed as lists of layers and of matrix products, read off the official code once more and without the
functions of solutions.particle_transformer, which the checks compare them with. The symmetry is claimed in words.

    X  (N, D)   tokens          P  (N, N)  a permutation; P^T P = I or P P^T = I is used where it is given
    U  (N, N)   pair bias       M  (D, D)  W_q^T W_k / sqrt(d_k), so that the logits are X M X^T + U
    B  (N, D)   one vector for each place, the same whichever particle stands there
    E  (N, N)   exp of the logits, entry by entry        G  (N, N)    diagonal, one over the row sums of E
    e  (1, N)   exp of the class token's logits          Z  (N, d_v)  values of the particles
"""

from sympy import MatrixSymbol, Poly, expand, symbols

from proofs.ledger import Equation, Worded, claim
from proofs.matrices import equal
from solutions import particle_transformer

N, D, d_v = symbols("N D d_v", integer=True, positive=True)


# Counts -----------------------------------------------------------------------------------------------------------------

COUNT = {"linear": lambda a, b: a * b + b, "linear without bias": lambda a, b: a * b,
         "norm": lambda n: 2 * n, "vector": lambda n: n}


def parameters(pair_bias_width=8, linear="linear", without=()):
    """{part: (copies, layers)}; a 1 x 1 convolution is a linear layer, and LayerNorm and BatchNorm both learn two vectors."""
    model = {
        "embedding": (1, [("norm", 17), ("norm", 17), (linear, 17, 128), ("norm", 128), (linear, 128, 512), ("norm", 512),
                          (linear, 512, 128)]),
        "pair embedding": (1, [("norm", 4), (linear, 4, 64), ("norm", 64), (linear, 64, 64), ("norm", 64), (linear, 64, 64),
                               ("norm", 64), (linear, 64, pair_bias_width), ("norm", pair_bias_width)]),
        "block": (10, [("norm", 128), (linear, 128, 384), (linear, 128, 128), ("vector", 8), ("norm", 128), ("norm", 128),
                       (linear, 128, 512), ("norm", 512), (linear, 512, 128), ("vector", 128)]),
        "class token": (1, [("vector", 128)]),
        "final norm": (1, [("norm", 128)]),
        "head": (1, [(linear, 128, 10)]),
    }
    return {part: layers for part, layers in model.items() if part not in without}


def count(layers):
    return sum(COUNT[kind](*sizes) for kind, *sizes in layers)


def thousands(number):
    return f"{number:,}".replace(",", r"\,")


def parameter_claim(model, total=2_143_486):
    """The sum over the parts, typeset from the layers, claimed to be what the instantiated official model holds."""
    terms = [f"{copies} \\cdot " * (copies > 1) + thousands(count(layers)) for copies, layers in model.values()]
    return Worded(f"${' + '.join(terms)} = {thousands(total)}$", (model, total))


@claim("particle-transformer-parameters",
       statement=parameter_claim(parameters()),
       scope="sample", over="the official configuration",
       false_twin={"a pair bias of 16 channels": parameter_claim(parameters(pair_bias_width=16)),
                   "no biases": parameter_claim(parameters(linear="linear without bias")),
                   "no class token": parameter_claim(parameters(without=("class token",))),
                   "the total of the model without a pair bias": parameter_claim(parameters(), 2_133_918)},
       by_hand="that these are the layers of the official code")
def _(statement):
    model, claimed = statement.value
    counted = [(part, copies, count(layers)) for part, (copies, layers) in model.items()]
    return sum(copies * n for _, copies, n in counted) == claimed and counted == particle_transformer.parts()


def products(pairs=N * (N + 1) / 2, keys=N + 1, without=()):
    """(copies, rows, inner, columns) of each matrix product for one jet of N particles."""
    model = {
        "embedding": [(1, N, 17, 128), (1, N, 128, 512), (1, N, 512, 128)],
        "pair embedding": [(1, pairs, 4, 64), (1, pairs, 64, 64), (1, pairs, 64, 64), (1, pairs, 64, 8)],
        "particle attention": [(8, N, 128, 384), (64, N, 16, N), (64, N, N, 16), (8, N, 128, 128)],
        "feed-forward": [(8, N, 128, 512), (8, N, 512, 128)],
        "class attention": [(2, 1, 128, 128), (2, keys, 128, 256), (16, 1, 16, keys), (16, 1, keys, 16), (2, 1, 128, 128)],
        "class feed-forward": [(2, 1, 128, 512), (2, 1, 512, 128)],
        "head": [(1, 1, 128, 10)],
    }
    return [product for part, listed in model.items() if part not in without for product in listed]


def product_claim(listed, polynomial, what="multiply-accumulates for $N$ particles"):
    square, linear, constant = (thousands(int(c)) for c in Poly(polynomial).all_coeffs())
    return Worded(f"${square} N^2 + {linear} N + {constant}$ {what}", (listed, polynomial))


COST = 6528 * N ** 2 + 1776640 * N + 395008


@claim("particle-transformer-products",
       statement=product_claim(products(), COST),
       scope="general", over="all $N$; not counted: norms, biases, activations, softmax",
       false_twin={"each pair embedded twice": product_claim(products(pairs=N ** 2), COST, "with $N^2$ pairs embedded"),
                   "the class token not among its keys": product_claim(products(keys=N), COST, "with $N$ class keys"),
                   "no pair bias": product_claim(products(without=("pair embedding",)), COST, "without the pair bias"),
                   "additions counted as well": product_claim(products(), 2 * COST)},
       by_hand="That these are the products of the official code.")
def _(statement):
    listed, polynomial = statement.value
    counted = expand(sum(copies * rows * inner * columns for copies, rows, inner, columns in listed))
    # three values fix a polynomial of degree two
    return expand(counted - polynomial) == 0 and all(counted.subs(N, n) == particle_transformer.products(n) for n in (1, 2, 128))


# Symmetry ---------------------------------------------------------------------------------------------------------------

X, B, P, U, E, G = (MatrixSymbol(*shape) for shape in
                    [("X", N, D), ("B", N, D), ("Pi", N, N), ("U", N, N), ("E", N, N), ("G", N, N)])
M, W_v = MatrixSymbol("M", D, D), MatrixSymbol("W_v", d_v, D)
a, Z = MatrixSymbol("a", 1, N), MatrixSymbol("Z", N, d_v)


def logits(tokens):
    return tokens * M * tokens.T


MOVED = P * (X * M * X.T + U) * P.T


@claim("pair-bias-keeps-logits-equivariant",
       statement=Equation(logits(P * X) + P * U * P.T, MOVED),
       scope="general", over="all $N, D$",
       false_twin={"the bias left in place": Equation(logits(P * X) + U, MOVED),
                   "its columns left in place": Equation(logits(P * X) + P * U, MOVED),
                   "invariant, not equivariant": Equation(logits(P * X) + P * U * P.T, X * M * X.T + U)})
def _(statement):
    return equal(statement.left, statement.right)


OUTPUT = P * (G * E * X * W_v.T)


@claim("pair-bias-keeps-outputs-equivariant",
       statement=Equation((P * G * P.T) * (P * E * P.T) * (P * X * W_v.T), OUTPUT),
       scope="general", over="all $N, D, d_v$",
       false_twin={"the values left in place": Equation((P * G * P.T) * (P * E * P.T) * (X * W_v.T), OUTPUT),
                   "the sums left in place": Equation(G * (P * E * P.T) * (P * X * W_v.T), OUTPUT),
                   "invariant, not equivariant": Equation((P * G * P.T) * (P * E * P.T) * (P * X * W_v.T), G * E * X * W_v.T)},
       by_hand=r"$\mat{E}$ holds the exp of the logits, $\mat{G}$ one over its row sums. Exp acts entry by entry, and a permutation "
               r"moves the row sums with the rows; heads, $\mat{W}_o$, residual sums and LayerNorms act row by row.")
def _(statement):
    return equal(statement.left, statement.right, given={(P.T, P): 1})


@claim("class-attention-is-invariant",
       statement=Equation((a * P.T) * (P * Z), a * Z),
       scope="general", over="all $N, d_v$",
       false_twin={"the weights left in place": Equation(a * (P * Z), a * Z),
                   "the values left in place": Equation((a * P.T) * Z, a * Z)},
       by_hand="the sum that divides is the case of a column of ones; the class token's own term does not move")
def _(statement):
    return equal(statement.left, statement.right, given={(P.T, P): 1})


@claim("positions-do-not-move-along",
       statement=Equation(logits(P * X + B), P * logits(X + P.T * B) * P.T),
       scope="general", over="all $N, D$",
       false_twin={"equivariant all the same": Equation(logits(P * X + B), P * logits(X + B) * P.T),
                   "moved the wrong way": Equation(logits(P * X + B), P * logits(X + P * B) * P.T),
                   "only the queries' positions": Equation(logits(P * X + B), P * (X + P.T * B) * M * (X + B).T * P.T)})
def _(statement):
    return equal(statement.left, statement.right, given={(P, P.T): 1})
