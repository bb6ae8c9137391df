"""The files of a target: pictures where pages look for them, and nothing written for nothing."""

import dataclasses
import re

import numpy as np
import pytest
from PIL import Image

from sieve_assets.reports.atlas import site
from sieve_assets.reports.atlas.builder import (
    CROP_PX,
    N_THUMBNAILS,
    PICTURE_PX,
    THUMBNAIL_PX,
    Builder,
)
from sieve_assets.reports.atlas.sheets import in_square, layout
from sieve_assets.reports.atlas.site import Site, slug, static_files
from sieve_assets_tests.studies import DEAD

LOW_CONTRAST, SELECTED = 2, 4


def written(material, root, known=None):
    """Everything of a target."""
    builder = Builder(material, Site(root, known or {}), "1", {})
    for concept in builder.drawn:
        builder.write_concept(concept)
    for facts in builder.facts(range(material.width)):
        builder.write_neuron(facts)
    builder.write_index()
    return builder


@pytest.fixture(scope="module")
def built(materials, tmp_path_factory):
    return written(materials["cnn"], tmp_path_factory.mktemp("site"))


def squares(file, n):
    """The squares of a sheet as arrays."""
    seen, how = np.asarray(Image.open(file).convert("RGB")).astype(int), layout(n)
    side_px = seen.shape[1] // how.columns
    assert seen.shape == (how.rows * side_px, how.columns * side_px, 3)
    return [
        seen[row * side_px :, column * side_px :][:side_px, :side_px]
        for row, column in (divmod(at, how.columns) for at in range(n))
    ]


def assert_shows(found, images, side_px):
    """Each square is nearer to its image than to any other; WebP loses some of it."""
    expected = [np.asarray(in_square(one.convert("RGB"), side_px)).astype(int) for one in images]
    distances = [[np.abs(square - one).mean() for one in expected] for square in found]
    assert np.argmin(distances, axis=1).tolist() == list(range(len(images)))
    assert np.diag(distances).max() < 32


@pytest.mark.parametrize("neuron", [LOW_CONTRAST, SELECTED])
def test_a_neurons_samples_are_its_strongest_images(built, neuron):
    material = built.material
    [facts] = built.facts([neuron])
    images = [material.open_probe_image(row["uri"]) for row in facts.samples]
    assert len(images) == 6
    side_px = min(PICTURE_PX, max(images[0].size))
    file = built.site.root / f"cnn/neurons/000{neuron}.webp"
    assert_shows(squares(file, 6), images, side_px)


def test_a_neuron_that_was_not_selected_has_its_strongest_images_of_the_pass(built, finished):
    [facts] = built.facts([LOW_CONTRAST])
    activation = finished.table("neuron_activations", model="cnn")["activation"][LOW_CONTRAST]
    images = finished.table("probe_images").sort_values("position").assign(activation=activation)
    seen = images[~images["is_held_out"]]
    best = seen.sort_values("activation", ascending=False, kind="stable").head(6)
    assert [row["image_id"] for row in facts.samples] == best["image_id"].tolist()
    assert [row["activation"] for row in facts.samples] == best["activation"].tolist()
    assert {row["crop_uri"] for row in facts.samples} == {None}


def test_a_selected_neurons_crops_and_thumbnail_are_of_its_patches(built):
    stem = built.site.root / f"cnn/neurons/000{SELECTED}"
    [facts] = built.facts([SELECTED])
    crops = [built.material.open_stored_image(row["crop_uri"]) for row in facts.samples]
    assert_shows(squares(f"{stem}-crops.webp", 6), crops, CROP_PX)
    small = np.asarray(Image.open(f"{stem}-small.webp").convert("RGB")).astype(int)
    assert small.shape == (THUMBNAIL_PX, N_THUMBNAILS * THUMBNAIL_PX, 3)
    assert_shows(np.split(small, N_THUMBNAILS, axis=1), crops[:N_THUMBNAILS], THUMBNAIL_PX)


@pytest.mark.parametrize(
    ("neuron", "endings"),
    [
        (DEAD, {".html"}),
        (LOW_CONTRAST, {".html", ".webp", "-small.webp"}),
        (SELECTED, {".html", ".webp", "-small.webp", "-crops.webp"}),
    ],
)
def test_a_neuron_has_the_files_that_it_has_something_for(built, neuron, endings):
    files = (built.site.root / "cnn" / "neurons").glob(f"000{neuron}*")
    assert {file.name[4:] for file in files} == endings


def test_a_concepts_sheet_has_its_pictures_by_seed(built, finished):
    pictures = finished.table("pictures")
    for concept in built.drawn:
        rows = pictures[pictures["prompt"] == concept].sort_values("seed")
        file = built.site.root / f"concepts/{slug(concept)}.webp"
        images = [built.material.open_stored_image(uri) for uri in rows["uri"]]
        assert_shows(squares(file, len(rows)), images, 64)


def test_a_concepts_page_says_whether_its_pictures_show_it(built, finished):
    ranks = finished.table("evidence").set_index("concept")["word_rank"].to_dict()
    assert ranks
    for concept, rank in ranks.items():
        page = (built.site.root / f"concepts/{slug(concept)}.html").read_text()
        [said] = re.findall(r'class="verdict" data-verdict="(\w+)"', page)
        is_among = rank < built.material.study.verify.n_best_words
        assert said == ("verified" if is_among else "untestable")


def test_a_concept_that_nobody_tested_has_no_rank(built, finished):
    names = {*finished.table("evidence")["concept"], *finished.table("revised_names")["concept"]}
    untested = set(built.drawn) - names
    assert untested
    for concept in untested:
        page = (built.site.root / f"concepts/{slug(concept)}.html").read_text()
        assert "it is not among the" in page


def test_what_all_targets_share_is_there(built):
    root = built.site.root
    for name, content in static_files().items():
        assert (root / "assets" / name).read_bytes() == content
    for page in ("index.html", "compare.html", "cnn/index.html"):
        assert (root / page).read_text().startswith("<!doctype html>")
    assert '"folder":"cnn"' in (root / "targets.js").read_text()
    assert "cnn/others" in (root / "cnn/index/others.js").read_text()


def times(root):
    return {file: file.stat().st_mtime_ns for file in root.rglob("*") if file.is_file()}


def test_a_second_time_nothing_is_written(built):
    before, known = times(built.site.root), dict(built.site.made)
    again = written(built.material, built.site.root, known)
    assert times(built.site.root) == before
    assert (again.site.n_written, again.site.made) == (0, known)


@pytest.mark.parametrize("version", ["the same", "another"])
def test_vega_is_made_again_for_another_version_of_it_alone(built, tmp_path, monkeypatch, version):
    first = written(built.material, tmp_path)
    monkeypatch.setattr(site, "vega", lambda: b"made again")
    if version == "another":
        monkeypatch.setattr(site, "vega_made_from", lambda: [version])
    written(built.material, tmp_path, first.site.made)
    is_made = (tmp_path / "assets/vega.js").read_bytes() == b"made again"
    assert is_made == (version == "another")


def test_another_version_of_the_templates_makes_pages_again_and_no_pictures(built, tmp_path):
    first = written(built.material, tmp_path)
    later = dataclasses.replace(first, site=Site(tmp_path, first.site.made), version="2")
    for facts in later.facts(range(built.material.width)):
        later.write_neuron(facts)
    for path, made in later.site.made.items():
        is_page = path.endswith(".html")
        assert (made.made_from != first.site.made[path].made_from) == is_page
        assert made.sha256 == first.site.made[path].sha256


def test_other_names_by_other_methods_are_left_as_they_are(built, tmp_path):
    Site(tmp_path, {}).put("cnn/index/others.js", "of another stage")
    found = written(built.material, tmp_path)
    assert (tmp_path / "cnn/index/others.js").read_text() == "of another stage"
    assert "cnn/index/others.js" not in found.site.made
