"""Batches: what does not fit into memory is tried again with less, and gives the same."""

import logging

import numpy as np
import pytest
import torch

from sieve_assets import study
from sieve_assets.models.batches import Batches, is_out_of_memory, loading
from sieve_assets.models.generator import load_generator
from sieve_assets.models.target import load_target
from sieve_assets.models.vision_language import load_vision_language

MESSAGES = [
    "CUDA out of memory. Tried to allocate 2.00 GiB.",
    "MPS backend out of memory (MPS allocated: 5 GB, max allowed: 6 GB).",
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory",
]


def limited(module: torch.nn.Module, most: int) -> list[int]:
    """Have `module` run out of memory above `most` inputs; the sizes it was given."""
    given = []

    def refuse(_module, inputs):
        given.append(len(inputs[0]))
        if given[-1] > most:
            raise torch.OutOfMemoryError(MESSAGES[0])

    module.register_forward_pre_hook(refuse)
    return given


def work_up_to(most, tried):
    def work(batch):
        tried.append((batch.start, batch.stop))
        if batch.stop - batch.start > most:
            raise torch.OutOfMemoryError(MESSAGES[0])
        return list(range(batch.start, batch.stop))

    return work


def test_a_batch_that_is_too_large_is_halved_for_good_and_nothing_is_lost(caplog):
    batches, tried = Batches(8, where="here", remedy=""), []

    with caplog.at_level(logging.WARNING):
        done = [*batches.over(9, work_up_to(3, tried))]
        again = [*batches.over(3, work_up_to(3, tried))]

    assert [one for _, part in done for one in part] == [*range(9)]
    assert [part for _, part in again] == [[0, 1], [2]]
    assert batches.size == 2
    assert tried[:4] == [(0, 8), (0, 4), (0, 2), (2, 4)]
    assert [record.message for record in caplog.records] == [
        "here: memory for 8 at once ran out; now 4",
        "here: memory for 4 at once ran out; now 2",
    ]


def test_a_last_batch_that_is_smaller_is_halved_from_its_own_size():
    batches, tried = Batches(100, where="here", remedy=""), []

    assert [part for _, part in batches.over(5, work_up_to(2, tried))] == [[0, 1], [2, 3], [4]]
    assert tried[0] == (0, 5)


def test_one_input_that_is_too_much_is_refused_with_what_helps():
    batches = Batches(4, where="here", remedy="Draw smaller ones.")

    with pytest.raises(MemoryError, match=r"here: expected .* one at a time, got CUDA .* Draw sm"):
        [*batches.over(4, work_up_to(0, []))]


def test_other_errors_pass_and_are_not_tried_again():
    tried = []

    def fail(batch):
        tried.append(batch)
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        [*Batches(4, where="here", remedy="").over(4, fail)]
    assert tried == [slice(0, 4)]


def test_nothing_gives_no_batch():
    assert [*Batches(4, where="here", remedy="").over(0, work_up_to(0, []))] == []


@pytest.mark.parametrize("message", MESSAGES)
def test_every_device_says_in_its_own_words_that_memory_ran_out(message):
    assert is_out_of_memory(RuntimeError(message))
    assert is_out_of_memory(torch.OutOfMemoryError("whatever it says"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(ValueError(message))
    assert not is_out_of_memory(RuntimeError(b"out", 3))


def test_weights_that_do_not_fit_are_refused_with_what_helps():
    def load(error):
        with loading("target x", "Use another."):
            raise error

    with pytest.raises(MemoryError, match=r"target x: expected .* weights, got CUDA .* Use ano"):
        load(torch.OutOfMemoryError(MESSAGES[0]))
    with pytest.raises(RuntimeError, match="else"):
        load(RuntimeError("something else"))


def test_a_target_observes_the_same_in_smaller_batches(resnet_settings, images):
    whole = load_target("x", resnet_settings, device="cpu", batch_size=7).observe(images)
    target = load_target("x", resnet_settings, device="cpu", batch_size=7)
    given = limited(target._network, 2)

    seen = target.observe(images)

    torch.testing.assert_close(seen.activations, whole.activations, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen.maps, whole.maps, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(target.activations(images), whole.activations, rtol=1e-4, atol=1e-5)
    assert given == [7, 3, *(1,) * 7, *(1,) * 7]


def test_pictures_and_texts_are_embedded_the_same_in_smaller_batches(clip_folder, images):
    settings = study.VisionLanguage(model=clip_folder)
    whole, model = (load_vision_language(settings, device="cpu", batch_size=7) for _ in range(2))
    given = limited(model._model.visual, 3)

    seen = model.embed_images(images)

    np.testing.assert_allclose(seen, whole.embed_images(images), atol=1e-5)
    assert given == [7, 3, 3, 1]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_pictures_are_the_same_in_smaller_batches(pipeline_folder, precision):
    """In float16 the autoencoder was lifted to float32 when its memory ran out."""
    settings = study.Generator(
        pipeline=pipeline_folder, steps=1, guidance=0.0, size_px=64, precision=precision
    )
    whole, generator = (load_generator(settings, device="cpu", batch_size=3) for _ in range(2))
    given = limited(generator._pipeline.vae.decoder, 1)
    asked = ["red circle", "zebra", ""], [1, 2, 3]

    seen, expected = generator.draw(*asked), whole.draw(*asked)

    pairs = zip(seen, expected, strict=True)
    assert max(np.abs(np.int16(a) - np.int16(b)).max() for a, b in pairs) <= 3
    assert given == [3, 1, 1, 1]
