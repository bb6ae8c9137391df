"""Backgrounds: within range, seeded, and told apart by colour alone."""

import numpy as np
import pytest

from sieve_assets.terrarium.textures import draw_texture
from sieve_assets.terrarium.world import BACKGROUNDS


def draw(background, seed, frame_px=64):
    return draw_texture(background, frame_px=frame_px, generator=np.random.default_rng(seed))


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_textures_are_colours_and_differ_by_seed_only(background):
    textures = [draw(background, seed) for seed in range(20)]

    assert all(texture.shape == (64, 64, 3) for texture in textures)
    assert np.min(textures) >= 0
    assert np.max(textures) <= 255
    assert np.array_equal(textures[7], draw(background, 7))
    assert len({texture.tobytes() for texture in textures}) == len(textures)


def test_a_texture_has_the_size_asked_for():
    for background in BACKGROUNDS:
        assert draw(background, 0, frame_px=32).shape == (32, 32, 3)


def test_backgrounds_are_told_apart_by_their_mean_colour_and_contrast():
    def colours(seeds):
        textures = np.array([[draw(name, seed) for seed in seeds] for name in BACKGROUNDS])
        return np.concatenate([textures.mean((2, 3)), textures.std((2, 3))], axis=-1)

    typical = colours(range(10)).mean(1)
    new = colours(range(100, 120))

    distances = np.linalg.norm(new[:, :, None] - typical, axis=-1)
    assert np.mean(distances.argmin(-1) == np.arange(len(BACKGROUNDS))[:, None]) > 0.95


def test_an_unknown_background_is_refused_with_the_known_ones():
    with pytest.raises(LookupError, match=r"expected one of \['brick'.*got 'lava'"):
        draw("lava", 0)
