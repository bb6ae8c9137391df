"""The probe set's folder: made once, whole or not at all, labelled by object."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.listing import list_images
from sieve_assets.terrarium import probe, workers
from sieve_assets.terrarium.probe import EMPTY, class_labels, render_probe, scenes_of
from sieve_assets.terrarium.renderer import draw_scene
from sieve_assets.terrarium.scenes import OBJECT_SHARE, biased_scenes
from sieve_assets.terrarium.styles import STYLES
from sieve_assets.terrarium.targets import class_of

N_IMAGES = 12


def test_every_scene_is_there_under_its_object_s_name(tmp_path):
    folder = render_probe(tmp_path, n_images=N_IMAGES, seed=4, style="plain")

    scenes = biased_scenes(N_IMAGES, seed=4, object_share=OBJECT_SHARE)
    files = sorted(folder.rglob("*.png"), key=lambda file: file.name)
    assert {scene.thing is None for scene in scenes} == {True, False}
    for scene, file in zip(scenes, files, strict=True):
        assert file.parent.name == (scene.thing.name if scene.thing else EMPTY)
        with Image.open(file) as image:
            assert np.array_equal(image, draw_scene(scene).image)


def test_the_store_lists_the_folder_with_its_labels(tmp_path):
    folder = render_probe(tmp_path, n_images=N_IMAGES, seed=4, style="plain")

    images, problems = list_images(Folder(folder))

    assert problems.empty
    scenes = biased_scenes(N_IMAGES, seed=4, object_share=OBJECT_SHARE)
    assert sorted(images["label"]) == sorted(s.thing.name if s.thing else EMPTY for s in scenes)


def test_many_are_written_by_several_processes_and_are_the_same(tmp_path, monkeypatch):
    alone = render_probe(tmp_path / "alone", n_images=5, seed=4, style="plain")
    monkeypatch.setattr(probe, "TOGETHER", 2)
    monkeypatch.setattr(workers, "N_WORKERS", 2)

    together = render_probe(tmp_path / "together", n_images=5, seed=4, style="plain")

    contents = [
        {file.name: file.read_bytes() for file in folder.rglob("*.png")}
        for folder in (alone, together)
    ]
    assert len(contents[0]) == 5
    assert contents[0] == contents[1]


def test_a_folder_is_made_once(tmp_path):
    folder = render_probe(tmp_path, n_images=2, seed=0, style="plain")
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}

    assert render_probe(tmp_path, n_images=2, seed=0, style="plain") == folder
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before


def test_other_settings_have_other_folders(tmp_path):
    folders = {
        render_probe(tmp_path, n_images=n_images, seed=seed, style=style)
        for n_images in (1, 2)
        for seed in (0, 1)
        for style in ("plain", "sepia")
    }

    assert len(folders) == 8
    assert set(tmp_path.iterdir()) == folders


def test_an_interrupted_rendering_leaves_nothing_and_the_next_one_everything(tmp_path, monkeypatch):
    save, saved = Image.Image.save, []

    def save_until_full(image, path, **options):
        saved.append(path)
        if len(saved) == 3:
            raise OSError("no space left on device")
        save(image, path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", save_until_full)
        with pytest.raises(OSError, match="no space left"):
            render_probe(tmp_path, n_images=5, seed=0, style="plain")
    assert list(tmp_path.iterdir()) == []

    assert len(list(render_probe(tmp_path, n_images=5, seed=0, style="plain").rglob("*.png"))) == 5


def test_several_at_once_make_one_whole_folder(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(render_probe, tmp_path, n_images=5, seed=0, style="plain") for _ in range(4)
        ]
        folders = {run.result() for run in runs}

    assert set(tmp_path.iterdir()) == folders
    assert len(list(folders.pop().rglob("*.png"))) == 5


def test_a_style_changes_the_pictures_and_not_what_they_show(tmp_path):
    plain, outlined = (
        render_probe(tmp_path, n_images=N_IMAGES, seed=4, style=style)
        for style in ("plain", "outlined")
    )

    files = sorted(file.relative_to(plain) for file in plain.rglob("*.png"))
    assert files == sorted(file.relative_to(outlined) for file in outlined.rglob("*.png"))
    for file in files:
        with Image.open(plain / file) as image, Image.open(outlined / file) as other:
            assert np.array_equal(other, STYLES["outlined"](np.asarray(image)))


def test_images_are_known_by_the_numbers_in_their_names(tmp_path):
    folder = render_probe(tmp_path, n_images=N_IMAGES, seed=4, style="plain")
    images, _ = list_images(Folder(folder))

    scenes = scenes_of(list(images["image_id"]), n_images=N_IMAGES, seed=4)

    assert [scene.thing.name if scene.thing else EMPTY for scene in scenes] == [*images["label"]]


def test_classes_are_labelled_in_the_order_of_the_targets():
    labels = class_labels()

    for scene in biased_scenes(200, seed=0, object_share=OBJECT_SHARE):
        assert labels[class_of(scene)] == (scene.thing.name if scene.thing else EMPTY)
