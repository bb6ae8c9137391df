"""The converted text tower against open_clip's own forward pass."""

from typing import Any

import open_clip
import pytest
import torch

from sieve_assets.terrarium.text_encoder import hf_text_encoder
from sieve_assets.terrarium.tokenizer import clip_tokenizer

TEXTS = ["red circle", "a large blue square " * 5, "zebra é", ""]
VISION = {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8}
TEXT = {"context_length": 16, "width": 32, "heads": 4, "layers": 3}


@pytest.fixture(scope="module")
def tokenizer():
    return clip_tokenizer(TEXTS, n_merges=50, context_length=16)


def build(tokenizer, model: Any = open_clip.CLIP, *, quick_gelu=False, **text):
    torch.manual_seed(0)
    text_cfg = TEXT | {"vocab_size": len(tokenizer)} | text
    clip = model(embed_dim=24, vision_cfg=VISION, text_cfg=text_cfg, quick_gelu=quick_gelu)
    for parameter in clip.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return clip.eval()


def ids_of(tokenizer):
    padded = tokenizer(TEXTS, padding="max_length", truncation=True, return_tensors="pt")
    return padded.input_ids


@pytest.mark.parametrize("quick_gelu", [False, True])
@pytest.mark.parametrize("model", [open_clip.CLIP, open_clip.CustomTextCLIP])
def test_pooled_outputs_are_equal(tokenizer, model, quick_gelu):
    clip = build(tokenizer, model, quick_gelu=quick_gelu)
    ids = ids_of(tokenizer)

    with torch.inference_mode():
        pooled = hf_text_encoder(clip, tokenizer)(ids).text_embeds
        expected = clip.encode_text(ids)

    torch.testing.assert_close(pooled, expected, rtol=1e-5, atol=1e-5)


def test_hidden_states_are_the_blocks_outputs(tokenizer):
    clip = build(tokenizer)
    ids = ids_of(tokenizer)
    outputs = []
    for block in clip.transformer.resblocks:
        block.register_forward_hook(lambda *call: outputs.append(call[2]))

    with torch.inference_mode():
        states = hf_text_encoder(clip, tokenizer)(ids, output_hidden_states=True).hidden_states
        clip.encode_text(ids)

    assert len(states) == len(outputs) + 1
    for state, output in zip(states[1:], outputs, strict=True):
        torch.testing.assert_close(state, output, rtol=1e-5, atol=1e-5)


def test_a_saved_encoder_reloads_equal(tokenizer, tmp_path):
    encoder = hf_text_encoder(build(tokenizer), tokenizer)
    encoder.save_pretrained(tmp_path)
    ids = ids_of(tokenizer)

    with torch.inference_mode():
        again = type(encoder).from_pretrained(tmp_path)(ids).text_embeds
        assert torch.equal(again, encoder(ids).text_embeds)


def test_changing_the_encoder_leaves_the_tower_alone(tokenizer):
    clip = build(tokenizer)
    before = clip.token_embedding.weight.clone()

    encoder: Any = hf_text_encoder(clip, tokenizer)
    torch.nn.init.zeros_(encoder.text_model.embeddings.token_embedding.weight)

    assert not encoder.training
    assert torch.equal(clip.token_embedding.weight, before)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ({"pool_type": "last"}, "pooling at the end token"),
        ({"proj_bias": True}, "a text projection without a bias"),
        ({"no_causal_mask": True}, "a causal mask"),
        ({"ls_init_value": 0.1}, "no layer scale"),
        ({"vocab_size": 999}, r"in the tower \(999\)"),
        ({"act_kwargs": {"approximate": "tanh"}}, "expected GELU or QuickGELU"),
    ],
)
def test_a_tower_that_cannot_be_expressed_is_named(tokenizer, text, named):
    model = open_clip.CustomTextCLIP

    with pytest.raises(ValueError, match=named):
        hf_text_encoder(build(tokenizer, model, **text), tokenizer)
