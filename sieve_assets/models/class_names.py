"""What a classifier calls its classes, by its library's own metadata."""

import json
from collections.abc import Callable, Mapping

from sieve_assets import study_targets
from sieve_assets.models.origins import origin_of, torchvision_weights


def class_names(settings: study_targets.Target) -> list[str]:
    """The names of a target's classes, in their order.

    A name that lists several ("goldfish, Carassius auratus") gives the first.

    Raises:
        LookupError: Its weights do not say.
    """
    return [one.split(",")[0].strip().replace("_", " ") for one in class_texts(settings)]


def class_texts(settings: study_targets.Target) -> list[str]:
    """The names of a target's classes, in their order, as its weights say them.

    Raises:
        LookupError: They do not say.
    """
    library, _, name = settings.network.partition(":")
    names = [] if settings.weights else _NAMES.get(library, lambda *_: [])(name, settings)
    if not names:
        raise LookupError(
            f"concepts: expected weights that name their classes, got {settings.network} "
            f"({settings.weights or 'the library’s'}). List the words in a file instead."
        )
    return names


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
