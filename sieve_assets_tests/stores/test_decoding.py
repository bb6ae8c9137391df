"""Pictures of every kind come out as people see them, or with the reason why they cannot."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from sieve_assets.stores import decoding
from sieve_assets.stores.decoding import decoded, reason, upright_size

WIDTH, HEIGHT = 16, 12
COLOURS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
DEEP = (np.arange(WIDTH * HEIGHT, dtype=np.uint16) * 341).reshape(HEIGHT, WIDTH)


def saved(image, file_format="PNG", **options):
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def pixels(content):
    picture = decoded(content)
    assert picture.mode == "RGB"
    assert picture.size == upright_size(content)
    return np.asarray(picture)


def refusal(read, content):
    """Why the bytes cannot be read."""
    with pytest.raises(Exception, match=r".") as raised:
        read(content)
    return reason(raised.value)


def claiming(width, height):
    """A PNG of one pixel whose header claims another size."""
    content = saved(Image.new("L", (1, 1)))
    header = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def test_a_grey_picture_has_its_brightness_in_each_channel():
    grey = Image.fromarray(COLOURS[:, :, 0])
    np.testing.assert_array_equal(pixels(saved(grey)), COLOURS[:, :, [0, 0, 0]])
    bits = Image.fromarray(COLOURS[:, :, 0] > 127)
    assert set(pixels(saved(bits)).ravel().tolist()) == {0, 255}


@pytest.mark.parametrize(
    ("mode", "file_format"), [("LA", "PNG"), ("RGBA", "PNG"), ("RGBA", "TIFF")]
)
def test_what_is_transparent_shows_white(mode, file_format):
    """The colour that such a pixel also stores is what no viewer shows."""
    picture = Image.new("RGBA", (3, 1))
    for place, alpha in enumerate((0, 255, 51)):
        picture.putpixel((place, 0), (40, 40, 40, alpha))
    found = pixels(saved(picture.convert(mode), file_format))
    np.testing.assert_allclose(found[0, :, 0], [255, 40, 0.2 * 40 + 0.8 * 255], atol=1)


@pytest.mark.parametrize(("file_format", "mode"), [("PNG", "P"), ("GIF", "P"), ("PNG", "L")])
def test_a_transparent_colour_of_a_palette_or_of_grey_shows_white(file_format, mode):
    picture = Image.new(mode, (2, 1), 0)
    if mode == "P":
        picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 0), 1 if mode == "P" else 70)
    found = pixels(saved(picture, file_format, transparency=0))
    assert found[0].tolist() == [[255] * 3, [200, 100, 50] if mode == "P" else [70] * 3]


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_comes_out_in_its_colours(file_format):
    red = Image.new("RGB", (8, 8), (200, 30, 30)).convert("CMYK")
    np.testing.assert_allclose(pixels(saved(red, file_format))[4, 4], [200, 30, 30], atol=4)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_keeps_its_range(file_format):
    """Pillow's own conversion makes everything above 255 of 65,535 white."""
    content = saved(Image.fromarray(DEEP), file_format)
    np.testing.assert_array_equal(pixels(content)[:, :, 1], DEEP // 256)


def test_16_bit_grey_keeps_its_range_whatever_its_byte_order_and_is_turned():
    big = Image.frombytes("I;16B", (WIDTH, HEIGHT), DEEP.astype(">u2").tobytes())
    np.testing.assert_array_equal(pixels(saved(big, "TIFF"))[:, :, 0], DEEP // 256)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = pixels(saved(Image.fromarray(DEEP), exif=exif))
    np.testing.assert_array_equal(turned[:, :, 0], np.rot90(DEEP // 256, k=-1))


@pytest.mark.parametrize(("number", "mode"), [(np.int32, "I"), (np.float32, "F")])
def test_32_bits_are_refused_since_their_range_is_not_known(number, mode):
    content = saved(Image.fromarray(DEEP.astype(number)), "TIFF")
    for read in (upright_size, decoded):
        assert refusal(read, content) == (
            f"ValueError: expected 8 or 16 bits a channel, got mode {mode}, whose range is not "
            "known; scale it to 8 bits yourself"
        )


def test_what_can_be_listed_can_be_opened_even_in_colours_that_pillow_may_not_convert():
    content = saved(Image.new("LAB", (4, 4)), "TIFF")
    try:
        upright_size(content)
    except ValueError:
        assert "conversion from LAB" in refusal(decoded, content)
    else:
        assert decoded(content).mode == "RGB"


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_an_animation_is_its_first_frame(file_format):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    options = {"lossless": True} if file_format == "WEBP" else {}
    content = saved(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(content)).n_frames == 2
    assert set(map(tuple, pixels(content).reshape(-1, 3).tolist())) == {(250, 0, 0)}


def test_a_large_jpeg_has_its_own_size_and_not_that_of_the_draft():
    assert upright_size(saved(Image.new("RGB", (640, 480)), "JPEG")) == (640, 480)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("read", [upright_size, decoded])
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_unpacked(read):
    """Some more than there may be, and beyond what Pillow opens at all."""
    assert refusal(read, claiming(9_000, 10_000)) == (
        "ValueError: expected at most 89,478,485 pixels, got 9000 x 10000; scale it down"
    )
    assert refusal(read, claiming(20_000, 10_000)).startswith(
        "ValueError: expected at most 89,478,485 pixels, got more (Image size (200000000 pixels)"
    )
    with warnings.catch_warnings(action="error"):
        assert "expected at most 89,478,485 pixels" in refusal(read, claiming(9_000, 10_000))


def test_a_picture_with_just_as_many_pixels_as_allowed_is_decoded(monkeypatch):
    monkeypatch.setattr(decoding, "MOST_PIXELS", 12)
    assert upright_size(saved(Image.new("L", (4, 3)))) == (4, 3)
    assert "expected at most 12 pixels, got 13 x 1" in refusal(
        decoded, saved(Image.new("L", (13, 1)))
    )


@pytest.mark.parametrize("read", [upright_size, decoded])
def test_a_very_long_picture_is_refused_since_its_resize_would_be_huge(read):
    assert read(saved(Image.new("L", (200, 2)))) is not None
    assert refusal(read, saved(Image.new("L", (2, 201)))) == (
        "ValueError: expected a longer side of at most 100 times the shorter, got 2 x 201; "
        "cut it into pieces"
    )
