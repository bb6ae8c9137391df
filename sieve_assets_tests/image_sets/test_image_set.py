import pytest

from sieve_assets.image_sets.image_set import is_image_name


@pytest.mark.parametrize("name", ["a.png", "b.JPEG", "c.d.webp", "ü .tif"])
def test_names_with_an_images_suffix_are_an_images(name):
    assert is_image_name(name)


@pytest.mark.parametrize("name", ["a.txt", "png", ".png", "a.png.gz", "", "a."])
def test_other_names_are_not(name):
    assert not is_image_name(name)
