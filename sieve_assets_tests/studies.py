"""Studies that tests run through Dagster, and a tiny one with real formats and random weights."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from sieve_assets.assets.neuron_atlas import neuron_atlas
from sieve_assets.assets.partitions import neuron_key
from sieve_assets.assets.pipeline import COMPARISON, EVALUATION, STAGES, stages_of
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.target_report import target_report
from sieve_assets.definitions import definitions_of
from sieve_assets.stores.schema import tables
from sieve_assets.stores.warehouse import Replacement
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import WIDE, Scene, unbiased_scenes
from sieve_assets.terrarium.tokenizer import clip_tokenizer
from sieve_assets_tests.checkpoints import make_clip, make_pipeline, save_clip, spread

ALL = (*STAGES, *EVALUATION, *COMPARISON, neuron_atlas, target_report)
BY_MODEL = {stage.name for stage in ALL if not stage.is_by_neuron}
BY_NEURON = [stage.name for stage in STAGES if stage.is_by_neuron]
FIRST = ("probe_images", "probe_pass", "probe_embeddings", "reference_pictures")
JUDGED = ("verified_concepts", "verdicts", "revised_names", "verdict_controls")
SHOWN = ("neuron_atlas", "target_report")
LAST = (*JUDGED, *SHOWN)
"""Stages by model: before those by neuron; those that judge, those that show, and both."""
KEYS_OF_VIEWS = ("model", "neuron", "image_id")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

CONCEPTS = [
    *("cat", "dog", "penguin", "fish", "a dog on grass", "grass"),
    *("sky", "an animal", "a fruit", "brick", "water", "an apple on sand"),
]
CONCEPTS_TEXT = "\ufeffcat\r\ndog\r\n\r\n penguin \r\ncat\r\n" + "\r\n".join(CONCEPTS[3:]) + "\r\n"
"""The same concepts with what editors leave behind: docs/method.md, decision 23."""

TINY_STUDY = """\
[targets.cnn]
network = "timm:resnet18"
network_args = {{channels = [4, 4, 8, 6], layers = [1, 1, 1, 1], output_stride = 8}}
weights = "{root}/cnn.safetensors"
n_classes = 3
class_names = "{root}/classes.txt"
layer = "layer4"
reducer = "mean"
width = 6
maps = "feature_map"
rule = "ratio"
transform = {{resize_px = 32, crop_px = 32, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5]}}
probe = "scenes"

[targets.vit]
network = "timm:vit_tiny_patch16_224"
network_args = {{img_size = 32, patch_size = 8, embed_dim = 8, depth = 2, num_heads = 2}}
weights = "{root}/vit.safetensors"
n_classes = 3
layer = "norm"
reducer = "class_token"
width = 8
maps = "class_token_contributions"
rule = "signed"
transform = {{resize_px = 32, crop_px = 32, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5]}}
probe = "scenes"

[probes.scenes]
kind = "folder"
path = "{root}/scenes"

[concepts]
file = "{root}/concepts.txt"

[vision_language]
model = "{root}/clip"

[generator]
pipeline = "{root}/drawer"
steps = 2
guidance = 3.0
size_px = 64
n_images = 3

[select]
beta = 1.12
beta_signed = 1.6
n_samples = 6

[hypothesize]
single_cluster_test = "min_silhouette"
min_silhouette = 0.4

[verify]
n_controls = 4
n_reference = 4
"""
OF_CNN = TINY_STUDY[
    TINY_STUDY.index('rule = "ratio"') : TINY_STUDY.index("\n\n[targets.vit]")
].format()
WORLD_PROBE = {
    OF_CNN: OF_CNN.replace('"scenes"', '"world"'),
    "[concepts]": '[probes.world]\nkind = "terrarium"\nn_images = 9\n\n[concepts]',
    "n_controls = 4\nn_reference = 4": "n_reference = 4\nn_controls = 0\nrevise = false",
}
"""Gives the tiny CNN a probe set whose truth is known; nothing but its stages needs the scenes."""
DEAD, SPARSE, NEGATIVE = 0, 1, 7
"""The tiny CNN's neuron that is always 0 and that is mostly 0; the ViT's that is never positive."""


@dataclass(frozen=True)
class StudyRun:
    """A study file, the folder of its results, and addresses of what is not in that."""

    file: Path
    data: Path
    addresses: Mapping[str, str] = field(default_factory=dict)

    def bench(self, **options: Any) -> Workbench:
        places = {"study_file": str(self.file), "data": str(self.data), **self.addresses}
        return Workbench(**{**places, **options})

    def run(
        self, *stages: str, first: str, last: str, raise_on_error: bool = True, **options: Any
    ) -> dg.ExecuteInProcessResult:
        """One run of Dagster over a range of partitions; `options` are the workbench's."""
        job = definitions_of(self.bench(**options)).resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(stage) for stage in stages],
                tags={
                    "dagster/asset_partition_range_start": first,
                    "dagster/asset_partition_range_end": last,
                },
                run_config=QUIET,
                raise_on_error=raise_on_error,
            )

    def of_model(
        self, model: str, *stages: str, neurons: Sequence[int] | None = None, **options: Any
    ) -> dg.ExecuteInProcessResult:
        """Stages of one kind for a target: of it all, or of its neurons from first to last."""
        if stages[0] in BY_MODEL:
            return self.run(*stages, first=model, last=model, **options)
        study = self.bench().study
        neurons = neurons or range(study.targets[model].width)
        first, last = (f"{model}|{neuron_key(neurons[end], study)}" for end in (0, -1))
        return self.run(*stages, first=first, last=last, **options)

    def everything(self, *models: str, **options: Any) -> "StudyRun":
        """All stages of the targets, of all if none is named; up to verdicts if truth is known."""
        is_known = EVALUATION[0].name in {one.name for one in stages_of(self.bench().study)}
        for model in models or sorted(self.bench().study.targets):
            for leg in (FIRST, BY_NEURON, JUDGED if is_known else LAST):
                self.of_model(model, *leg, **options)
        return self

    def forget(self, model: str, *stages: str, neurons: Sequence[int] | None = None) -> None:
        """Drop the notes of what was made, so that it is made again, whatever it is made from."""
        notes = self.table("provenance", model=model).filter(["stage", "model", "neuron"])
        is_told = notes["stage"].isin(stages) & (notes["neuron"].isin(neurons) if neurons else True)
        self.delete("provenance", notes[is_told])

    def delete(self, table: str, keys: pd.DataFrame) -> None:
        """Drop rows of a table by values of their key."""
        self.bench().warehouse.replace(Replacement(table, pd.DataFrame(), keys))

    def table(self, name: str, **equal: Any) -> pd.DataFrame:
        """The rows of a table or view by its key, of those with the values given."""
        where = " AND ".join(["true", *(f"{column} = ${column}" for column in equal)])
        rows = self.bench().warehouse.read(f"SELECT * FROM {name} WHERE {where}", equal)  # noqa: S608
        key = list(tables()[name].key) or [c for c in KEYS_OF_VIEWS if c in rows.columns]
        return rows.sort_values(key, ignore_index=True)

    def changed(self, folder: Path, changes: Mapping[str, str] | None = None) -> "StudyRun":
        """A copy with its results, whose study file says some things differently."""
        shutil.copytree(self.data, folder / "data")
        return self.anew(folder, changes)

    def edited(self, changes: Mapping[str, str]) -> "StudyRun":
        """Itself, with a study file that says some things differently."""
        return replace(self, file=self.anew(self.file.parent, changes).file)

    def anew(self, folder: Path, changes: Mapping[str, str] | None = None) -> "StudyRun":
        """A copy without results."""
        text = self.file.read_text()
        for old, new in (changes or {}).items():
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
            text = text.replace(old, new)
        (folder / "sieve.toml").write_text(text)
        return StudyRun(folder / "sieve.toml", folder / "data")


def make_tiny_study(root: Path) -> StudyRun:
    """A study of two tiny networks on 60 scenes, with a CLIP and a pipeline; nothing is run."""
    images = [Image.fromarray(draw_scene(scene).image) for scene in tiny_scenes()]
    for number, (scene, image) in enumerate(zip(tiny_scenes(), images, strict=True)):
        folder = root / "scenes" / (scene.thing.name if scene.thing else "empty")
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{number:02d}.png")
    cnn, vit = tiny_cnn(images), tiny_vit()
    for name, network, head in (("cnn", cnn, cnn.fc), ("vit", vit, vit.head)):
        head.bias.data -= network.eval()(frames(images)).mean(0).detach()  # each class is an answer
        save_file(network.state_dict(), root / f"{name}.safetensors")
    (root / "classes.txt").write_text("dog\nhorse\ngrass\n")
    (root / "concepts.txt").write_bytes(CONCEPTS_TEXT.encode())
    (root / "clip").mkdir()
    tokenizer = clip_tokenizer(CONCEPTS, n_merges=100, context_length=16)
    clip = centred(make_clip(tokenizer), images)
    save_clip(clip, tokenizer, root / "clip")
    drawer = make_pipeline(clip, tokenizer)
    drawer.vae.decoder.conv_out.weight.data *= 4  # for more contrast than random weights give
    drawer.save_pretrained(root / "drawer")
    (root / "sieve.toml").write_text(TINY_STUDY.format(root=root))
    return StudyRun(root / "sieve.toml", root / "data")


def tiny_scenes() -> list[Scene]:
    return unbiased_scenes(60, seed=1, empty_share=0.1, pose=WIDE, only_drawn=True)


def frames(images: Sequence[Image.Image]) -> torch.Tensor:
    """Pictures of 32 x 32 in -1 to 1."""
    pixels = np.stack([np.asarray(image.resize((32, 32))) for image in images])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1


@torch.no_grad()
def tiny_cnn(images: Sequence[Image.Image]) -> Any:
    """A ResNet that tells the images apart.

    One of its neurons is always 0, and one is 0 on most of the images.
    """
    args: dict[str, Any] = {"channels": [4, 4, 8, 6], "layers": [1, 1, 1, 1], "output_stride": 8}
    network = spread(timm.create_model("resnet18", num_classes=3, **args), seed=3)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(frames(images))
    network.eval()
    block = network.layer4[0]
    for norm in (block.bn2, block.downsample[1]):
        norm.weight[DEAD] = norm.bias[DEAD] = 0
    entering = []
    handle = block.act2.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    network(frames(images))
    handle.remove()
    block.bn2.bias[SPARSE] -= entering[0][:, SPARSE].amax((1, 2)).quantile(0.7)
    return network


@torch.no_grad()
def tiny_vit() -> Any:
    """A ViT with a neuron that is negative on every image."""
    args: dict[str, Any] = {"img_size": 32, "patch_size": 8, "embed_dim": 8, "depth": 2}
    network = spread(timm.create_model("vit_tiny_patch16_224", num_heads=2, **args), seed=4)
    network.reset_classifier(3)
    network.norm.bias[NEGATIVE] = -50
    return network


@torch.no_grad()
def centred(clip: Any, images: Sequence[Image.Image]) -> Any:
    """The CLIP with its pictures' mean at 0, so that they differ in the words nearest to them."""
    leaving = []
    handle = clip.visual.ln_post.register_forward_hook(lambda _, __, out: leaving.append(out))
    clip.encode_image(frames(images))
    handle.remove()
    clip.visual.ln_post.bias -= leaving[0].flatten(0, -2).mean(0)
    return clip


def assert_same_rows(found: pd.DataFrame, expected: pd.DataFrame, *, tolerance: float) -> None:
    """Equal tables, numbers within a relative or absolute tolerance; 0 means to the last bit."""
    assert list(found.columns) == list(expected.columns)
    assert len(found) == len(expected)
    for name in found.columns:
        pairs = [_plain(rows[name]) for rows in (found, expected)]
        if tolerance and pairs[0].dtype.kind == "f":
            np.testing.assert_allclose(*pairs, rtol=tolerance, atol=tolerance, err_msg=name)
        else:
            np.testing.assert_array_equal(*pairs, err_msg=name)


def _plain(values: pd.Series) -> np.ndarray:
    filled = [one for one in values if isinstance(one, np.ndarray)]
    if filled and filled[0].dtype.kind == "f":
        return np.concatenate(filled)
    if filled:
        return np.array([list(one) for one in filled])
    return values.to_numpy() if values.dtype.kind in "fib" else values.fillna("none").to_numpy()
