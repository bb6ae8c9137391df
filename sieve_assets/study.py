"""What can be studied and how: frozen, validated settings; every constant once, with its source.

Sources: "SIEVE" is arXiv 2603.24953; "method.md" is docs/method.md. What reads sieve.toml is
`study_file`. Settings made in code, without a file, are not checked for missing paths and names.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator

from sieve_assets.study_problems import nearest, refusal
from sieve_assets.study_values import (
    Count,
    ExistingFile,
    ExistingFolder,
    FolderOrHubName,
    Name,
    Network,
    NotNegative,
    OpenShare,
    Owner,
    Percentile,
    Positive,
    Seed,
    Share,
    Silhouette,
    Template,
)


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Transform(_Settings):
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


class Target(_Settings):
    """A network and the layer of it that is studied."""

    network: Network
    """Library and constructor, for example "timm:resnet18" or "torchvision:resnet50"."""
    network_args: dict[str, JsonValue] = {}
    """Arguments of the constructor; none by default."""
    weights: ExistingFile
    """State dict, .safetensors or .pth, relative to the study file."""
    n_classes: Count
    """Outputs of the network's classifier."""
    layer: str
    """Path of the module whose output is observed, for example "layer4" or "norm"."""
    reducer: Literal["mean", "class_token"]
    """From a neuron's map to a number: spatial mean or class token. method.md, decision 1."""
    width: Count
    """Number of neurons: channels of the layer."""
    maps: Literal["feature_map", "class_token_contributions", "patch_tokens"]
    """Where in a picture a neuron looks. method.md, decisions 6 and 7."""
    rule: Literal["ratio", "signed"]
    """Measure of selectivity: "signed" if activations can be negative. method.md, decision 4."""
    beta: Positive | None = None
    """Threshold of this target; [select]'s for its rule if absent."""
    transform: Transform
    """From a picture to the network's input."""
    probe: str
    """Name of the probe set, one of [probes.<name>]."""

    @field_validator("maps")
    @classmethod
    def _maps_fit_reducer(cls, maps: str, info: ValidationInfo) -> str:
        reducer = info.data.get("reducer")
        impossible = {("class_token", "feature_map"), ("mean", "class_token_contributions")}
        if (reducer, maps) in impossible:
            raise refusal(
                f"maps that go with reducer = {reducer!r}",
                'A feature map has no class token: use "mean" with "feature_map", '
                '"class_token" with "class_token_contributions" or "patch_tokens".',
            )
        return maps

    @field_validator("probe")
    @classmethod
    def _probe_is_known(cls, probe: str, info: ValidationInfo) -> str:
        probes = (info.context or {}).get("probes", [probe])
        if probe not in probes:
            raise refusal("the name of a probe set", nearest(probe, probes, "Probe sets here"))
        return probe


class TerrariumProbe(_Settings):
    """A probe set rendered by the embedded world."""

    kind: Literal["terrarium"]
    """Says that the embedded world renders the pictures."""
    n_images: Count = 12_000
    """Scenes: enough for an object in 0.4 % of them to be in about 50."""
    seed: Seed = 0
    """Of the renderer."""


class FolderProbe(_Settings):
    """A probe set in a folder: every image below it, labelled by the folder it lies in."""

    kind: Literal["folder"]
    """Says that the pictures lie in a folder."""
    path: ExistingFolder
    """The folder, relative to the study file."""


Probe = Annotated[TerrariumProbe | FolderProbe, Field(discriminator="kind")]


class Concepts(_Settings):
    """The candidate words."""

    file: ExistingFile
    """One concept a line, relative to the study file."""
    template: Template = "{}"
    """What is embedded for a concept; the bare word as in SIEVE Eq. 2. method.md, decision 12."""


class VisionLanguage(_Settings):
    """The model that compares patches with words."""

    model: FolderOrHubName
    """open_clip's folder (configuration, weights, tokenizer) or a name open_clip resolves."""


class Generator(_Settings):
    """The text-to-image model whose pictures put hypotheses to the test."""

    pipeline: FolderOrHubName
    """diffusers' folder or a name on its hub."""
    prompt: Template = "{}"
    """What is drawn for a concept; the bare word as in SIEVE Sec. 3.4. method.md, decision 14."""
    negative_prompt: str = ""
    """What is not to be drawn; nothing, as in SIEVE Sec. 3.4."""
    steps: Count
    """Denoising steps a picture."""
    guidance: NotNegative
    """Scale of classifier-free guidance."""
    size_px: Count
    """Side of a picture."""
    n_images: Count = 16
    """Pictures a hypothesis; the paper's is 50. method.md, decision 15."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of weights and latents; float32 draws the same picture on every device, up to rounding."""


LEAST_KEPT = 20
"""Strongest images a neuron that every probe pass keeps with their maps. SIEVE Sec. 3.2."""


class Select(_Settings):
    """Which neurons are worth explaining, and their strongest images."""

    beta: Positive = 10.0
    """Threshold on p99 / median. SIEVE Sec. 3.2."""
    beta_signed: Positive = 3.0
    """Threshold on (p99 - median) / (1.4826 MAD); a Gaussian has 2.33. method.md, decision 4."""
    n_samples: Count = 20
    """Strongest images a neuron. SIEVE Sec. 3.2."""
    percentile: Percentile = 99.0
    """The p of p99, and of the threshold T of an activation rate. SIEVE Sec. 3.2, Eq. 4."""
    gate: Literal["neuron", "sample"] = "neuron"
    """What the threshold admits. SIEVE Sec. 3.2; method.md, decision 2."""
    normalise: Literal["none", "minmax"] = "none"
    """Scaling of a neuron's activations before the ratio. method.md, decision 4."""
    held_out_share: Annotated[float, Field(strict=True, ge=0, lt=1)] = 0.1
    """Part of the probe set kept for judging. method.md, decision 21."""

    @property
    def n_kept(self) -> int:
        """Strongest images that a probe pass keeps: so many that n_samples may change below."""
        return max(self.n_samples, LEAST_KEPT)


class Hypothesize(_Settings):
    """From the strongest images to the concepts proposed for them."""

    crop_level: OpenShare = 0.5
    """Where between a map's least and most the crop's edge lies. method.md, decision 6."""
    crop_padding: Share = 0.1
    """Added on each side, in sides of the region. method.md, decision 6."""
    crop_min_side: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.25
    """Least side of a crop, in sides of the input. method.md, decision 6."""
    min_retention: Share = 0.5
    """Crops that drive the neuron less than this are not used. method.md, decision 9."""
    max_clusters: Annotated[int, Field(strict=True, ge=2)] = 6
    """Most clusters a neuron. method.md, decision 10."""
    min_patches: Count = 2
    """Fewest patches a cluster. method.md, decision 10."""
    single_cluster_test: Literal["null", "min_silhouette"] = "null"
    """What the best silhouette must beat for more than one cluster. method.md, decision 10."""
    null_draws: Count = 100
    """Draws of the null: its 95th percentile is the fifth strongest. method.md, decision 10."""
    null_percentile: Percentile = 95.0
    """Of the null's silhouettes. method.md, decision 10."""
    min_silhouette: Silhouette = 0.1
    """The fixed line, where that test is chosen. method.md, decision 10."""
    n_concepts: Count = 2
    """Hypotheses a cluster, K. SIEVE Eq. 3."""


class Verify(_Settings):
    """How activation rates are reported."""

    confidence: OpenShare = 0.95
    """Of the Wilson interval, as is usual. method.md, section 3."""


class Study(_Settings):
    """Everything a study file says."""

    profile: Literal["default", "paper"] = "default"
    """Whose choices stand where the file says nothing: a careful user's, or the paper's."""
    seed: Seed = 0
    """Of everything random but the renderer."""
    owners: list[Owner] = []
    """Who is asked about the assets, for Dagster: e-mail addresses, or teams as "team:vision"."""
    targets: dict[Name, Target] = Field(min_length=1)
    """What is studied, by name: the `model` partitions."""
    probes: dict[Name, Probe]
    """Image sets the neurons are observed on, by name."""
    concepts: Concepts
    """The candidate words."""
    vision_language: VisionLanguage
    """The model that compares patches with words."""
    generator: Generator
    """The text-to-image model."""
    select: Select = Select()
    """Which neurons are worth explaining."""
    hypothesize: Hypothesize = Hypothesize()
    """From the strongest images to concepts."""
    verify: Verify = Verify()
    """How activation rates are reported."""

    @property
    def n_neurons(self) -> int:
        """Width of the widest target: the `neuron` partitions."""
        return max(target.width for target in self.targets.values())
