"""Class-token contributions against loops over heads, and against what the block really adds."""

from typing import Any

import pytest
import timm
import torch
import torchvision

from sieve_assets.models.attribution import (
    TokenLayout,
    class_token_attention,
    class_token_contributions,
    token_layout,
    token_maps,
)

SMALL: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 8,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 3,
}


def small_vit(name="vit_base_patch16_224", **args):
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=2, **SMALL | args).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


def torchvision_network():
    torch.manual_seed(0)
    network = torchvision.models.vision_transformer.VisionTransformer(32, 8, 2, 3, 24, 48).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


@torch.inference_mode()
def watch_last_block(network, frames):
    """The last block's attention input, and what the block's attention adds to each token."""
    is_timm = hasattr(network, "blocks")
    block = network.blocks[-1] if is_timm else network.encoder.layers[-1]
    entering, leaving = (block.norm1, block.ls1) if is_timm else (block.ln_1, block.dropout)
    seen = {}
    entering.register_forward_hook(lambda *call: seen.update(inputs=call[2]))
    leaving.register_forward_hook(lambda *call: seen.update(added=call[2]))
    network(frames)
    return seen["inputs"], seen["added"]


def by_loops(network, inputs):
    """The formula of METHOD decision 7, one head, token and dimension after the other (timm)."""
    block = network.blocks[-1]
    attention = block.attn
    n_images, n_tokens, width = inputs.shape
    size = width // attention.num_heads
    weight, bias = attention.qkv.weight, attention.qkv.bias
    contributions = torch.zeros(n_images, n_tokens, width)
    for image in range(n_images):
        for head in range(attention.num_heads):
            rows = slice(head * size, (head + 1) * size)
            part = [
                inputs[image] @ weight[k * width :][rows].T + bias[k * width :][rows]
                for k in range(3)
            ]
            query = attention.q_norm(part[0])[0]
            scores = torch.stack([query @ key for key in attention.k_norm(part[1])])
            shares = torch.softmax(scores / size**0.5, 0)
            for token in range(n_tokens):
                for neuron in range(width):
                    moved = attention.proj.weight[neuron, rows] @ part[2][token]
                    contributions[image, token, neuron] += shares[token] * moved
    return contributions * getattr(block.ls1, "gamma", 1)


@torch.inference_mode()
@pytest.mark.parametrize("args", [{}, {"qk_norm": True}, {"init_values": 0.1, "reg_tokens": 2}])
def test_contributions_are_those_of_loops_over_heads(args):
    network = small_vit(**args)
    inputs, _ = watch_last_block(network, torch.randn(2, 3, 32, 32))

    contributions = class_token_contributions(class_token_attention(network), inputs)

    torch.testing.assert_close(contributions, by_loops(network, inputs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        small_vit,
        lambda: small_vit(init_values=0.1),
        lambda: small_vit("deit_base_distilled_patch16_224"),
        torchvision_network,
    ],
)
@torch.inference_mode()
def test_all_contributions_and_the_bias_are_what_the_class_token_gets(make):
    network = make()
    attention = class_token_attention(network)
    inputs, added = watch_last_block(network, torch.randn(3, 3, 32, 32))

    contributions = class_token_contributions(attention, inputs)

    is_timm = hasattr(network, "blocks")
    module: Any = attention.module
    bias = module.proj.bias if is_timm else module.out_proj.bias
    bias = bias if attention.gain is None else bias * attention.gain
    torch.testing.assert_close(contributions.sum(1) + bias, added[:, 0], rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_contributions_move_with_their_tokens():
    network = small_vit()
    inputs, _ = watch_last_block(network, torch.randn(2, 3, 32, 32))
    order = torch.tensor([0, *torch.randperm(16).add(1).tolist()])
    attention = class_token_attention(network)

    moved = class_token_contributions(attention, inputs[:, order])

    expected = class_token_contributions(attention, inputs)[:, order]
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-5)


def test_a_tokens_place_on_the_grid():
    tokens = torch.arange(2 + 6).view(1, 8, 1).float() + torch.tensor([0.0, 100.0])

    maps = token_maps(tokens, TokenLayout(n_prefix=2, n_rows=2, n_columns=3))

    assert maps[0, 0].tolist() == [[2, 3, 4], [5, 6, 7]]
    assert maps[0, 1].tolist() == [[102, 103, 104], [105, 106, 107]]


def test_the_wrong_number_of_tokens_is_said():
    with pytest.raises(ValueError, match=r"expected 1 \+ 2 x 3 tokens, got 8"):
        token_maps(torch.zeros(1, 8, 2), TokenLayout(1, 2, 3))


@pytest.mark.parametrize(
    ("make", "layout"),
    [
        (small_vit, (1, 4, 4)),
        (lambda: small_vit(reg_tokens=3), (4, 4, 4)),
        (lambda: small_vit("deit_base_distilled_patch16_224", img_size=(16, 32)), (2, 2, 4)),
        (torchvision_network, (1, 4, 4)),
    ],
)
def test_layouts(make, layout):
    assert token_layout(make()) == layout


def test_a_network_without_a_class_token_is_refused(resnet):
    averaged = small_vit(class_token=False, global_pool="avg")

    for network in (averaged, resnet):
        with pytest.raises(ValueError, match=r"with a class token, got .*Use reducer"):
            token_layout(network)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: small_vit(scale_attn_norm=True), "got one with a norm or a gate"),
        (
            lambda: small_vit(block_fn=timm.models.vision_transformer.ResPostBlock),
            "got ResPostBlock of VisionTransformer",
        ),
        (lambda: timm.create_model("resnet18"), "got ResNet of ResNet"),
    ],
)
def test_blocks_that_do_not_add_up_are_refused(make, named):
    with pytest.raises(ValueError, match=rf"{named}.*patch_tokens"):
        class_token_attention(make())
