"""What is read from a layer's output: values one can check in the head."""

import torch

from sieve_assets.models.attribution import TokenLayout, class_token_contributions
from sieve_assets.models.readings import ChannelReading, TokenReading, reading_for


def test_a_channel_is_the_mean_of_its_map():
    output = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, -4.0]]]])
    reading = ChannelReading()

    assert reading.activations(output).tolist() == [[3, -1]]
    assert torch.equal(reading.maps(output, None), output)


def test_a_dimension_is_the_class_tokens_and_its_map_the_patch_tokens():
    output = torch.tensor([[[9.0, -9.0], [7.0, 7.0], [1.0, 10.0], [2.0, 20.0]]])
    reading = TokenReading(TokenLayout(n_prefix=2, n_rows=1, n_columns=2), source=None)

    assert reading.attention is None
    assert reading.activations(output).tolist() == [[9, -9]]
    assert reading.maps(output, None).tolist() == [[[[1, 2]], [[10, 20]]]]


@torch.inference_mode()
def test_contributions_are_laid_on_the_grid(vit, vit_settings):
    reading = reading_for(vit_settings, vit)
    output, attended = torch.randn(2, 65, 32), torch.randn(2, 65, 32)

    maps = reading.maps(output, attended)

    assert isinstance(reading, TokenReading)
    assert reading.source is not None
    assert reading.attention is vit.blocks[-1].attn
    expected = class_token_contributions(reading.source, attended)
    torch.testing.assert_close(maps[:, :, 3, 4], expected[:, 1 + 8 * 3 + 4])


def test_settings_choose_the_reading(resnet, resnet_settings, vit, vit_settings):
    tokens = vit_settings.model_copy(update={"maps": "patch_tokens"})

    assert reading_for(resnet_settings, resnet) == ChannelReading()
    assert reading_for(tokens, vit) == TokenReading(TokenLayout(1, 8, 8), None)
