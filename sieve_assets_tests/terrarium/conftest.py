"""What tests of the embedded world's models share, made once: its tokenizer, an untrained CLIP."""

import open_clip
import pytest
import torch

from sieve_assets.terrarium.vision_language import model_config, new_tokenizer


@pytest.fixture(scope="session")
def tokenizer():
    return new_tokenizer()


@pytest.fixture(scope="session")
def clip(tokenizer):
    torch.manual_seed(0)
    return open_clip.CLIP(**model_config(len(tokenizer))).eval()
