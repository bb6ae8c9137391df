"""What a classifier calls its classes, by the study's file or its library's own metadata."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sieve_assets import study_targets
from sieve_assets.models.origins import origin_of, torchvision_weights

_PLACE = re.compile(r"/\w/(\S+) (\d+)")
"""A line of Places365's list: folder of the first letter, name, number."""


def class_names(settings: study_targets.Target) -> list[str]:
    """The names of a target's classes, in their order.

    A name that lists several ("goldfish, Carassius auratus") gives the first.

    Raises:
        LookupError: Neither the study nor the weights say.
        ValueError: The study's file is not UTF-8, or not in the classes' order.
    """
    return [one.split(",")[0].strip() for one in class_texts(settings)]


def class_texts(settings: study_targets.Target) -> list[str]:
    """The classes of a target in their order, each with all names that it has.

    Raises:
        LookupError: Neither the study nor the weights say.
        ValueError: The study's file is not UTF-8, or not in the classes' order.
    """
    names = _told(settings)
    if not names:
        raise LookupError(
            f"concepts: expected weights that name their classes, got {settings.network} "
            f"({settings.weights or 'the library’s'}). Give the target class_names, or list the "
            "words in a file instead."
        )
    return names


def classes_of_neurons(settings: study_targets.Target) -> list[str]:
    """The class that each of a target's neurons stands for, with all names that it has.

    Neurons are classes if the layer's output is taken as it is, without directions in it, and has
    as many numbers as there are classes.

    Returns:
        Empty if the neurons are no classes.

    Raises:
        ValueError: The study's file names another number of classes than there are neurons, is not
            UTF-8, or not in the classes' order.
    """
    if settings.reducer != "none" or settings.directions is not None:
        return []
    names = _told(settings)
    if settings.class_names is not None and len(names) != settings.width:
        raise ValueError(
            f"class_names: expected {settings.width} lines, one a neuron, got {len(names)} in "
            f"{settings.class_names}. Name every class in the order of the network's outputs."
        )
    return names if len(names) == settings.width else []


def _told(settings: study_targets.Target) -> list[str]:
    """The classes as they are listed, with blanks for underscores; none if nothing lists them."""
    library, _, name = settings.network.partition(":")
    if settings.class_names is not None:
        names = _of_file(settings.class_names)
    else:
        names = [] if settings.weights else _NAMES.get(library, lambda *_: [])(name, settings)
    return [one.strip().replace("_", " ") for one in names]


def _of_file(file: Path) -> list[str]:
    """The lines of a file; of Places365's list, what they call the classes."""
    try:
        lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"class_names: expected UTF-8 text in {file}, got {error}. Save it as UTF-8."
        ) from error
    places = [_PLACE.fullmatch(line.strip()) for line in lines]
    for number, place in enumerate(places):
        if place and int(place[2]) != number:
            raise ValueError(
                f"class_names: expected class {number} in line {number + 1} of {file}, got "
                f"{place[0]!r}. List the classes in the order of the network's outputs."
            )
    return [place[1] if place else line for place, line in zip(places, lines, strict=True)]


def _torchvision(name: str, _settings: study_targets.Target) -> list[str]:
    return list(torchvision_weights(name).meta.get("categories", []))


def _timm(name: str, _settings: study_targets.Target) -> list[str]:
    from timm.data import ImageNetInfo, infer_imagenet_subset  # noqa: PLC0415 (seconds to import)
    from timm.models import get_pretrained_cfg  # noqa: PLC0415

    said = get_pretrained_cfg(name)
    subset = infer_imagenet_subset(said.to_dict()) if said else None
    if not subset:
        return []
    info = ImageNetInfo(subset)
    return [info.index_to_description(index) for index in range(info.num_classes())]


def _transformers(_name: str, settings: study_targets.Target) -> list[str]:
    config = origin_of(settings).weights / "config.json"
    said = json.loads(config.read_text("utf-8")).get("id2label", {})
    return [said[key] for key in sorted(said, key=int)]


_NAMES: Mapping[str, Callable[[str, study_targets.Target], list[str]]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    "transformers": _transformers,
}
