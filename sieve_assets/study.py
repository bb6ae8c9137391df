"""What can be studied and how: frozen, validated settings; every constant once, with its source.

Sources: "SIEVE" is arXiv 2603.24953; "method.md" is docs/method.md. What reads sieve.toml is
`study_file`. Settings made in code, without a file, are not checked for missing paths and names.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from sieve_assets.study_compare import Compare
from sieve_assets.study_probes import Probe
from sieve_assets.study_problems import nearest, refusal
from sieve_assets.study_targets import Target
from sieve_assets.study_values import (
    Count,
    ExistingFile,
    FolderOrHubName,
    Name,
    NotNegative,
    NounSynset,
    OpenShare,
    Owner,
    Percentile,
    Positive,
    Precision,
    Seed,
    Settings,
    Share,
    Silhouette,
    Template,
)


class Concepts(Settings):
    """The candidate words, from one source or several in this order; each counts once."""

    file: ExistingFile | None = None
    """Words relative to the study file, in a format below."""
    format: Literal["lines", "broden", "descriptors"] = "lines"
    """One concept a line, Broden's label.csv, or DEAL's phrases: JSON, class to phrases."""
    words: list[str] = Field(default_factory=list)
    """Concepts written here."""
    n_frequent: Count | None = None
    """So many of a language's most frequent words, by wordfreq (extra: words)."""
    language: str = "en"
    """Of the frequent words."""
    wordnet: NounSynset | None = None
    """WordNet's nouns from this synset down; "entity.n.01" is above all (extra: words)."""
    classes_of: Annotated[Name | None, Field(validate_default=True)] = None
    """A target whose class names are concepts."""
    template: Template = "{}"
    """What is embedded for a concept; the bare word as in SIEVE Eq. 2. method.md, decision 12."""

    @field_validator("classes_of")
    @classmethod
    def _comes_from_somewhere(cls, classes_of: str | None, info: ValidationInfo) -> str | None:
        names = ("file", "words", "n_frequent", "wordnet")
        sources = [info.data.get(name, "wrong") for name in names]
        if not classes_of and not any(sources):
            raise refusal(
                "at least one source of concepts",
                "Give file, words, n_frequent, wordnet or classes_of.",
            )
        return classes_of


class VisionLanguage(Settings):
    """The model that compares patches with words."""

    model: FolderOrHubName
    """open_clip's folder (configuration, weights, tokenizer) or a name open_clip resolves."""
    precision: Precision = "float32"
    """Of matrix products and convolutions; embeddings are float32 in any case."""


_OURS = {"prompt", "generator", "num_inference_steps", "guidance_scale", "height", "width"}
_OURS |= {"output_type", "negative_prompt", "num_images_per_prompt", "return_dict"}


class Generator(Settings):
    """The text-to-image model whose pictures put hypotheses to the test.

    Steps, guidance and size that are absent are those of the pipeline's family
    (`generator_families`). What follows `precision` makes drawing possible or faster: the pictures
    stay the same, up to rounding.
    """

    pipeline: FolderOrHubName
    """diffusers' folder or a name on its hub."""
    variant: str | None = None
    """Of the pipeline's files, where there are several: "fp16" for *.fp16.safetensors."""
    prompt: Template = "{}"
    """What is drawn for a concept; the bare word as in SIEVE Sec. 3.4. method.md, decision 14."""
    negative_prompt: str = ""
    """What is not to be drawn; nothing, as in SIEVE Sec. 3.4."""
    steps: Count | None = None
    """Denoising steps a picture."""
    guidance: NotNegative | None = None
    """Scale of classifier-free guidance."""
    size_px: Count | None = None
    """Side of a picture."""
    n_images: Count = 16
    """Pictures a hypothesis; the paper's is 50. method.md, decision 15."""
    looks: list[Annotated[Count, Field(multiple_of=2)]] = Field(default_factory=list)
    """By how many pictures a hypothesis is judged first, next, ... and last, by n_images; at each
    only what is not clear yet. Without looks all are drawn at once. method.md, section 3."""
    scheduler: str | None = None
    """Class of diffusers, such as "EulerDiscreteScheduler"; the pipeline's own if absent."""
    scheduler_args: dict[str, JsonValue] = Field(default_factory=dict)
    """What the scheduler is to do otherwise than its configuration says."""
    call_args: dict[str, JsonValue] = Field(default_factory=dict)
    """Further arguments of the pipeline, such as true_cfg_scale or max_sequence_length."""
    precision: Precision = "float32"
    """Of weights and latents; float32 draws the same picture on every device, up to rounding."""
    batch_size: Count | None = None
    """Pictures drawn together; as many as other models take (SIEVE_BATCH_SIZE) if absent."""
    memory: Literal["whole", "slices", "offload"] = "whole"
    """Attention and decoding of the batch whole or in slices; or each part of the pipeline on the
    accelerator only while it works."""
    compile: bool = False
    """Whether torch compiles the denoiser: minutes at first, then faster on a GPU."""

    @field_validator("looks")
    @classmethod
    def _looks_rise_to_the_last(cls, looks: list[int], info: ValidationInfo) -> list[int]:
        n_images = info.data.get("n_images")
        is_rising = all(one < other for one, other in pairwise(looks))
        if looks and n_images and (not is_rising or looks[-1] != n_images):
            raise refusal(
                f"rising numbers of pictures, the last of them n_images = {n_images}",
                "For example n_images = 24 and looks = [8, 16, 24].",
            )
        return looks

    @property
    def n_first(self) -> int:
        """Pictures that every hypothesis gets."""
        return self.looks[0] if self.looks else self.n_images

    @field_validator("call_args")
    @classmethod
    def _arguments_are_not_ours(cls, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        ours = sorted(_OURS & {*arguments})
        if ours:
            raise refusal(
                f"arguments without {' and '.join(ours)}",
                "These follow from steps, guidance, size_px, prompt and negative_prompt.",
            )
        return arguments


FOLDERS_OF_THE_ATLAS = {"assets", "concepts"}
"""Beside those of targets, on the site."""
LEAST_KEPT = 20
"""Strongest images a neuron that every probe pass keeps with their maps. SIEVE Sec. 3.2."""


class Select(Settings):
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


class Hypothesize(Settings):
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


class Verify(Settings):
    """How activation rates are reported, and what a name has to beat."""

    confidence: OpenShare = 0.95
    """Of the Wilson interval, as is usual. method.md, section 3."""
    n_reference: Annotated[int, Field(strict=True, ge=0)] = 200
    """Concepts that every hypothesis is held against. method.md, section 3."""
    near_cosine: Silhouette = 0.9
    """Texts as alike as this: no reference for each other. method.md, section 3."""
    n_best_words: Count = 5
    """Best words for its pictures that a concept must be among. method.md, section 3."""
    shown_percentile: Percentile = 5.0
    """Images as like a concept as all but these of its pictures show it. method.md, section 3."""
    min_rate: OpenShare = 0.5
    """AR that a right name reaches at the matched threshold. method.md, section 3."""
    min_score: Share = 0.5
    """Score that a right name reaches, in shares of the best name. method.md, section 3."""
    max_q: Share = 1.0
    """Largest q of "other concepts' pictures do as well"; 1 leaves it out. method.md, section 3."""
    revise: bool = True
    """Whether each neuron gets its best name of all that was drawn. method.md, section 3."""
    n_controls: Annotated[int, Field(strict=True, ge=0)] = 20
    """Controls of each kind that costs pictures or a network; 0 for none. method.md, section 3."""
    n_control_images: Count = 2000
    """Probe images shown to the control networks. method.md, section 3."""


class Study(Settings):
    """Everything a study file says."""

    profile: Literal["default", "paper"] = "default"
    """Whose choices stand where the file says nothing: a careful user's, or the paper's."""
    seed: Seed = 0
    """Of everything random but the renderer."""
    owners: list[Owner] = Field(default_factory=list)
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
    """How activation rates are reported, and what a name has to beat."""
    compare: Compare | None = None
    """Other methods that name the neurons; none without this section."""

    @field_validator("targets")
    @classmethod
    def _folders_of_the_atlas_are_not_shared(cls, targets: dict[str, Target]) -> dict[str, Target]:
        if taken := sorted(FOLDERS_OF_THE_ATLAS & set(targets)):
            raise refusal(
                "targets called otherwise than the atlas's own folders",
                f"Give {', '.join(taken)} another name.",
            )
        return targets

    @field_validator("concepts")
    @classmethod
    def _classes_are_a_targets(cls, concepts: Concepts, info: ValidationInfo) -> Concepts:
        targets = info.data.get("targets", {})
        if concepts.classes_of and targets and concepts.classes_of not in targets:
            raise refusal(
                "classes_of to name a target",
                nearest(concepts.classes_of, targets, "Targets here"),
            )
        return concepts

    @property
    def n_neurons(self) -> int:
        """Width of the widest target: the `neuron` partitions."""
        return max(target.width for target in self.targets.values())
