"""A target's settings from little more than its network's name, by loading it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sieve_assets import study_targets
from sieve_assets.models.layers import last_layer_with_places
from sieve_assets.models.networks import load_network
from sieve_assets.models.origins import transform_of

_SIDE_PX = 224
_IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""How most networks were trained: shown where weights are a file, for a person to correct."""


class Described(NamedTuple):
    """What was found of a network."""

    name: str
    target: Mapping[str, Any]
    """Settings of the target but for its transform and its probe set."""
    transform: Mapping[str, Any]
    """To be checked by a person, since a file of weights says nothing; empty if weights say it."""


def describe_target(
    network: str,
    *,
    arguments: Mapping[str, Any],
    weights: str | None,
    n_classes: Any,
    layer: str | None,
) -> Described:
    """The settings of a target, found by running its network on noise.

    Args:
        network: As in the study file.
        arguments: Of its constructor.
        weights: A file of weights, if they are not the library's.
        n_classes: Outputs of such a network.
        layer: Path of the module that is studied; found if None.

    Raises:
        LookupError: There is no such network, its weights cannot be had, or no layer to study.
        ValueError: The weights do not fit, or the network's name is none.
    """
    given = {"network": network, "weights": weights, "n_classes": n_classes}
    given = {key: value for key, value in given.items() if value is not None}
    if arguments:
        given["network_args"] = dict(arguments)
    assumed = {"resize_px": 256, "crop_px": _SIDE_PX, **_IMAGENET} if weights else {}
    settings = study_targets.Target.model_validate(
        {
            **given,
            **({"weights": Path(weights), "transform": assumed} if weights else {}),
            "layer": layer or "",
            "reducer": "none",
            "width": 1,
            "maps": "whole",
            "rule": "ratio",
            "probe": "photos",
        }
    )
    loaded = load_network(settings, where="init")
    found = last_layer_with_places(loaded, transform_of(settings), path=layer)
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", network.split(":", 1)[1].rstrip("/").rpartition("/")[2])
    return Described(name, given | found._asdict(), assumed)
