"""Changes of a study, each by the name that the tables in docs/ give it; for the tiny study.

Used by the tests that hold those tables against what really happens.
"""

import re
import shutil
from pathlib import Path

import dagster as dg
from PIL import Image
from safetensors.torch import load_file, save_file

from sieve_assets.assets.conductor import Conductor, legs
from sieve_assets_tests.studies import StudyRun

DOCS = Path(__file__).parents[1] / "docs"


def marks_in(document: str, marks: str) -> dict[str, list[str]]:
    """The rows of a document's table that have marks: their other cells by the first."""
    text = (DOCS / document).read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and set(line) & set(marks)]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first: others for first, *others in cells}


SETTINGS = {
    "`held_out_share`": {"n_samples = 6": "n_samples = 6\nheld_out_share = 0.2"},
    "β, without effect on a neuron's status": {"beta = 1.12": "beta = 1.1200001"},
    "β, so that other neurons are selected": {"beta = 1.12": "beta = 1.9"},
    "`percentile`": {"n_samples = 6": "n_samples = 6\npercentile = 97.0"},
    "`n_samples`, up to 20": {"n_samples = 6": "n_samples = 5"},
    "`crop_padding` and other settings of the crop": {
        "[hypothesize]": "[hypothesize]\ncrop_padding = 0.3"
    },
    "`min_silhouette` and other settings of the clusters": {
        "min_silhouette = 0.4": "min_silhouette = 0.9"
    },
    "the seed": {"[targets.cnn]": "seed = 5\n[targets.cnn]"},
    "K (`n_concepts`)": {"[hypothesize]": "[hypothesize]\nn_concepts = 1"},
    "the text's template": {"[vision_language]": 'template = "my {}"\n[vision_language]'},
    "more pictures a concept (only those are drawn)": {"n_images = 3": "n_images = 4"},
    "the prompt": {"n_images = 3": 'n_images = 3\nprompt = "a photo of {}"'},
    "the generator's steps, guidance or another setting": {"guidance = 3.0": "guidance = 2.0"},
    "`confidence`": {"n_reference = 4": "n_reference = 4\nconfidence = 0.8"},
    "the target's transform": {
        "transform = {resize_px = 32, crop_px = 32, mean = [0.5, 0.5, 0.5], "
        'std = [0.5, 0.5, 0.5]}\nprobe = "scenes"\n\n[targets.vit]': "transform = {resize_px = "
        '36, crop_px = 32, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5]}\nprobe = "scenes"\n\n'
        "[targets.vit]"
    },
    "the target's layer or reducer": {'layer = "layer4"': 'layer = "layer4.0"'},
}


def unchanged(study, _):
    return study


def moved(study, folder):
    shutil.copytree(study.data, folder / "elsewhere")
    return StudyRun(study.file, folder / "elsewhere")


def with_own(name, change):
    """The study with its own copy of what a setting names, changed."""

    def make(study, folder):
        settings = study.bench().study
        place = {
            "scenes": settings.probes["scenes"].path,
            "cnn": settings.targets["cnn"].weights,
            "clip": settings.vision_language.model,
            "drawer": settings.generator.pipeline,
            "concepts": settings.concepts.file,
        }[name]
        own = folder / Path(place).name
        (shutil.copytree if Path(place).is_dir() else shutil.copy)(place, own)
        other = folder / "other"
        other.mkdir()
        changed = study.changed(other, {str(place): str(own)})
        if name == "scenes":
            update(changed)  # a copied folder is listed again; what is tested comes after
        change(own)
        return changed

    return make


def touch(folder):
    min(folder.rglob("*.png")).touch()


def paint(folder):
    Image.new("RGB", (64, 64), "red").save(min(folder.rglob("*.png")))


def scale(file, key, factor):
    state = load_file(file)
    state[key] *= factor
    save_file(state, file, metadata={"format": "pt"})


def with_another_target(study, folder):
    text = study.file.read_text()
    section = re.search(r"\[targets\.vit\].*?(?=\[probes)", text, re.DOTALL)[0]
    other = section.replace("[targets.vit]", "[targets.wit]")
    return study.changed(folder, {section: section + other})


CHANGES = {
    "nothing": unchanged,
    "the study moves to another folder": moved,
    "batch size": unchanged,
    "another target is added on the same probe set": with_another_target,
    "a file of the probe set is touched": with_own("scenes", touch),
    "an image of the probe set": with_own("scenes", paint),
    "the target's weights": with_own("cnn", lambda at: scale(at, "layer4.0.bn2.weight", 1.5)),
    "the vision-language model": with_own(
        "clip", lambda at: scale(at / "open_clip_model.safetensors", "text_projection", -1.0)
    ),
    "the generator's weights": with_own(
        "drawer",
        lambda at: scale(
            at / "vae" / "diffusion_pytorch_model.safetensors", "decoder.conv_out.weight", 0.5
        ),
    ),
    "the concept set": with_own("concepts", lambda at: at.write_text("dog\nsky\nwater\nbrick\n")),
} | {
    what: lambda study, folder, changes=changes: study.changed(folder, changes)
    for what, changes in SETTINGS.items()
}


def update(study, **options):
    """Bring the CNN up to date, as `make demo` does."""
    with dg.DagsterInstance.ephemeral() as instance:
        conductor = Conductor(study.bench(**options), instance, lambda *_: None)
        for leg in legs(study.bench().study):
            conductor.run_leg(leg, "cnn")
