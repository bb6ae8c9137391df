"""The cosines of names and classes that the SIEVE paper gives, to stand beside ours.

Source: SIEVE (arXiv 2603.24953), Tables 1, 2, 3 and 6, final layer.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sieve_assets.study import Target


class PaperClasses(NamedTuple):
    """What a table of the paper says of a network's final layer."""

    title: str
    """Which table, and about what."""
    cosines: Mapping[str, tuple[tuple[float, float | None], ...]]
    """CLIP cos and mpnet cos by explainer, called and with concept sets as in `PaperTable`; None
    where the table has no mpnet cos."""


_RESNET50_CLASSES = PaperClasses(
    "Table 1, ResNet-50 on ImageNet",
    {
        "network_dissection": ((0.7073, 0.3256),),
        "imported (milan_b)": ((0.7192, 0.3089),),
        "falcon": ((0.7031, 0.2193),),
        "imported (dnd_fc)": ((0.7595, 0.4371),),
        "clip_dissect_soft_wpmi": ((0.7942, 0.4543), (0.7868, 0.4462)),
        "www": ((0.7792, 0.4327), (0.7713, 0.4463)),
        "sieve": ((0.7848, 0.4452), (0.7914, 0.4547)),
    },
)
_VIT_B_16_CLASSES = PaperClasses(
    "Table 2, ViT-B/16 on ImageNet",
    {
        "falcon": ((0.7105, 0.2281),),
        "imported (dnd)": ((0.7462, 0.4354),),
        "www": ((0.7455, 0.4261), (0.7512, 0.4520)),
        "clip_dissect_soft_wpmi": ((0.7651, 0.4519), (0.7538, 0.4437)),
        "sieve": ((0.7742, 0.4401), (0.7858, 0.4340)),
    },
)
_RESNET18_PLACES_CLASSES = PaperClasses(
    "Table 3, ResNet-18 on Places365",
    {
        "falcon": ((0.6975, 0.2203),),
        "imported (dnd)": ((0.7458, 0.4419),),
        "clip_dissect_soft_wpmi": ((0.7761, 0.4462), (0.7883, 0.4528)),
        "www": ((0.7617, 0.4587), (0.7526, 0.4287)),
        "sieve": ((0.7936, 0.4453), (0.7833, 0.4355)),
    },
)
_RESNET18_EUROSAT_CLASSES = PaperClasses(
    "Table 6, ResNet-18 on EuroSAT",
    {
        "clip_dissect_soft_wpmi": ((0.7152, None),),
        "www": ((0.7047, None),),
        "sieve": ((0.7393, None),),
    },
)
_CLASSES: Mapping[tuple[str, str, int | None], PaperClasses] = {
    ("torchvision:resnet50@IMAGENET1K_V1", "fc", None): _RESNET50_CLASSES,
    ("torchvision:vit_b_16@IMAGENET1K_V1", "heads.head", None): _VIT_B_16_CLASSES,
    ("torchvision:resnet18", "fc", 365): _RESNET18_PLACES_CLASSES,
    ("torchvision:resnet18", "fc", 10): _RESNET18_EUROSAT_CLASSES,
}


def paper_classes(target: Target) -> PaperClasses | None:
    """What the paper says of a final layer, as `paper_table` of the one before it.

    Args:
        target: From the study.

    Returns:
        None for any other target.
    """
    if target.directions is not None:
        return None
    return _CLASSES.get((target.network, target.layer, target.n_classes))
