"""The probe images: found in a folder or rendered, listed by id, held out in part."""

import hashlib
import shutil
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from sieve_assets.assets.probe_sets import PROBE_STATE, probe_images, read_probe
from sieve_assets_tests.checks import failing_checks
from sieve_assets_tests.studies import assert_same_rows

N_IMAGES = 60


def of_a_world(study, folder, n_images=9):
    """The tiny study on scenes that the project renders itself."""
    folder.mkdir()
    scenes = study.bench().study.probes["scenes"].path
    given, rendered = f'kind = "folder"\npath = "{scenes}"', f"n_images = {n_images}"
    return study.anew(folder, {given: f'kind = "terrarium"\n{rendered}'})


@pytest.fixture
def with_own_scenes(copied, tmp_path):
    """A finished copy of the tiny study with its own scenes, to change; and their folder."""
    scenes = copied.bench().study.probes["scenes"].path
    own = Path(shutil.copytree(scenes, tmp_path / "scenes"))
    (tmp_path / "own").mkdir()
    study = copied.changed(tmp_path / "own", {str(scenes): str(own)})
    study.of_model("cnn", "probe_images")
    return study, own


def listed(study):
    return study.table("probe_images").sort_values("position", ignore_index=True)


def run_of(study, model="cnn"):
    """The run of Dagster that the target's images were last listed in."""
    return study.table("provenance", stage="probe_images", model=model)["run_id"][0]


def test_a_tenth_of_the_images_is_held_out_and_all_are_listed(finished):
    images = finished.table("probe_images")

    assert len(images) == N_IMAGES
    assert 1 <= images["is_held_out"].sum() <= 15
    assert images["image_id"].tolist() == sorted(images["image_id"])
    assert images["position"].tolist() == list(range(N_IMAGES))


def test_every_image_is_listed_as_it_lies_in_the_folder(finished):
    folder = finished.bench().study.probes["scenes"].path
    images = finished.table("probe_images")

    assert set(images["image_id"]) == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*.png")
    }
    for image in images.itertuples():
        path = folder / image.image_id
        assert (image.probe, image.uri, image.label) == ("scenes", str(path), path.parent.name)
        assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (image.width_px, image.height_px) == Image.open(path).size


@pytest.mark.parametrize(("share", "n_held_out"), [("0.0", {0}), ("0.5", set(range(15, 46)))])
def test_the_study_says_how_many_are_held_out(empty, share, n_held_out):
    empty.file.write_text(
        empty.file.read_text().replace("[select]", f"[select]\nheld_out_share = {share}")
    )

    empty.of_model("cnn", "probe_images")

    assert empty.table("probe_images")["is_held_out"].sum() in n_held_out


def test_images_that_targets_share_are_listed_once_and_noted_for_both(empty):
    result = empty.of_model("cnn", "probe_images")

    assert len(empty.table("probe_images")) == N_IMAGES
    notes = empty.table("provenance", stage="probe_images")
    assert notes["model"].tolist() == ["cnn", "vit"]
    assert notes["output_hash"].nunique() == 1
    events = result.asset_materializations_for_node("probe_images")
    assert {event.partition for event in events} == {"cnn", "vit"}
    assert set(notes["run_id"]) == {result.run_id}
    empty.of_model("vit", "probe_images")
    assert run_of(empty, "vit") == result.run_id, "there was nothing left to do"


def test_a_folder_as_it_was_listed_is_not_listed_again(with_own_scenes):
    study, _ = with_own_scenes
    before = run_of(study)

    study.of_model("cnn", "probe_images")

    assert run_of(study) == before


def added(folder):
    Image.new("RGB", (64, 64), "red").save(folder / "cat" / "aa.png")


def removed(folder):
    min(folder.rglob("*.png")).unlink()


def renamed(folder):
    first = min(folder.rglob("*.png"))
    first.rename(first.with_name("zz.png"))


def painted_over(folder):
    Image.new("RGB", (64, 64), "red").save(min(folder.rglob("*.png")))


@pytest.mark.parametrize("change", [added, removed, renamed, painted_over])
def test_what_has_changed_in_the_folder_is_listed_anew(with_own_scenes, change):
    study, folder = with_own_scenes
    (folder / "cat").mkdir(exist_ok=True)
    before = run_of(study)
    change(folder)

    study.of_model("cnn", "probe_images")

    assert run_of(study) != before
    images = listed(study)
    paths = sorted(folder.rglob("*.png"), key=lambda path: path.relative_to(folder).as_posix())
    assert images["uri"].tolist() == [str(path) for path in paths]
    assert images["position"].tolist() == list(range(len(paths)))
    assert images["sha256"].tolist() == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    ]


def test_the_state_of_the_folder_is_among_the_settings(with_own_scenes):
    study, folder = with_own_scenes

    def state():
        return probe_images.recipe(study.bench(), "cnn").settings[PROBE_STATE]

    before = state()
    assert state() == before
    painted_over(folder)
    assert state() != before


def test_an_unreadable_image_is_left_out_and_counted(finished, tmp_path, empty):
    scenes = finished.bench().study.probes["scenes"].path
    for name in ("once", "again"):  # one in a hundred may be unreadable
        shutil.copytree(scenes, tmp_path / "scenes" / name)
    broken = sorted((tmp_path / "scenes").rglob("*.png"))[7]
    broken.write_bytes(broken.read_bytes()[:200])
    (tmp_path / "other").mkdir()
    other = empty.anew(tmp_path / "other", {str(scenes): str(tmp_path / "scenes")})

    result = other.of_model("cnn", "probe_images", "probe_pass")

    events = result.asset_materializations_for_node("probe_images")
    assert {event.partition for event in events} == {"cnn", "vit"}  # which share the images
    told = failing_checks(result)["probe_images", "readable", "cnn"]
    assert told.severity == dg.AssetCheckSeverity.WARN
    assert f"got 1 of {2 * N_IMAGES} (0.83 %)" in told.description
    assert repr(broken.relative_to(tmp_path / "scenes").as_posix()) in told.description
    images = other.table("probe_images")
    assert str(broken) not in set(images["uri"])
    assert images["position"].tolist() == list(range(2 * N_IMAGES - 1))
    assert other.table("failures").empty, "it keeps nothing that follows from running"
    assert other.table("probe_passes", model="cnn")["n_images"].tolist() == [2 * N_IMAGES - 1]


def test_a_repaired_image_is_told_of_no_more(with_own_scenes):
    study, folder = with_own_scenes
    shutil.copytree(folder, folder.parent / "copy")
    shutil.move(folder.parent / "copy", folder)  # one in a hundred may be unreadable
    broken = min(folder.rglob("*.png"))
    whole = broken.read_bytes()
    broken.write_bytes(whole[:200])
    told = []

    for content in (whole[:200], whole):
        broken.write_bytes(content)
        result = study.of_model("cnn", "probe_images")
        told += [
            one.passed
            for one in result.get_asset_check_evaluations()
            if one.check_name == "readable" and not one.partition
        ]

    assert told == [False, True]
    assert str(broken) in set(study.table("probe_images")["uri"])


def test_a_folder_with_too_much_that_is_unreadable_is_not_listed(with_own_scenes):
    study, folder = with_own_scenes
    before = study.table("probe_images")
    for path in sorted(folder.rglob("*.png"))[:2]:  # of 60
        path.write_bytes(b"no picture")

    with pytest.raises(ValueError, match=r"at most 1 % of the 60 images .* got 2 "):
        study.of_model("cnn", "probe_images")

    assert_same_rows(study.table("probe_images"), before, tolerance=0)


def test_a_folder_that_is_gone_is_named(with_own_scenes):
    study, folder = with_own_scenes
    bench = study.bench()
    assert bench.study.probes["scenes"].path == folder
    shutil.rmtree(folder)

    with pytest.raises((OSError, ValueError), match=folder.name):
        study.of_model("cnn", "probe_images")


def test_the_embedded_worlds_probe_set_is_rendered_into_the_results(finished, tmp_path):
    other = of_a_world(finished, tmp_path / "other")

    other.of_model("cnn", "probe_images")

    images = other.table("probe_images")
    assert len(images) == 9
    assert all(Path(uri).is_relative_to(other.data) for uri in images["uri"])
    assert Image.open(images["uri"][0]).size == (64, 64)


def test_what_was_rendered_stays_and_what_is_gone_is_rendered_alike(finished, tmp_path):
    study = of_a_world(finished, tmp_path / "other")
    study.of_model("cnn", "probe_images")
    first, folder = listed(study), study.bench().image_set("scenes").path
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}

    study.of_model("cnn", "probe_images")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")} == times
    shutil.rmtree(folder)
    study.of_model("cnn", "probe_images")

    assert len(times) == 9
    assert_same_rows(listed(study), first, tolerance=0)
    assert all(Path(uri).is_file() for uri in first["uri"])


def test_a_probe_sets_folder_is_the_users_or_lies_in_the_results(finished, tmp_path):
    own = finished.bench().study.probes["scenes"].path
    nine, ten = (of_a_world(finished, tmp_path / str(n), n).bench() for n in (9, 10))

    assert finished.bench().image_set("scenes").path == own
    folders = [bench.image_set("scenes").path for bench in (nine, ten)]
    assert [folder.parent for folder in folders] == [nine.rendered_probes, ten.rendered_probes]
    assert folders[0].name != folders[1].name, "another number is another probe set"
    assert not any(folder.exists() for folder in folders), "asking renders nothing"


def test_images_are_read_by_position(finished):
    images = read_probe(finished.bench(), "scenes")

    assert images["position"].tolist() == list(range(N_IMAGES))
    assert_same_rows(images, listed(finished), tolerance=0)


def test_a_probe_set_of_which_nothing_is_stored_is_refused(empty):
    with pytest.raises(LookupError, match=r"'scenes', got none stored\. Materialize probe_images"):
        read_probe(empty.bench(), "scenes")
