"""What the targets of a plan have in common starts empty, for each plan anew."""

from sieve_assets.assets.quantities import Shared


def test_two_plans_have_nothing_in_common():
    one, other = Shared(), Shared()

    one.pictures.add("a picture")
    one.probes.add("a probe set")

    assert other == Shared()
    assert one != other
