"""The CLIP's training: exact truths, the loss, crops around objects, captions of a step."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from sieve_assets.terrarium import vision_language
from sieve_assets.terrarium.captions import known_concepts, truth_table
from sieve_assets.terrarium.fitting import Schedule
from sieve_assets.terrarium.scenes import WIDE, unbiased_scenes
from sieve_assets.terrarium.vision_language import (
    CONTEXT_LENGTH,
    TEMPLATES,
    ExactSigLipLoss,
    TruthIndex,
    _texts_of_step,
    crop_around,
    train_vision_language,
    training_scenes,
)

CONCEPTS = known_concepts()


@pytest.fixture(scope="module", params=[0, 1])
def scenes(request):
    return unbiased_scenes(
        60, seed=request.param, empty_share=0.2, pose=WIDE, only_drawn=bool(request.param)
    )


def test_looked_up_truths_are_those_of_the_definition(scenes):
    truth = TruthIndex(CONCEPTS, scenes).truth(np.arange(len(scenes)), np.arange(len(CONCEPTS)))

    assert np.array_equal(truth, truth_table(scenes, CONCEPTS))


def test_truths_of_some_rows_are_rows_of_all_truths(scenes):
    rows, columns = np.array([7, 3, 3]), np.array([900, 5, 0, 1300])

    some = TruthIndex(CONCEPTS, scenes).truth(rows, columns)

    assert np.array_equal(some, truth_table(scenes, CONCEPTS)[np.ix_(rows, columns)])


def test_a_step_has_a_true_caption_for_every_picture_and_no_text_twice(scenes):
    index = TruthIndex(CONCEPTS, scenes)
    rows = np.arange(20)

    texts = _texts_of_step(index, rows, len(CONCEPTS), np.random.default_rng(0))

    assert index.truth(rows, texts).any(1).all()
    assert len(set(texts)) == len(texts)
    others = _texts_of_step(index, rows, len(CONCEPTS), np.random.default_rng(1))
    assert set(others) != set(texts)


def test_the_loss_is_the_sum_over_pairs_of_pictures_and_texts():
    generator = torch.Generator().manual_seed(0)
    seen, read = (
        functional.normalize(torch.randn(n, 6, generator=generator), dim=1) for n in (3, 5)
    )
    loss_function = ExactSigLipLoss()
    loss_function.truth = torch.rand(3, 5, generator=generator) < 0.4
    scale, bias = torch.tensor(4.0), torch.tensor(-2.0)

    expected = 0.0
    for i in range(3):
        for t in range(5):
            logit = 4 * float(seen[i] @ read[t]) - 2
            sign = 1 if loss_function.truth[i, t] else -1
            expected += math.log(1 + math.exp(-sign * logit)) / 3

    assert loss_function(seen, read, scale, bias).item() == pytest.approx(expected, rel=1e-5)


def ramps(count):
    """Pictures whose colours are their pixels' x and y, from -1 to 1."""
    across = (torch.arange(64) + 0.5) / 32 - 1
    x, y = across.expand(64, 64), across[:, None].expand(64, 64)
    return torch.stack([x, y, torch.zeros_like(x)]).expand(count, 3, 64, 64)


def random_centres(count):
    return torch.rand(count, 2, generator=torch.Generator().manual_seed(0)) * 0.56 - 0.28


def test_no_share_of_crops_leaves_pictures_as_they_are(monkeypatch):
    monkeypatch.setattr(vision_language, "CROP_SHARE", 0.0)
    pixels = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    seen = crop_around(pixels, random_centres(5), np.random.default_rng(0))

    torch.testing.assert_close(seen, pixels, rtol=0, atol=1e-5)


def test_crops_hold_the_object_s_centre_and_stay_inside_the_picture(monkeypatch):
    monkeypatch.setattr(vision_language, "CROP_SHARE", 1.0)
    centres = random_centres(200)

    x, y, _ = crop_around(ramps(200), centres, np.random.default_rng(0)).unbind(1)

    for seen, centre in zip((x, y), centres.T, strict=True):
        least, most = seen.amin((1, 2)), seen.amax((1, 2))
        assert (least < centre).all()
        assert (centre < most).all()
        side = (most - least) / 2
        # Beyond the frame pictures are mirrored, which would shorten the ramp.
        assert side.min() > vision_language.CROP_SIDE[0] - 0.03
        assert side.max() <= 1
    width, height = (seen.amax((1, 2)) - seen.amin((1, 2)) for seen in (x, y))
    torch.testing.assert_close(width, height, rtol=0, atol=0.02)


def test_a_crop_is_that_piece_enlarged(monkeypatch):
    monkeypatch.setattr(vision_language, "CROP_SHARE", 1.0)
    monkeypatch.setattr(vision_language, "CROP_SIDE", (0.5, 0.5))
    monkeypatch.setattr(vision_language, "CROP_SHIFT", 0.0)
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    seen = crop_around(pixels, torch.tensor([[0.25, -0.125]]), np.random.default_rng(0))

    piece = pixels[:, :, 12:44, 24:56]
    enlarged = functional.interpolate(piece, scale_factor=2, mode="bilinear", align_corners=False)
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(seen[inner], enlarged[inner], rtol=0, atol=1e-5)


def test_no_caption_is_cut_off_and_each_of_its_words_is_one_token(tokenizer):
    for template in TEMPLATES:
        texts = [template.format(concept.text) for concept in CONCEPTS]
        for text, ids in zip(texts, tokenizer(texts).input_ids, strict=True):
            assert len(ids) == len(text.split()) + 2 <= CONTEXT_LENGTH


def test_training_scenes_show_drawn_objects_more_often(monkeypatch):
    monkeypatch.setattr(vision_language, "N_SCENES", 3000)
    things = [scene.thing for scene in training_scenes(0) if scene.thing]

    # 60 % of the scenes show the 60 that are drawn, the others any of the 120.
    drawn = sum(thing.is_drawn for thing in things) / len(things)
    assert drawn == pytest.approx(0.6 + 0.4 / 2, abs=0.03)


def test_training_is_reproducible(tmp_path, monkeypatch):
    monkeypatch.setattr(vision_language, "N_SCENES", 6)
    schedule = Schedule(n_steps=2, batch=3, peak_rate=1e-3, weight_decay=0.0)

    (first, tokenizer), (second, _) = (
        train_vision_language(schedule=schedule, seed=0, checkpoints=tmp_path / name)
        for name in ("first", "second")
    )

    assert not first.training
    assert first.token_embedding.num_embeddings == len(tokenizer)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
