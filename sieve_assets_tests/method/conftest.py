"""What the tests of the method share."""

import inspect

import pytest


@pytest.fixture
def unchecked():
    """A function as users run it, without the array shapes that are checked while testing.

    A wrong shape is then refused by the function itself, in the house's wording.
    """
    return inspect.unwrap
