"""Holding out depends on an image's id alone."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sieve_assets.method.probe_images import is_held_out

IDS = [f"scene-{number:05d}.png" for number in range(4000)]


def test_nothing_is_held_out_at_share_0_and_everything_at_share_1():
    assert not is_held_out(IDS, 0.0).any()
    assert is_held_out(IDS, 1.0).all()


def test_about_a_tenth_is_held_out_at_share_one_tenth():
    held_out = is_held_out(IDS, 0.1)
    deviation = np.sqrt(len(IDS) * 0.1 * 0.9)
    assert abs(held_out.sum() - 400) < 4 * deviation


def test_it_agrees_with_the_hash_as_a_fraction_of_all_hashes():
    expected = [
        Fraction(int(hashlib.sha256(name.encode()).hexdigest(), 16), 2**256) < Fraction(1, 4)
        for name in IDS
    ]
    assert is_held_out(IDS, 0.25).tolist() == expected


def test_neither_order_nor_company_nor_a_call_before_makes_a_difference():
    whole = dict(zip(IDS, is_held_out(IDS, 0.1), strict=True))
    some = IDS[::-7]
    assert is_held_out(some, 0.1).tolist() == [whole[name] for name in some]


def test_a_larger_share_holds_out_the_same_images_and_more():
    small, large = is_held_out(IDS, 0.1), is_held_out(IDS, 0.3)
    assert (large[small]).all()
    assert large.sum() > small.sum()


def test_ids_beyond_ascii_are_hashed_and_no_ids_give_nothing():
    assert is_held_out(["Käse/写真.png"], 1.0).tolist() == [True]
    assert is_held_out([], 0.1).tolist() == []


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(ValueError, match=r"^is_held_out: expected held_out_share between 0 and 1"):
        is_held_out(IDS[:2], share)


@settings(max_examples=50)
@given(
    ids=st.lists(st.text(st.sampled_from("ab /'ü写\n"), max_size=5), max_size=8),
    small=st.floats(0, 1),
    large=st.floats(0, 1),
)
def test_each_image_is_judged_alone_and_stays_out_as_the_share_grows(ids, small, large):
    small, large = sorted((small, large))
    few, many = is_held_out(ids, small), is_held_out(ids, large)
    assert not (few & ~many).any()
    assert few.tolist() == [bool(is_held_out([one], small)[0]) for one in ids]
    assert is_held_out(ids[::-1], small).tolist() == few[::-1].tolist()
