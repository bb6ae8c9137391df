"""What the atlas of a target is made of knows how many neurons there are."""

import pytest


@pytest.mark.parametrize(("model", "width"), [("cnn", 6), ("vit", 8)])
def test_the_width_is_that_of_its_own_target(materials, model, width):
    assert materials[model].width == width
    assert len(materials[model].maps) == width
