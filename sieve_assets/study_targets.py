"""What the study file says of a target: its network, weights and layer, and how they are read.

Sources: "method.md" is docs/method.md.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from sieve_assets.study_problems import nearest, refusal
from sieve_assets.study_values import (
    Count,
    ExistingFile,
    Network,
    Positive,
    Precision,
    Settings,
    Share,
)


class Transform(Settings):
    """From a picture to a network's input: shorter side resized, centre cut out, scaled."""

    resize_px: Count
    """Length of the shorter side after resizing."""
    crop_px: Count
    """Side of the square cut from the centre, at most resize_px."""
    mean: tuple[Share, Share, Share]
    """Subtracted from red, green, blue in 0 to 1."""
    std: tuple[Positive, Positive, Positive]
    """Divides red, green, blue after the mean is subtracted."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    """How pixels are resized; torchvision's default."""

    @field_validator("crop_px")
    @classmethod
    def _crop_fits(cls, crop_px: int, info: ValidationInfo) -> int:
        resize_px = info.data.get("resize_px", crop_px)
        if crop_px > resize_px:
            raise refusal(
                f"at most resize_px = {resize_px}",
                "A larger crop would see padding: make resize_px larger or crop_px smaller.",
            )
        return crop_px


class Directions(Settings):
    """Directions in a layer, studied in place of its channels: a dictionary, probes, components."""

    file: ExistingFile
    """Safetensors with "weight" (directions × channels) and, if there is one, "bias"."""
    activation: Literal["linear", "relu", "top_k"] = "linear"
    """What is done with weight @ channels + bias."""
    k: Annotated[Count | None, Field(validate_default=True)] = None
    """How many directions stay above 0 in a picture, for top_k."""

    @field_validator("k")
    @classmethod
    def _k_goes_with_top_k(cls, k: int | None, info: ValidationInfo) -> int | None:
        if (k is not None) != (info.data.get("activation") == "top_k"):
            raise refusal("k just where activation is top_k", "Give both, or neither.")
        return k


_MAPS = {
    "mean": {"feature_map"},
    "class_token": {"class_token_contributions", "patch_tokens"},
    "token_mean": {"patch_tokens"},
    "none": {"class_activation", "whole"},
}
"""Which maps go with a reducer: a feature map has no class token, a vector has no places."""


class Target(Settings):
    """A network and the layer of it that is studied."""

    network: Network
    """Library and name, such as "timm:resnet18". docs/targets.md has one of each."""
    network_args: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the constructor; none by default."""
    weights: Annotated[ExistingFile | None, Field(validate_default=True)] = None
    """State dict, .safetensors or .pth, relative to the study file; if absent, the library's."""
    n_classes: Count | None = None
    """Outputs of the classifier of a network whose weights are a file; if absent, as built."""
    class_names: ExistingFile | None = None
    """What its classes are called, a line each; if absent, as the library's weights say."""
    layer: str
    """Path of the module whose output is observed, for example "layer4" or "norm"."""
    reducer: Literal["mean", "class_token", "token_mean", "none"]
    """From a layer's output to a number a neuron: mean over places, the class token, the mean of
    the other tokens, or nothing where the output is one number already. method.md, decision 1."""
    width: Count
    """Number of neurons: channels of the layer, or directions in it."""
    directions: Directions | None = None
    """What is studied instead of the layer's own channels."""
    maps: Literal[
        "feature_map", "class_token_contributions", "patch_tokens", "class_activation", "whole"
    ]
    """Where in a picture a neuron looks. method.md, decisions 6 to 8."""
    rule: Literal["ratio", "signed"]
    """Measure of selectivity: "signed" if activations can be negative. method.md, decision 4."""
    beta: Positive | None = None
    """Threshold of this target; [select]'s for its rule if absent."""
    transform: Annotated[Transform | None, Field(validate_default=True)] = None
    """From a picture to the network's input; if absent, as the library's weights say."""
    precision: Precision = "float32"
    """Of matrix products and convolutions; activations are float32 in any case."""
    probe: str
    """Name of the probe set, one of [probes.<name>]."""

    @field_validator("maps")
    @classmethod
    def _maps_fit_reducer(cls, maps: str, info: ValidationInfo) -> str:
        reducer = info.data.get("reducer", "")
        possible = _MAPS.get(reducer, {maps})
        if maps not in possible:
            raise refusal(
                f"maps that go with reducer = {reducer!r}",
                f"They are {' and '.join(sorted(possible))}.",
            )
        return maps

    @field_validator("weights")
    @classmethod
    def _weights_are_somewhere(cls, weights: Path | None, info: ValidationInfo) -> Path | None:
        network = info.data.get("network", "")
        has_own = network.startswith(("timm:", "transformers:")) or "@" in network
        if weights is None and network and not has_own:
            raise refusal(
                f"a file of weights for {network}",
                'A factory has none of its own, and torchvision\'s are named after an "@", for '
                'example "torchvision:resnet50@IMAGENET1K_V2".',
            )
        if weights is not None and (network.startswith("transformers:") or "@" in network):
            raise refusal(f"no weights beside those of {network}", "Leave weights away.")
        return weights

    @field_validator("n_classes")
    @classmethod
    def _classes_go_with_a_file(cls, n_classes: int | None, info: ValidationInfo) -> int | None:
        if n_classes is not None and info.data.get("weights", "") is None:
            raise refusal(
                "n_classes beside a file of weights only",
                "With others, the library would give the network a classifier that knows nothing.",
            )
        return n_classes

    @field_validator("transform")
    @classmethod
    def _input_is_known(cls, transform: Transform | None, info: ValidationInfo) -> Transform | None:
        if transform is None and info.data.get("weights") is not None:
            raise refusal(
                "a transform", "A file of weights does not say what pictures the network takes."
            )
        return transform

    @field_validator("probe")
    @classmethod
    def _probe_is_known(cls, probe: str, info: ValidationInfo) -> str:
        probes = (info.context or {}).get("probes", [probe])
        if probe not in probes:
            raise refusal("the name of a probe set", nearest(probe, probes, "Probe sets here"))
        return probe
