"""Pipelines of every format: loaded from a folder of just that format, set up as a study says."""

import io
import json
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from diffusers import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPConfig, CLIPImageProcessor

from sieve_assets.models import pipelines
from sieve_assets_tests.tiny_pipelines import MAKERS, WORDS, largest_difference, load, make

ASKED = ["red circle", "zebra", "red circle"], [1, 2, 1]


@pytest.fixture
def copied(pipeline_folder, tmp_path) -> Path:
    return Path(shutil.copytree(pipeline_folder, tmp_path / "copied"))


@pytest.mark.parametrize("kind", MAKERS)
def test_every_format_draws_a_picture_for_each_prompt_and_seed(folder_of, kind):
    generator = load(folder_of(kind))

    first, other, again = generator.draw(*ASKED)

    assert type(generator._pipeline).__name__ == kind
    assert generator.identity["pipeline_class"] == kind
    assert {picture.size for picture in (first, other, again)} == {(64, 64)}
    assert np.asarray(first).std() > 5
    assert largest_difference([first], [again]) <= 2
    assert largest_difference([first], [other]) > 20


def test_an_index_names_its_own_scheduler_only_if_none_is_chosen(folder_of):
    """SDXL-Lightning's way: the base's folder, trailing timesteps."""
    folder = folder_of("StableDiffusionXLPipeline")
    trailing = {"scheduler_args": {"timestep_spacing": "trailing"}}
    drawn = [
        load(folder, **chosen)
        for chosen in (
            {},
            {"scheduler": "EulerDiscreteScheduler"},
            trailing,
            {"scheduler": "DDIMScheduler"},
            {"scheduler": "DDIMScheduler", **trailing},
        )
    ]
    own, same, other, ddim, both = (one.draw(["zebra"], [1]) for one in drawn)

    assert drawn[0].identity == drawn[1].identity
    assert own[0].tobytes() == same[0].tobytes()
    assert drawn[4].identity["scheduler"]["_class_name"] == "DDIMScheduler"
    assert drawn[4].identity["scheduler"]["timestep_spacing"] == "trailing"
    for position, pictures in enumerate((own, other, ddim, both)):
        for another in (own, other, ddim, both)[position + 1 :]:
            assert largest_difference(pictures, another) > 2


@pytest.mark.parametrize(
    ("kind", "chosen", "message"),
    [
        (
            "StableDiffusionPipeline",
            {"scheduler": "EulerScheduler"},
            r"StableDiffusionPipeline's DDIMScheduler, got 'EulerScheduler'\. .*EulerDiscrete",
        ),
        (
            "FluxPipeline",
            {"scheduler": "DDIMScheduler"},
            r"FluxPipeline's FlowMatchEulerDiscreteScheduler, got 'DDIMScheduler'\. .*FlowMatch",
        ),
        (
            "StableDiffusionPipeline",
            {"scheduler_args": {"timestep_spacings": "trailing"}},
            r"scheduler_args of DDIMScheduler, got 'timestep_spacings'\. .*timestep_spacing\?",
        ),
        (
            "StableDiffusionPipeline",
            {"scheduler_args": {"beta_schedule": "steep"}},
            r"that DDIMScheduler takes, got .*steep is not implemented .*Choose others",
        ),
    ],
)
def test_a_scheduler_that_does_not_go_with_the_pipeline_is_refused(
    folder_of, kind, chosen, message
):
    with pytest.raises(ValueError, match=message):
        load(folder_of(kind), **chosen)


@pytest.mark.parametrize("kind", ["StableDiffusionXLPipeline", "StableDiffusion3Pipeline"])
def test_what_saves_memory_changes_neither_pictures_nor_identity(folder_of, kind):
    whole = load(folder_of(kind), 3)
    expected = whole.draw(*ASKED)

    for settings in ({"memory": "slices"}, {"memory": "offload"}, {"batch_size": 1}):
        other = load(folder_of(kind), **settings)
        assert other.identity == whole.identity
        assert largest_difference(other.draw(*ASKED), expected) <= 2


def test_slices_are_set_where_there_are_any(folder_of):
    sliced = load(folder_of("StableDiffusionPipeline"), memory="slices")._pipeline

    names = {type(one).__name__ for one in sliced.unet.attn_processors.values()}
    assert names == {"SlicedAttnProcessor"}
    assert sliced.vae.use_slicing


class Recorder:
    """Of what is asked of a pipeline."""

    def __init__(self):
        self.asked = []

    def to(self, device):
        self.asked.append(("to", device))

    def enable_model_cpu_offload(self, *, device):
        self.asked.append(("offload", device))


@pytest.mark.parametrize(
    ("memory", "device", "asked"),
    [
        ("offload", "cuda:1", ("offload", "cuda:1")),
        ("offload", "mps", ("offload", "mps")),
        ("offload", "cpu", ("to", "cpu")),
        ("whole", "cuda", ("to", "cuda")),
    ],
)
def test_parts_are_offloaded_from_accelerators_only(memory, device, asked):
    pipeline = Recorder()

    pipelines._place(pipeline, memory, device)

    assert pipeline.asked == [asked]


@pytest.mark.parametrize(
    ("kind", "compiled"),
    [("StableDiffusionPipeline", "BasicTransformerBlock"), ("PixArtSigmaPipeline", None)],
)
def test_a_compiled_denoiser_draws_the_same(folder_of, monkeypatch, kind, compiled):
    """Traced as always, run by torch itself: a compiler would take a minute."""
    plain = load(folder_of(kind))
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))

    other = load(folder_of(kind), compile=True)

    denoiser = getattr(other._pipeline, "unet", None) or other._pipeline.transformer
    found = {type(one).__name__ for one in denoiser.modules() if one._compiled_call_impl}
    assert found == {compiled or type(denoiser).__name__}
    assert other.identity == plain.identity
    assert largest_difference(other.draw(*ASKED), plain.draw(*ASKED)) <= 2


@pytest.mark.slow
def test_a_denoiser_compiled_for_this_machine_draws_the_same(folder_of):
    folder = folder_of("StableDiffusionPipeline")

    assert (
        largest_difference(load(folder, compile=True).draw(*ASKED), load(folder).draw(*ASKED)) <= 2
    )


def test_without_a_denoiser_there_is_nothing_to_compile():
    with pytest.raises(ValueError, match="a unet or a transformer to compile, got Recorder"):
        pipelines._compile(Recorder())


def test_a_variant_of_the_files_is_loaded_where_it_is_asked_for(tmp_path):
    make("StableDiffusionPipeline").to(torch.float16).save_pretrained(tmp_path, variant="fp16")

    generator = load(tmp_path, variant="fp16", precision="float16")

    assert generator.identity["variant"] == "fp16"
    assert generator._pipeline.unet.dtype == torch.float16
    assert largest_difference(generator.draw(*ASKED), generator.draw(*ASKED)) == 0
    with pytest.raises(ValueError, match="Check its files, and variant in the study file"):
        load(tmp_path)


def as_pieces(folder) -> Path:
    """Leave the tokenizer as PixArt's folders have it: a model of sentencepiece alone."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS * 20),
        model_writer=trained,
        vocab_size=30,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
    )
    (folder / "tokenizer" / "tokenizer.json").unlink()
    (folder / "tokenizer" / "spiece.model").write_bytes(trained.getvalue())
    return folder


def test_a_tokenizer_of_sentencepiece_is_read(folder_of, tmp_path):
    folder = as_pieces(Path(shutil.copytree(folder_of("PixArtSigmaPipeline"), tmp_path / "p")))

    generator = load(folder)

    assert "▁" in generator._pipeline.tokenizer.tokenize("red circle")
    first, other, _ = generator.draw(*ASKED)
    assert largest_difference([first], [other]) > 2


def test_a_missing_package_is_named_with_what_to_install(folder_of, tmp_path, monkeypatch):
    folder = as_pieces(Path(shutil.copytree(folder_of("PixArtSigmaPipeline"), tmp_path / "p")))
    for package in ("sentencepiece", "tiktoken"):
        monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ValueError, match=r"from text, got .*`pip install sieve_assets\[t5\]`"):
        load(folder)


def test_what_an_import_says_is_passed_on(pipeline_folder, monkeypatch):
    def missing(*_arguments, **_settings):
        raise ImportError("AutoencoderOobleck requires the quux library.")

    monkeypatch.setattr(pipelines.AutoPipelineForText2Image, "from_pretrained", missing)

    with pytest.raises(ImportError, match=r"from text, got .* the quux library\. Install what it"):
        load(pipeline_folder)


def test_a_safety_checker_is_not_loaded(tmp_path):
    size = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2}
    vision = size | {"num_hidden_layers": 1, "image_size": 8, "patch_size": 4, "projection_dim": 8}
    small = make("StableDiffusionPipeline")
    components = small.components | {
        "safety_checker": StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision)),
        "feature_extractor": CLIPImageProcessor(),
    }
    StableDiffusionPipeline(**components).save_pretrained(tmp_path)

    generator = load(tmp_path)

    assert generator._pipeline.safety_checker is None
    assert np.asarray(generator.draw(["red circle"], [1])[0]).std() > 0


def test_loading_leaves_progress_bars_as_they_were(pipeline_folder, capfd):
    load(pipeline_folder).draw(["red circle"], [1])

    assert "it/s" not in capfd.readouterr().err
    assert diffusers_logging.is_progress_bar_enabled()


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"without a readable model_index\.json"):
        load(tmp_path)


def test_a_pipeline_that_lacks_weights_is_refused(copied):
    (copied / "unet" / "diffusion_pytorch_model.safetensors").unlink()

    with pytest.raises(ValueError, match=r"draws from text, got .*copied: .*Check its files"):
        load(copied)


def test_a_pipeline_of_another_kind_is_refused(copied):
    index = json.loads((copied / "model_index.json").read_text())
    index["_class_name"] = "DDPMPipeline"
    (copied / "model_index.json").write_text(json.dumps(index))

    with pytest.raises(ValueError, match=r"draws from text, got .*DDPMPipeline"):
        load(copied)


@pytest.mark.parametrize("kind", [Path, str])
def test_a_missing_pipeline_is_refused(tmp_path, kind):
    with pytest.raises(
        LookupError, match=r"a diffusers folder or a name on the hub, got .*nowhere"
    ):
        load(kind(tmp_path / "nowhere"))
