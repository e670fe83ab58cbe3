"""The shape of a tree; IllFormed where shapes do not fit."""

from proofs.notation import IllFormed, expand, node

SEVERAL = ("tuple", "merge", "argmin")  # may be a side of a statement, but no operand


def shape(tree):
    """() for a number, (rows, columns) for a matrix; raises IllFormed where shapes do not fit.

    A dimension is a size, ("blocks", dimensions) or ("copies", size, dimension).
    """
    if tree.head not in SEVERAL and any(part.head in SEVERAL for part in tree.args):
        raise IllFormed(f"{tree.head} of several things at once: {tree}")
    found = SHAPES.get(tree.head, _shape_of_function)(tree)
    return () if found == (node(1), node(1)) else found


def matrix_shape(tree):
    """The shape of a matrix, one by one for a number."""
    return shape(tree) or (node(1), node(1))


def _shape_of_function(tree):
    for part in tree.args:
        if shape(part) != ():
            raise IllFormed(f"{tree.head} of a matrix: {part}")
    return ()


def _shape_of_integral(tree):
    if tree.args[1].head != "letter" or tree.args[1].args:
        raise IllFormed(f"an integral over {tree.args[1]}, which is not a letter")
    return _shape_of_function(tree)


def _shape_of_letter(tree):
    name = tree.leaf[0]
    if not all(map(_is_size, (*name.over, *name.shape))):
        raise IllFormed(f"{name.name}: expected sizes, or None for all integers")
    if len(tree.args) != len(name.over):
        raise IllFormed(f"{name.name}: expected {len(name.over)} indices, got {len(tree.args)}")
    return name.shape


def _is_size(dimension):
    """Whether it is made of whole numbers and symbolic sizes (or blocks of these), or None."""
    if dimension is None or isinstance(dimension, tuple):
        return True
    if dimension.head == "letter":
        return dimension.leaf[0].domain == "natural" and not dimension.args
    if dimension.head == "num":
        return dimension.leaf[0].denominator == 1
    return dimension.head in ("add", "mul", "neg", "div", "pow") and all(
        map(_is_size, dimension.args)
    )


def _shape_of_tuple(tree):
    if len(tree.args) < 2:
        raise IllFormed(f"a tuple needs 2 or more parts, got {len(tree.args)}")
    return "tuple", tuple(map(shape, tree.args))


def _shape_of_minimiser(tree):
    _shape_of_function(tree)
    if len(tree.args) < 2:
        raise IllFormed(f"{tree}: a minimum over no letter")
    return ("tuple", ((),) * (len(tree.args) - 1)) if len(tree.args) > 2 else ()


def _shape_of_sum(tree):
    shapes = {shape(part) for part in tree.args}
    if len(shapes) != 1:
        raise IllFormed(f"terms of different shapes in {tree}")
    return shapes.pop()


def _shape_of_product(tree):
    found = ()
    for part in map(shape, tree.args):
        if part and found and found[1] != part[0]:
            raise IllFormed(f"factors that do not fit in {tree}")
        found = (found[0], part[1]) if part and found else part or found
    return found


def _shape_of_quotient(tree):
    if shape(tree.args[1]):
        raise IllFormed(f"divided by a matrix: {tree}")
    return shape(tree.args[0])


def _shape_of_square(tree):
    found = matrix_shape(tree.args[0])
    if found[0] != found[1]:
        raise IllFormed(f"{tree.head} of a matrix that is not square: {tree}")
    return found


def _shape_of_vector(tree):
    found = matrix_shape(tree.args[0])
    if found[1] != node(1):
        raise IllFormed(f"an entry of {tree.args[0]}, which is not a vector")
    return found


def _shape_of_blocks(tree):
    rows, cols = tree.leaf
    shapes = [matrix_shape(part) for part in tree.args]
    heights = [{shapes[r * cols + c][0] for c in range(cols)} for r in range(rows)]
    widths = [{shapes[r * cols + c][1] for r in range(rows)} for c in range(cols)]
    if any(len(group) != 1 for group in heights + widths):
        raise IllFormed(f"blocks that do not fit in {tree}")
    both = (tuple(group.pop() for group in groups) for groups in (heights, widths))
    return tuple(parts[0] if len(parts) == 1 else ("blocks", parts) for parts in both)


def _shape_of_copies(tree):
    body, i = tree.args
    rows, cols = matrix_shape(body)
    if i.head != "index" or not i.args:
        raise IllFormed(f"copies of {body} over {i}, which is not an index with a range")
    if tree.head == "stack":
        return ("copies", i.args[0], rows), cols
    return rows, ("copies", i.args[0], cols)


def _shape_of_body(tree):
    if tree.args[1].head != "index":
        raise IllFormed(f"a {tree.head} over {tree.args[1]}, which is not an index")
    if any(shape(limit) for limit in tree.args[2:]):
        raise IllFormed(f"a matrix as a limit in {tree}")
    if tree.head == "prod" and shape(tree.args[0]):
        raise IllFormed(f"a product of matrices: {tree}")
    return shape(tree.args[0])


def _number_of(rule):
    """A number, if the rule finds no fault."""
    return lambda tree: rule(tree) and ()


SHAPES = {
    "letter": _shape_of_letter,
    "add": _shape_of_sum,
    "mul": _shape_of_product,
    "neg": lambda t: shape(t.args[0]),
    "T": lambda t: matrix_shape(t.args[0])[::-1],
    "div": _shape_of_quotient,
    "inv": _shape_of_square,
    "trace": _number_of(_shape_of_square),
    "norm2": _number_of(lambda t: matrix_shape(t.args[0])),
    "entry": _number_of(lambda t: matrix_shape(t.args[0])),
    "part": _number_of(_shape_of_vector),
    "eye": lambda t: (t.args[0], t.args[0]),
    "ones": lambda t: (t.args[0], node(1)),
    "zeros": lambda t: t.args,
    "unit": lambda t: (t.args[1], node(1)),
    "block": _shape_of_blocks,
    "stack": _shape_of_copies,
    "beside": _shape_of_copies,
    "sum": _shape_of_body,
    "prod": _shape_of_body,
    "integral": _shape_of_integral,
    "tuple": _shape_of_tuple,
    "merge": lambda t: shape(expand(t)),
    "argmin": _shape_of_minimiser,
}
