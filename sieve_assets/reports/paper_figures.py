"""The mean AR that the SIEVE paper gives, to stand beside ours where a target is one of its own.

Source: SIEVE (arXiv 2603.24953), Tables 1 to 6, penultimate layer.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sieve_assets.study import Target


class PaperTable(NamedTuple):
    """A table of the paper, or the part of it that is about one network."""

    title: str
    """Which one, and about what."""
    mean_ar: Mapping[str, tuple[float, ...]]
    """Percent by explainer, called as the studies of the tables do.

    Two numbers are with the concept sets Broden (1.2k) and Common Words (3k). SIEVE's are of the
    names that its filter keeps, the others' of all.
    """


class PaperSteps(NamedTuple):
    """Tables 4 and 5 of the paper, which are about one network. Percent, with Common Words (3k)."""

    title: str
    """About what."""
    ablation: Mapping[str, float]
    """Mean AR by variant, called as in our table `ablation`."""
    partial: tuple[float, ...]
    """That of Table 4's rows in between, whose marks are lost in the paper's text, in order."""
    by_beta: Mapping[float, float]
    """Mean AR by threshold."""


_RESNET50 = PaperTable(
    "Table 1, ResNet-50 on ImageNet",
    {
        "network_dissection": (45.01,),
        "imported (milan_b)": (46.10,),
        "falcon": (46.32,),
        "imported (dnd)": (51.46,),
        "clip_dissect_soft_wpmi": (55.16, 57.91),
        "www": (49.55, 50.23),
        "sieve": (85.73, 86.29),
    },
)
_VIT_B_16 = PaperTable(
    "Table 2, ViT-B/16 on ImageNet",
    {
        "falcon": (45.95,),
        "imported (dnd)": (52.47,),
        "clip_dissect_soft_wpmi": (56.21, 57.70),
        "www": (49.19, 51.88),
        "sieve": (84.87, 85.24),
    },
)
_RESNET18_PLACES = PaperTable(
    "Table 3, ResNet-18 on Places365",
    {
        "falcon": (47.15,),
        "imported (dnd)": (53.12,),
        "clip_dissect_soft_wpmi": (58.32, 56.90),
        "www": (52.23, 46.79),
        "sieve": (85.82, 84.40),
    },
)
_RESNET18_EUROSAT = PaperTable(
    "Table 6, ResNet-18 on EuroSAT",
    {"clip_dissect_soft_wpmi": (43.16,), "www": (37.43,), "sieve": (75.45,)},
)
_STEPS = PaperSteps(
    "ResNet-50 on ImageNet",
    {"SIEVE": 86.29, "baseline": 45.57},
    (77.90, 81.52, 72.87),
    {4.0: 86.05, 6.0: 85.61, 8.0: 85.72, 10.0: 86.29, 12.0: 85.98},
)
_TABLES: Mapping[tuple[str, str, int | None], PaperTable] = {
    ("torchvision:resnet50@IMAGENET1K_V1", "layer4", None): _RESNET50,
    ("torchvision:vit_b_16@IMAGENET1K_V1", "encoder.ln", None): _VIT_B_16,
    ("torchvision:resnet18", "layer4", 365): _RESNET18_PLACES,
    ("torchvision:resnet18", "layer4", 10): _RESNET18_EUROSAT,
}
"""By network, layer and number of classes, which tells apart weights that are files."""


def paper_table(target: Target) -> PaperTable | None:
    """What the paper says of a target.

    A target is the paper's if it is a layer of a network of the paper, with weights that are
    called the same or, where they are a file, tell as many classes apart. Its channels must be
    studied, not directions among them. Probe images, concepts and thresholds may be others.

    Args:
        target: From the study.

    Returns:
        None for any other target.
    """
    if target.directions is not None:
        return None
    return _TABLES.get((target.network, target.layer, target.n_classes))


def paper_steps(target: Target) -> PaperSteps | None:
    """What the paper says of a target without steps of SIEVE, and by threshold.

    Args:
        target: From the study; its own if as in `paper_table`.

    Returns:
        None for any other target.
    """
    return _STEPS if paper_table(target) is _RESNET50 else None
