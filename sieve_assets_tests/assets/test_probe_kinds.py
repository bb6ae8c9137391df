"""The same images as every kind of probe set: every kind gives the same patches."""

import io
import tarfile

import datasets
import fsspec
import pytest

LABEL = "a label"


def of_files(study):
    """The tiny study's scenes: names and bytes."""
    folder = study.bench().study.probes["scenes"].path
    return folder, sorted(path for path in folder.rglob("*.png"))


def as_shards(files, folder):
    with tarfile.open(folder / "scenes-000.tar", "w") as tar:
        for path in files:
            tar.add(path, path.name)
            note = tarfile.TarInfo(f"{path.stem}.cls")
            note.size = len(LABEL)
            tar.addfile(note, io.BytesIO(LABEL.encode()))
    return f'kind = "webdataset"\nshards = "{folder}/scenes-*.tar"'


def as_parquet(files, folder):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    rows = [{"image": {"bytes": path.read_bytes(), "path": None}, "label": LABEL} for path in files]
    data = datasets.Dataset.from_list(rows, features=features)
    data.to_parquet(folder / "dataset" / "val.parquet")
    return (
        f'kind = "datasets"\ndataset = "{folder}/dataset"\nsplit = "validation"\n'
        'label_column = "label"\nstreaming = true'
    )


def as_address(files, _folder):
    system = fsspec.filesystem("memory")
    for path in files:
        system.pipe(f"/{LABEL}/{path.name}", path.read_bytes())
    return f'kind = "folder"\npath = "memory://{LABEL}"'


def as_image_folder(files, folder):
    (folder / "root" / LABEL).mkdir(parents=True)
    for path in files:
        (folder / "root" / LABEL / path.name).write_bytes(path.read_bytes())
    root = f"{folder}/root"
    args = "args = {allow_empty = false}"
    return f'kind = "torchvision"\ndataset = "ImageFolder"\nroot = "{root}"\n{args}'


@pytest.mark.parametrize("kind", [as_shards, as_parquet, as_address, as_image_folder])
def test_another_kind_of_probe_set_with_the_same_images_gives_the_same_patches(
    finished, tmp_path, kind
):
    folder, files = of_files(finished)
    given = f'kind = "folder"\npath = "{folder}"'
    held_out = {"n_samples = 6": "n_samples = 6\nheld_out_share = 0.0"}
    studies = []
    for name, changes in (("one", {}), ("two", {given: kind(files, tmp_path)})):
        (tmp_path / name).mkdir()
        study = finished.anew(tmp_path / name, {**changes, **held_out})
        study.of_model("cnn", "probe_images", "probe_pass")
        study.of_model(
            "cnn", "probe_activations", "neuron_ratios", "selected_samples", "patch_embeddings"
        )
        studies.append(study)

    shown = []
    for study in studies:
        images = study.table("probe_images").set_index("image_id")
        patches = study.table("patch_embeddings", model="cnn")
        hashes = images.loc[patches["image_id"], "sha256"].to_numpy()
        shown.append(patches.assign(image=hashes)[["neuron", "rank", "image", "uri"]])
    assert len(shown[0]) > 0
    assert shown[1].to_dict("records") == shown[0].to_dict("records")
    if kind is not as_image_folder:
        assert set(studies[1].table("probe_images")["label"]) == {LABEL}
