"""The CLIP's second training: its loss against loops, its optimum, and one in miniature."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from sieve_assets.terrarium import vision_language
from sieve_assets.terrarium.captions import known_concepts, truth_table
from sieve_assets.terrarium.fitting import Schedule
from sieve_assets.terrarium.scenes import WIDE, unbiased_scenes
from sieve_assets.terrarium.specificity import pair_loss, sharpen_vision_language
from sieve_assets.terrarium.vision_language import TruthIndex, sampled_captions


def units(count, generator):
    return functional.normalize(torch.randn(count, 6, generator=generator), dim=1)


@pytest.mark.parametrize("n_texts", [4, 7])
def test_the_loss_is_that_of_loops_over_pictures_and_texts(n_texts):
    generator = torch.Generator().manual_seed(0)
    seen, read = units(4, generator), units(n_texts, generator)
    logits = [[5 * float(image @ text) for text in read] for image in seen]

    of_texts = of_pictures = 0.0
    for i in range(4):
        of_texts -= logits[i][i] - math.log(sum(math.exp(logit) for logit in logits[i]))
        column = [logits[other][i] for other in range(4)]
        of_pictures -= logits[i][i] - math.log(sum(math.exp(logit) for logit in column))

    expected = (of_texts + of_pictures) / 8
    assert pair_loss(seen, read, torch.tensor(5.0)).item() == pytest.approx(expected, rel=1e-5)


def test_texts_of_no_picture_are_pushed_away():
    generator = torch.Generator().manual_seed(0)
    seen = units(4, generator)
    near, far = (torch.cat([seen, stranger * seen[:1]]) for stranger in (1, -1))

    scale = torch.tensor(5.0)
    assert pair_loss(seen, far, scale) < pair_loss(seen, near, scale)


def test_every_true_caption_is_said_equally_often():
    concepts = known_concepts()
    scenes = unbiased_scenes(1, seed=3, empty_share=0, pose=WIDE, only_drawn=True) * 4000
    rows = np.arange(len(scenes))

    said = sampled_captions(
        TruthIndex(concepts, scenes), rows, len(concepts), np.random.default_rng(0)
    )

    is_true = truth_table(scenes[:1], concepts)[0]
    shares = np.bincount(said, minlength=len(concepts)) / len(scenes)
    assert shares[is_true] == pytest.approx(1 / is_true.sum(), abs=0.04)
    assert shares[~is_true].sum() == 0


def test_training_is_reproducible_and_changes_the_model_in_place(
    tmp_path, monkeypatch, clip, tokenizer
):
    monkeypatch.setattr(vision_language, "N_SCENES", 6)
    schedule = Schedule(n_steps=2, batch=3, peak_rate=1e-3, weight_decay=0.0)

    models = [copy.deepcopy(clip) for _ in range(2)]
    for number, model in enumerate(models):
        assert model is sharpen_vision_language(
            model, tokenizer, schedule=schedule, seed=2, checkpoints=tmp_path / str(number)
        )

    before = clip.state_dict()
    for key, value in models[0].state_dict().items():
        assert torch.equal(value, models[1].state_dict()[key])
    assert not torch.equal(models[0].text_projection, before["text_projection"])
