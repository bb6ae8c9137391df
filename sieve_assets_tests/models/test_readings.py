"""What is read from a layer's output: values one can check in the head."""

import pytest
import torch

from sieve_assets.models.attribution import TokenLayout, class_token_contributions
from sieve_assets.models.readings import (
    ChannelReading,
    TokenMeanReading,
    TokenReading,
    VectorReading,
    reading_for,
)


def test_a_channel_is_the_mean_of_its_map():
    output = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, -4.0]]]])
    reading = ChannelReading(width=2)

    assert reading.activations(output).tolist() == [[3, -1]]
    assert torch.equal(reading.maps(output, None), output)


def test_a_dimension_is_the_class_tokens_and_its_map_the_patch_tokens():
    output = torch.tensor([[[9.0, -9.0], [7.0, 7.0], [1.0, 10.0], [2.0, 20.0]]])
    reading = TokenReading(TokenLayout(n_prefix=2, n_rows=1, n_columns=2), source=None)

    assert reading.watched is None
    assert reading.activations(output).tolist() == [[9, -9]]
    assert reading.maps(output, None).tolist() == [[[[1, 2]], [[10, 20]]]]


def chosen(settings, network):
    return reading_for(settings, network, network, n_channels=settings.width, try_out=lambda: None)


@torch.inference_mode()
def test_contributions_are_laid_on_the_grid(vit, vit_settings):
    reading = chosen(vit_settings, vit)
    output, attended = torch.randn(2, 65, 32), torch.randn(2, 65, 32)

    maps = reading.maps(output, attended)

    assert isinstance(reading, TokenReading)
    assert reading.source is not None
    assert reading.watched is vit.blocks[-1].attn
    expected = class_token_contributions(reading.source, attended)
    torch.testing.assert_close(maps[:, :, 3, 4], expected[:, 1 + 8 * 3 + 4])


def test_settings_choose_the_reading(resnet, resnet_settings, vit, vit_settings):
    tokens = vit_settings.model_copy(update={"maps": "patch_tokens"})

    assert chosen(resnet_settings, resnet) == ChannelReading(16)
    assert chosen(tokens, vit) == TokenReading(TokenLayout(1, 8, 8), None)


def test_channels_that_lie_last_are_found_by_the_width():
    reading = ChannelReading(width=2)
    first = torch.arange(24.0).reshape(1, 2, 3, 4)

    assert torch.equal(reading.ordered(first), first)
    assert torch.equal(reading.ordered(first.permute(0, 2, 3, 1)), first)


def test_the_mean_over_tokens_leaves_out_those_that_are_no_place():
    output = torch.tensor([[[100.0], [1.0], [2.0], [3.0], [6.0]]])
    reading = TokenMeanReading(TokenLayout(n_prefix=1, n_rows=2, n_columns=2))

    assert reading.activations(output).tolist() == [[3]]
    assert reading.maps(output, None).tolist() == [[[[1, 2], [3, 6]]]]


def test_tokens_of_an_unknown_network_are_a_square_grid():
    reading = TokenMeanReading(None)

    assert reading.maps(torch.zeros(1, 9, 2), None).shape == (1, 2, 3, 3)
    with pytest.raises(ValueError, match="as many tokens as a square grid has, got 8"):
        reading.maps(torch.zeros(1, 8, 2), None)


def test_an_entry_of_a_vector_sees_the_whole_picture():
    reading = VectorReading(None)
    output = torch.tensor([[1.0, -2.0]])

    assert reading.activations(output) is output
    assert reading.maps(output, None).tolist() == [[[[1]], [[1]]]]
    assert torch.equal(reading.ordered(output[:, :, None, None]), output)
