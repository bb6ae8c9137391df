"""Settings of the experiments on neurons that go with a comparison.

Where each stands: docs/explainers.md.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from sieve_assets.study_problems import nearest, refusal
from sieve_assets.study_values import Count, ExistingFile, Settings


def known_target(value: str, info: ValidationInfo) -> str:
    """The name; while a study file is read, refused if it has no such target."""
    known = (info.context or {}).get("targets", [value])
    if value not in known:
        raise refusal("the name of a target", nearest(value, known, "Targets here"))
    return value


def _known_probe(value: str, info: ValidationInfo) -> str:
    """The same for a probe set."""
    known = (info.context or {}).get("probes", [value])
    if value not in known:
        raise refusal("the name of a probe set", nearest(value, known, "Probe sets here"))
    return value


KnownTarget = Annotated[str, AfterValidator(known_target)]


class NeuronAblation(Settings):
    """What becomes of the classes when a neuron is held at a value."""

    value: Literal["rest", "zero", "mean"] = "rest"
    """0, its mean over the probe images, or 0 unless the target's neurons can be negative (rule =
    "signed"), whose rest is their mean. explainers.md."""
    min_images: Count = 10
    """Images of a class that is looked at. explainers.md."""
    n_classes: Count = 10
    """Classes a neuron that are kept: those that lose most. explainers.md."""
    n_forward: Count = 16
    """Neurons of a target that no linear head reads: each takes a forward pass. explainers.md."""
    labels: dict[KnownTarget, ExistingFile] = Field(default_factory=dict)
    """By target: a file with the probe set's label of each class, one a line. explainers.md."""


class DomainShift(Settings):
    """Names on images of another kind than those they were found on."""

    probes: dict[KnownTarget, Annotated[str, AfterValidator(_known_probe)]] = Field(
        default_factory=dict
    )
    """By target: another probe set of the study; none is looked at without. explainers.md."""
    n_strongest: Count = 20
    """Strongest images that are looked at. SIEVE Sec. 3.2."""
