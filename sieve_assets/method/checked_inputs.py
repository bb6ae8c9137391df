"""Checks of arrays and settings that several stages of the method share, with one wording."""

import numpy as np
from jaxtyping import Float, Shaped

_UNIT_TOLERANCE = 1e-3
"""How far a norm may be from 1: half-precision embeddings of 1,024 features stay within it."""


def refusal(where: str, expected: str, got: object, remedy: str) -> str:
    """The message of an error, in the one form that the project uses.

    Args:
        where: The function that refuses.
        expected: What it expected.
        got: What came instead.
        remedy: What to do about it, as a sentence.

    Returns:
        The message.
    """
    return f"{where}: expected {expected}, got {got}. {remedy}"


def require_finite(
    where: str, what: str, values: Float[np.ndarray, "..."], *, row: str, remedy: str
) -> None:
    """Refuse values that are not finite, naming the first row that has one.

    Args:
        where: The function that checks.
        what: What the values are, in the plural.
        values: Any numbers; the first axis is the one that is named.
        row: What one entry of the first axis is, e.g. `neuron`.
        remedy: What to do about it.

    Raises:
        ValueError: A value is nan or infinite.
    """
    is_bad = ~np.isfinite(values)
    if is_bad.any():
        place = np.argwhere(is_bad)[0]
        got = f"{values[tuple(place)]} for {row} {place[0]}"
        raise ValueError(refusal(where, f"finite {what}", got, remedy))


def require_some(where: str, what: str, values: Shaped[np.ndarray, "..."], *, axis: int) -> None:
    """Refuse an array that is empty along an axis.

    Args:
        where: The function that checks.
        what: What the entries of the axis are, in the plural.
        values: Anything.
        axis: The axis that must have an entry.

    Raises:
        ValueError: The axis has no entry.
    """
    if values.shape[axis] == 0:
        remedy = "Check the stage before this one: it produced nothing."
        raise ValueError(refusal(where, f"at least one of the {what}", "none", remedy))


def require_same_length(where: str, **lengths: int) -> None:
    """Refuse arrays that must have one entry each for the same things and do not.

    Args:
        where: The function that checks.
        lengths: Length by the name of the array.

    Raises:
        ValueError: Two lengths differ.
    """
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{length} in {name}" for name, length in lengths.items())
        expected = f"as many in each of {', '.join(lengths)}"
        raise ValueError(refusal(where, expected, got, "Pass rows of the same things."))


def require_at_least(where: str, what: str, value: int, minimum: int) -> None:
    """Refuse a count that is too small.

    Args:
        where: The function that checks.
        what: The name of the count.
        value: The count.
        minimum: The least that is allowed.

    Raises:
        ValueError: The count is below the minimum.
    """
    if value < minimum:
        raise ValueError(refusal(where, f"{what} of at least {minimum}", value, f"Raise {what}."))


def require_between(where: str, what: str, value: float, low: float, high: float) -> None:
    """Refuse a setting outside a closed range; nan is outside every range.

    Args:
        where: The function that checks.
        what: The name of the setting.
        value: The setting.
        low: The least that is allowed.
        high: The most that is allowed.

    Raises:
        ValueError: The value is outside the range.
    """
    if not low <= value <= high:
        expected = f"{what} between {low:g} and {high:g}"
        raise ValueError(refusal(where, expected, value, f"Change {what}."))


def require_unit_norm(where: str, what: str, rows: Float[np.ndarray, "row feature"]) -> None:
    """Refuse embeddings that are not L2-normalised: the mean of their products is no cosine.

    Args:
        where: The function that checks.
        what: What the rows embed, in the plural.
        rows: One embedding a row.

    Raises:
        ValueError: A row's norm is not 1 (within 0.001), or not finite.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))  # without a copy of rows
    is_bad = ~(np.abs(norms - 1) <= _UNIT_TOLERANCE)
    if is_bad.any():
        position = int(np.argmax(is_bad))
        got = f"norm {norms[position]:.4g} for row {position}"
        remedy = "Divide each embedding by its norm."
        raise ValueError(refusal(where, f"embeddings of {what} with norm 1", got, remedy))
