"""Encoded images are decoded again; what does not fit is refused by None."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sieve_assets.reports.inline_images import (
    InlineImage,
    lossless_webp_image,
    png_within,
    webp_image,
)


def noise(width, height, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def decoded(image):
    return Image.open(io.BytesIO(image.content)).convert("RGB")


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 4000))
def test_the_budget_is_never_exceeded(width, height, max_bytes):
    made = png_within(noise(width, height), max_bytes, (64, 8, 2))
    if made is not None:
        assert len(made.content) <= max_bytes
        assert decoded(made).size == (width, height)


def test_the_most_colors_that_fit_are_kept():
    image = noise(40, 40)
    sizes = [len(png_within(image, 10**6, (n,)).content) for n in (64, 16, 2)]
    for n_colors, size in zip((64, 16, 2), sizes, strict=True):
        made = png_within(image, size, (64, 16, 2))
        assert len(Image.open(io.BytesIO(made.content)).getcolors()) == n_colors


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 100))
def test_webp_decodes_to_the_same_size(width, height, quality):
    made = webp_image(noise(width, height), quality)
    assert made.mime == "image/webp"
    assert decoded(made).size == (width, height)


@given(st.integers(1, 60), st.integers(1, 60))
def test_lossless_webp_decodes_to_the_same_pixels(width, height):
    image = noise(width, height)
    made = lossless_webp_image(image)
    assert made.mime == "image/webp"
    assert decoded(made).tobytes() == image.tobytes()


def test_better_quality_takes_more_bytes_and_is_nearer():
    image = noise(40, 40)
    made = [webp_image(image, quality) for quality in (5, 50, 95)]
    errors = [np.abs(np.asarray(decoded(one), int) - np.asarray(image)).mean() for one in made]
    assert sorted(made, key=lambda one: len(one.content)) == made
    assert sorted(errors, reverse=True) == errors


def test_few_colors_come_back_from_a_png_as_they_were():
    image = Image.new("RGB", (30, 20), (10, 20, 30))
    image.paste((200, 100, 0), (5, 5, 9, 9))
    assert decoded(png_within(image, 1000, (16,))).tobytes() == image.tobytes()


def test_nothing_fits_into_no_bytes():
    assert png_within(noise(4, 4), 0, (4,)) is None


def test_markdown_holds_the_file_and_decodes_to_it():
    made = InlineImage(bytes(range(256)), "image/webp")
    markdown = made.markdown("neuron 3")
    head, _, code = markdown.partition(";base64,")
    assert head == "![neuron 3](data:image/webp"
    assert base64.b64decode(code.removesuffix(")")) == made.content


@pytest.mark.parametrize("alt", ["a](javascript:x)", "two\nlines", "`<b>`", "![x]", "back\\slash"])
def test_no_alternative_text_ends_the_markdown_early(alt):
    markdown = InlineImage(b"x", "image/png").markdown(alt)
    inside = markdown.removeprefix("![").partition("](data:")[0]
    assert markdown.count("](") == 1
    assert not set("[]()<>`\\\n!") & set(inside)


def test_the_image_is_left_as_it_was():
    image = noise(9, 7)
    before = image.tobytes()
    webp_image(image, 50)
    png_within(image, 500, (8,))
    assert (image.mode, image.tobytes()) == ("RGB", before)
