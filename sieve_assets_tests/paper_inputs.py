"""Stand-ins for what the studies of the paper's tables need: the formats and places of the real."""

import shutil
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

from sieve_assets_tests.checkpoints import spread

STUDIES = Path(__file__).resolve().parents[1] / "studies"
WORDS = "dog\nred\nforest\nriver\nroad\nhouse\n"
MILAN = """\
layer,unit,description
conv1,0,Black lettering and numbers
fc,1,Fish in pictures
layer4,56,"Purple, red and blue fluorescent objects"
layer4,2047,Rounded objects
"""
DND = """\
Neuron ID,Label 1,Label 2,Label 3
29,spiral objects,circular objects, \n\
2042,dogs,dogs,birds
"""
DND_FC = "Neuron ID,label\n0,fishing and catching fish\n999,toilet tissue\n"
PICTURES = (
    "imagenet/val/n01440764/ILSVRC2012_val_00000293.JPEG",
    "imagenet/val/n01443537/ILSVRC2012_val_00000236.JPEG",
    "places365/test_256/Places365_test_00000001.jpg",
    "places365/test_256/Places365_test_00000002.jpg",
    *(f"eurosat/2750/Forest/Forest_{number}.jpg" for number in range(1, 13)),
    *(f"eurosat/2750/River/River_{number}.jpg" for number in range(1, 13)),
)
TEXTS = {
    "clip_dissect/3k.txt": WORDS,
    "clip_dissect/broden_labels_clean.txt": "wall\nred-c\nsky\n",
    "clip_dissect/MILAN_results/m_base_resnet50_imagenet.csv": MILAN,
    "describe_and_dissect/rn50_results/resnet50_imagenet_broden_layer4.csv": DND,
    "describe_and_dissect/rn50_results/resnet50_imagenet_broden_fc.csv": DND_FC,
    "broden1_224/index.csv": "image,split,ih,iw,sh,sw,color,object,part,material,scene,texture\n",
    "clip_dissect/imagenet_labels.txt": "".join(f"fish {n}, Piscis {n}\n" for n in range(1000)),
    "clip_dissect/categories_places365.txt": "".join(f"/b/big_bar {n}\n" for n in range(365)),
    "checkpoints/eurosat_classes.txt": "".join(f"crop {number}\n" for number in range(10)),
    "checkpoints/resnet18_places365.pth.tar": "",
    "checkpoints/resnet18_eurosat.safetensors": "",
}


def lay_out(root: Path) -> Path:
    """Copies of the study files with everything they name beside them; checkpoints are empty.

    Returns:
        The folder of the study files.
    """
    generator = np.random.default_rng(0)
    for name in PICTURES:
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour, noise = generator.random(3), generator.random((64, 64, 3))
        Image.fromarray((255 * colour * noise).astype(np.uint8)).save(path, "JPEG")
    for name, text in TEXTS.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Path(shutil.copytree(STUDIES, root / "studies"))


def save_checkpoints(folder: Path) -> None:
    """Both ResNet-18 in the formats of their files: wrapped as Places365 is, and bare."""
    places, eurosat = (
        spread(torchvision.models.resnet18(num_classes=n_classes)) for n_classes in (365, 10)
    )
    wrapped = {f"module.{name}": value for name, value in places.state_dict().items()}
    torch.save({"state_dict": wrapped}, folder / "resnet18_places365.pth.tar")
    save_file(eurosat.state_dict(), folder / "resnet18_eurosat.safetensors")
