"""Decorators that check array arguments; the functions also work without them."""

import functools
import inspect

import numpy as np


def shapes(**wanted: str):
    """Check arguments against shapes such as Q="... N d", K="... M d", W="H*d D", n_heads="H".

    A letter is one size wherever it occurs, "..." stands for any leading axes, and H*d for a
    multiple of H, an argument that is itself a size. The function gets arrays of one type: float32
    and float64 are kept, other real numbers become float64; what has that type already is not
    copied.
    Raises: ValueError, with both sizes, for a wrong shape or an empty axis; TypeError for numbers
    that are not real, and for masked arrays, whose mask would be lost.
    """
    sizes = [name for name, axes in wanted.items() if axes.isidentifier()]

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given = signature.bind(*args, **kwargs).arguments
            known = {wanted[name]: (_whole(name, given[name]), name) for name in sizes}
            arrays = {name: _real(name, given[name]) for name in wanted if name not in sizes}
            for name, array in arrays.items():
                _check_shape(name, wanted[name].split(), array.shape, known)
            common = np.result_type(*arrays.values())
            if common not in (np.float32, np.float64):
                common = np.float64
            arrays = {name: array.astype(common, copy=False) for name, array in arrays.items()}
            return function(**given | arrays)

        return checked

    return decorate


def no_undefined_row(softmax):
    """Raise ValueError where a row of the scores has no finite maximum, hence no softmax.

    Such a row comes out as NaN from its first entry on, so the first column is all there is to see.
    """

    @functools.wraps(softmax)
    def checked(S):
        with np.errstate(invalid="ignore"):
            A = softmax(S)
        undefined = np.isnan(A[..., 0])
        if undefined.any():
            check_maxima(np.where(undefined, S.max(axis=-1), 0))
        return A

    return checked


def check_maxima(maxima: np.ndarray) -> None:
    """Raise ValueError at the first row of scores whose maximum, in maxima (...), is not finite."""
    if not np.isfinite(maxima).all():
        row = tuple(int(i) for i in np.argwhere(~np.isfinite(maxima))[0])
        raise ValueError(f"row {row} of the scores must have a finite maximum, got {maxima[row]}")


def _whole(name, size):
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {size!r}")
    return int(size)


def _real(name, array):
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one; fill it first")
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must contain real numbers, got dtype {array.dtype}")
    return array


def _check_shape(name, axes, shape, known):
    """Compare the sizes with those in `known` {axis: (size, where from)}, and add new ones."""
    wanted = f"{name} must be ({', '.join(axes)})"
    if axes[0] == "...":
        axes = axes[1:]
        shape = shape[max(0, len(shape) - len(axes)) :]
    if len(shape) != len(axes):
        raise ValueError(f"{wanted}, got {len(shape)}-D")
    for axis, size in zip(axes, shape):
        if size == 0:
            raise ValueError(f"{wanted}, each at least 1, got {axis} = 0")
        expected, origin = known.setdefault(axis, (size, name))
        if size != expected:
            raise ValueError(f"{wanted} with {axis} = {expected} as in {origin}, got {size}")
        if "*" in axis:
            factor, origin = known[axis.split("*")[0]]
            if size % factor:
                raise ValueError(f"{wanted} with {origin} = {factor}, got {size}, not a multiple")
