"""Networks with random weights in a file, as targets of a study over a folder of pictures."""

from pathlib import Path
from typing import NamedTuple

import timm
import torch
from safetensors.torch import save_file

from benchmarks.studies import shipped_study
from sieve_assets.assets.resources import Workbench

TRANSFORM = """{resize_px = 256, crop_px = 224, mean = [0.485, 0.456, 0.406], \
std = [0.229, 0.224, 0.225]}"""
N_CLASSES = 1000
MODEL = "target"


class Architecture(NamedTuple):
    """One of timm's, and the layer that is studied."""

    name: str
    layer: str
    width: int
    reading: str
    """Reducer, maps and rule, as the study file says them."""


_CNN = 'reducer = "mean"\nmaps = "feature_map"\nrule = "ratio"'
_VIT = 'reducer = "class_token"\nmaps = "class_token_contributions"\nrule = "signed"'
ARCHITECTURES = {
    "ResNet-18": Architecture("resnet18", "layer4", 512, _CNN),
    "ResNet-50": Architecture("resnet50", "layer4", 2048, _CNN),
    "ViT-B/16": Architecture("vit_base_patch16_224", "norm", 768, _VIT),
}


def save_weights(architecture: Architecture, folder: Path) -> Path:
    """Random weights of a network, as a file of safetensors."""
    torch.manual_seed(0)
    network = timm.create_model(architecture.name, num_classes=N_CLASSES)
    weights = folder / f"{architecture.name}.safetensors"
    save_file(network.state_dict(), weights)
    return weights


def photo_study(
    folder: Path,
    architecture: Architecture,
    *,
    weights: Path,
    photos: Path,
    device: str = "cpu",
    batch_size: int = 64,
) -> Workbench:
    """A study of one network on a folder of pictures; what follows the probe pass is as shipped."""
    bench = shipped_study(folder, device=device, batch_size=batch_size)
    text = bench.study_path.read_text(encoding="utf-8")
    rest = text[text.index("[concepts]") :]
    target = f"""profile = "default"
[targets.{MODEL}]
network = "timm:{architecture.name}"
weights = "{weights}"
n_classes = {N_CLASSES}
layer = "{architecture.layer}"
width = {architecture.width}
{architecture.reading}
transform = {TRANSFORM}
probe = "photos"

[probes.photos]
kind = "folder"
path = "{photos}"

"""
    bench.study_path.write_text(target + rest, encoding="utf-8")
    return bench
