"""Pictures of scenes: the same bytes for the same scene, and masks that are exact."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from sieve_assets.terrarium.renderer import draw_scene, object_mask, sprites
from sieve_assets.terrarium.scenes import FRAME_PX, WIDE, Scene, unbiased_scenes
from sieve_assets.terrarium.world import BACKGROUNDS, object_named, world_objects


def scene_of(name="dog", background="grass", **changes):
    thing = object_named(name) if name else None
    middle = FRAME_PX / 2
    scene = Scene(thing, background, middle, middle, 40, 0, 1, texture_seed=5)
    return replace(scene, **changes)


@pytest.fixture(scope="module")
def scenes():
    return unbiased_scenes(24, seed=8, empty_share=0.2, pose=WIDE, only_drawn=False)


def test_a_scene_gives_the_same_bytes_whatever_else_is_drawn(scenes):
    together = [draw_scene(scene) for scene in scenes]

    for scene, picture in reversed(list(zip(scenes, together, strict=True))):
        again = draw_scene(scene)
        assert again.image.tobytes() == picture.image.tobytes()
        assert np.array_equal(again.mask, picture.mask)


def test_the_mask_is_where_two_backgrounds_say_that_the_object_hides_them(scenes):
    for scene in scenes:
        bright, dark = (replace(scene, background=name, light=1) for name in ("snow", "grass"))
        shown = [draw_scene(one).image.astype(float) for one in (bright, dark)]
        behind = [
            draw_scene(replace(one, thing=None)).image.astype(float) for one in (bright, dark)
        ]

        # A pixel is object + (1 - opacity) background: two backgrounds give two equations.
        seen_through = (shown[0] - shown[1]).sum(-1) / (behind[0] - behind[1]).sum(-1)
        opacity = 1 - seen_through
        is_clear = np.abs(opacity - 0.5) > 0.05
        assert np.array_equal((opacity > 0.5)[is_clear], draw_scene(scene).mask[is_clear])
        assert is_clear.mean() > 0.95


def test_the_mask_alone_is_that_of_the_picture(scenes):
    masks = [object_mask(scene) for scene in scenes]

    assert np.array_equal(masks, [draw_scene(scene).mask for scene in scenes])
    assert 0 < np.mean(masks) < 1


def test_an_object_changes_no_pixel_outside_its_square():
    across = np.arange(FRAME_PX) + 0.5
    for thing in world_objects():
        scene = scene_of(thing.name, "sand", x_px=36, y_px=30, size_px=40)
        is_beside = np.maximum(np.abs(across - 36), np.abs(across[:, None] - 30)) > 40 / 2
        with_it, without = (draw_scene(one).image for one in (scene, replace(scene, thing=None)))
        assert np.array_equal(with_it[is_beside], without[is_beside])
        assert not np.array_equal(with_it, without)


def test_an_empty_scene_is_all_background():
    picture = draw_scene(scene_of(None))

    assert not picture.mask.any()


def test_moving_the_object_by_whole_pixels_moves_its_mask():
    still = draw_scene(scene_of()).mask
    moved = draw_scene(scene_of(x_px=FRAME_PX / 2 + 5, y_px=FRAME_PX / 2 - 3)).mask

    assert np.array_equal(moved, np.roll(still, (-3, 5), axis=(0, 1)))


def test_turns_are_anticlockwise():
    still, turned = (draw_scene(scene_of("key", turn_deg=turn)).mask for turn in (0, 90))

    assert (turned != np.rot90(still)).mean() < 0.005
    assert (turned != np.rot90(still, -1)).mean() > 0.05


def test_twice_the_size_is_four_times_the_area():
    small, large = (draw_scene(scene_of(size_px=size)).mask.sum() for size in (24, 48))

    assert large == pytest.approx(4 * small, rel=0.05)


def test_light_scales_the_whole_picture():
    plain = draw_scene(scene_of(background="night")).image.astype(float)
    dark = draw_scene(scene_of(background="night", light=0.5)).image

    assert np.abs(plain / 2 - dark).max() <= 1


def test_every_object_is_seen_and_looks_like_no_other():
    pictures = [draw_scene(scene_of(thing.name, "sand")) for thing in world_objects()]

    assert all(picture.mask.mean() > 0.05 for picture in pictures)
    pixels = np.array([picture.image.ravel() for picture in pictures], dtype=float)
    assert pdist(pixels, "cityblock").min() / pixels.shape[1] > 4


def test_sprites_fill_their_cell_and_stay_inside():
    for sprite in sprites():
        left, top, right, bottom = sprite.getchannel("a").getbbox()
        assert max(right - left, bottom - top) >= 60
        assert min(left, top) >= 1
        assert max(right, bottom) <= 63


def test_pixels_are_those_of_this_renderer_version():
    """If it fails by intent, raise RENDERER_VERSION, so that old probe sets are not used."""
    scenes = [scene_of("penguin", name, size_px=44, turn_deg=7) for name in BACKGROUNDS]
    means = [draw_scene(scene).image.mean() for scene in scenes]

    expected = [183.07, 97.86, 123.39, 111.15, 170.56, 57.09, 213.44, 100.5]
    assert means == pytest.approx(expected, abs=0.05)
