"""Settings of the other methods that name neurons, with the values of their authors.

Where each stands: docs/explainers.md; "method.md" is docs/method.md.
"""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from sieve_assets.study_experiments import DomainShift, KnownTarget, NeuronAblation
from sieve_assets.study_problems import refusal
from sieve_assets.study_values import (
    Count,
    ExistingFile,
    ExistingFolder,
    FolderOrHubName,
    Name,
    NotNegative,
    OpenShare,
    Positive,
    Settings,
    Share,
    Silhouette,
    Template,
)


class ClipDissect(Settings):
    """CLIP-Dissect's four ways to compare a neuron with a concept."""

    n_images: Count = 100
    """Strongest images of soft-WPMI. explainers.md."""
    sharpness: Positive = 10.0
    """Of the softmax over concepts. explainers.md."""
    p_start: Share = 0.998
    """How much the strongest image counts. explainers.md."""
    p_end: Share = 0.97
    """How much the last of them counts. explainers.md."""
    evidence_weight: Share = 1.0
    """Of what the concept says of the whole layer. explainers.md."""
    wpmi_images: Count = 28
    """Strongest images of WPMI. explainers.md."""
    wpmi_sharpness: Positive = 2.0
    """The same for WPMI. explainers.md."""
    wpmi_evidence_weight: Share = 0.6
    """The same for WPMI. explainers.md."""
    top_fraction: OpenShare = 0.05
    """Strongest images of rank reorder. explainers.md."""
    power: Count = 3
    """Of the differences in rank reorder. explainers.md."""
    cosine_power: Positive = 0.5
    """Of the mean cosine in rank reorder. explainers.md."""


class Www(Settings):
    """WWW's adaptive cosine similarity and selection."""

    n_images: Count = 40
    """Strongest images. explainers.md."""
    alpha: OpenShare = 0.95
    """Words score more than this share of the best. explainers.md."""
    template: Template = "A photo of a {}"
    """What is embedded for a word; without the word, what it must beat. explainers.md."""


class Falcon(Settings):
    """FALCON's images, crops and words."""

    n_sigmas: Positive = 5.0
    """Above the layer's mean, in its standard deviations. explainers.md."""
    min_images: Count = 11
    """Fewer high images: the neuron is not explained. explainers.md."""
    max_images: Count = 20
    """High images that are cropped, the strongest. explainers.md."""
    crop_level: OpenShare = 0.6
    """Where between a map's least and most the crop's edge lies. explainers.md."""
    min_similarity: Silhouette = 0.8
    """Mean cosine of the crops. explainers.md."""
    n_contrast: Count = 10
    """Contrast images. explainers.md."""
    min_contrast_similarity: Share = 0.3
    """How alike their other neurons are. explainers.md."""
    scale: Positive = 100.0
    """Of the softmax over texts. explainers.md."""
    n_captions: Count = 5
    """Most probable texts of a picture. explainers.md."""
    max_contrast: Share = 0.1
    """A word's score on the contrast images. explainers.md."""
    n_words: Count = 8
    """Names a neuron. explainers.md."""


class Described(Settings):
    """Describe-and-Dissect: candidates from captions, the best of them by their pictures."""

    captioner: FolderOrHubName | None = None
    """transformers' folder or hub name; without one, candidates are words of the concept set."""
    language_model: FolderOrHubName | None = None
    """The same: makes concepts of captions; without one, the captions are candidates."""
    n_images: Count = 10
    """Strongest patches that are described and compared. explainers.md."""
    n_candidates: Count = 5
    """Concepts to choose among. explainers.md."""
    n_pictures: Count = 10
    """Pictures a candidate. explainers.md."""
    n_best: Count = 5
    """Pictures that a candidate's rank is of. explainers.md."""
    n_strongest: Count = 10
    """Pictures of all candidates that are compared. explainers.md."""
    n_names: Count = 3
    """Names a neuron. explainers.md."""

    @field_validator("language_model")
    @classmethod
    def _has_captions(
        cls, language_model: FolderOrHubName | None, info: ValidationInfo
    ) -> FolderOrHubName | None:
        if language_model is not None and info.data.get("captioner", "wrong") is None:
            raise refusal(
                "a captioner beside a language model",
                "It makes concepts of captions: give both, or no language model.",
            )
        return language_model


class LinearExplanations(Settings):
    """Activation as a sum of concepts."""

    slope: Positive = 60.0
    """Of the sigmoid of a cosine: calibrated for the authors' SigLIP. explainers.md."""
    shift: Annotated[float, Field(strict=True, ge=-1, le=1)] = -0.09
    """Added to the cosine before. explainers.md."""
    min_mean: Share = 0.5
    """Of a concept's five largest values. explainers.md."""
    penalty: Positive = 0.05
    """Of the first fit. explainers.md."""
    l1_share: Share = 0.99
    """Of the penalty. explainers.md."""
    max_terms: Count = 10
    """Concepts a neuron. explainers.md."""
    min_gain: NotNegative = 0.02
    """What another one must add to the correlation. explainers.md."""
    width: Count = 10
    """Concepts that are tried for a place. explainers.md."""


class Dissection(Settings):
    """Network Dissection and the compositional explanations that go on from it."""

    broden: ExistingFolder | None = None
    """A release of Broden; the embedded world has masks of its own. explainers.md."""
    share: OpenShare = 0.005
    """Of all map values: those above the threshold. explainers.md."""
    min_iou: Share = 0.04
    """Overlap of a name. explainers.md."""
    beam_size: Count = 5
    """Formulas that are kept. explainers.md."""
    max_length: Count = 3
    """Concepts in a formula. explainers.md."""
    n_ranges: Count = 5
    """Ranges of activations in clustered explanations. explainers.md."""


class Imported(Settings):
    """What another method called neurons, in a file of its own."""

    file: ExistingFile
    """CSV in UTF-8 with columns neuron and description, or as others publish. explainers.md."""
    targets: list[KnownTarget] = Field(default_factory=list)
    """Whose neurons it names; if absent, those that its column "model" says."""
    layer: str | None = None
    """Its rows that count, if it has a column "layer"; the target's own layer if absent."""
    first_neuron: Annotated[int, Field(strict=True, ge=0, le=1)] = 0
    """Number that it gives a layer's first neuron."""


class Compare(Settings):
    """Other methods that name the same neurons, judged by the same verifier."""

    n_names: Count = 1
    """First names of a method that are judged; of SIEVE all. explainers.md."""
    n_resamples: Count = 1000
    """Draws of every bootstrap over neurons. method.md, section 3."""
    betas: list[Positive] = Field(default=[4.0, 6.0, 8.0, 10.0, 12.0], min_length=1)
    """Thresholds of the ratio rule that are tried: the paper's, Table 5. explainers.md."""
    signed_betas: list[Positive] = Field(default=[2.0, 2.5, 3.0, 4.0, 6.0, 10.0], min_length=1)
    """The same of the signed rule. explainers.md."""
    text_model: FolderOrHubName | None = None
    """sentence-transformers' folder or hub name: compares a logit's names with its class's."""
    imported: dict[Name, Imported] = Field(default_factory=dict)
    """Names from files, by what they are to be called. explainers.md."""
    clip_dissect: ClipDissect = ClipDissect()
    """From the strongest whole images."""
    www: Www = Www()
    """From the strongest whole images."""
    falcon: Falcon = Falcon()
    """From crops of strongly activating images, against contrast images."""
    described: Described = Described()
    """From captions of the strongest patches, and pictures."""
    linear: LinearExplanations = LinearExplanations()
    """From all images."""
    dissection: Dissection = Dissection()
    """From maps and masks."""
    neuron_ablation: NeuronAblation = NeuronAblation()
    """What the classes lose without a neuron."""
    domain_shift: DomainShift = DomainShift()
    """Names on images of another kind."""
