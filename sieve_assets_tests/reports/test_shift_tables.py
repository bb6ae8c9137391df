"""What is printed of names on images of another kind is the mean of what is stored."""

import io

import pytest
from rich.console import Console

from sieve_assets.reports.shift_tables import print_shift
from sieve_assets_tests.shift_rows import nowhere_shown, shift_of, store_shift


@pytest.fixture
def printed(finished, tmp_path):
    """`printed(rows)` is what is printed once the rows are stored."""
    bench = finished.changed(tmp_path).bench()

    def of(rows):
        store_shift(bench.warehouse, rows)
        text = io.StringIO()
        print_shift(Console(file=text, width=120), bench.warehouse, bench.study)
        return text.getvalue()

    return of


def test_verified_and_other_names_have_their_means_on_both_kinds(printed):
    lines = printed(shift_of("cnn", 5)).splitlines()

    [verified] = [line.split() for line in lines if line.startswith("verified")]
    [other] = [line.split() for line in lines if line.startswith("other")]
    assert " ".join(verified[1:]) == "5 100 / 20 80 / 40 75 / 25 1 / <1 90"
    assert " ".join(other[1:]) == "5 100 / 20 80 / 40 75 / 25 1 / <1 10"
    assert "brown" in " ".join(lines[:3])
    assert not any(line.startswith("vit") for line in lines)


def test_nothing_is_printed_if_no_image_of_the_other_kind_shows_a_name(printed):
    assert not printed(nowhere_shown(shift_of("cnn")))
