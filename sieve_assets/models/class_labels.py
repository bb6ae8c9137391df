"""Which class of a classifier a probe set's label means, however the label is written."""

from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Int

from sieve_assets import study_targets
from sieve_assets.models.class_names import class_texts

_N_IMAGENET = 1000
_LEAST_ALIKE = 0.5
"""Share of 1,000 classes that have a name of ImageNet's: libraries correct a few of them."""


def class_labels(settings: study_targets.Target) -> list[frozenset[str]]:
    """What a label may be for each class: the class's text, a name in it, ImageNet's number.

    Raises:
        LookupError: The target's weights do not name its classes.
    """
    texts = class_texts(settings)
    accepted = [_spellings(text) for text in texts]
    if len(texts) == _N_IMAGENET:
        _add_imagenets(accepted)
    return [frozenset(one) for one in accepted]


def _add_imagenets(accepted: list[set[str]]) -> None:
    """Add ImageNet's own names and numbers, such as "n01440764", if these are its classes.

    Libraries tell apart what ImageNet calls alike: to its data sets "crane" means two classes.
    """
    from timm.data import ImageNetInfo  # noqa: PLC0415 (seconds to import)

    info = ImageNetInfo("imagenet-1k")
    texts = [info.index_to_description(at) for at in range(_N_IMAGENET)]
    own = [_spellings(text) for text in texts]
    alike = [bool(one & other) for one, other in zip(own, accepted, strict=True)]
    if np.mean(alike) > _LEAST_ALIKE:
        for at in range(_N_IMAGENET):
            accepted[at] |= own[at] | {info.index_to_label_name(at)}


def _spellings(text: str) -> set[str]:
    return {_plain(text), *map(_plain, text.split(","))}


def classes_of(
    labels: Sequence[str], accepted: Sequence[Collection[str]]
) -> Int[np.ndarray, " label"]:
    """The class that each label means; -1 if it means none, or several ("crane").

    Args:
        labels: As the probe set says them.
        accepted: Labels of each class.
    """
    meant: dict[str, set[int]] = {}
    for position, names in enumerate(accepted):
        for name in names:
            meant.setdefault(_plain(name), set()).add(position)
    found = [meant.get(_plain(label), set()) for label in labels]
    return np.array([next(iter(one)) if len(one) == 1 else -1 for one in found], dtype=np.int64)


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").casefold().split())
