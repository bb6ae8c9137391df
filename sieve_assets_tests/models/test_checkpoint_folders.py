"""Folders of checkpoints and names on a hub."""

from pathlib import Path

import huggingface_hub
import pytest

from sieve_assets.models.checkpoint_folders import checkpoint_folder, checkpoint_hash


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that gives empty files: `hub(name, file, ...)` says which a name has."""
    held, asked = {}, []

    def download(name, *, allow_patterns):
        asked.append((name, *allow_patterns))
        if name not in held:
            raise OSError("there is no network")
        folder = tmp_path / name.replace("/", "--")
        folder.mkdir(exist_ok=True)
        for file in held[name]:
            if any(Path(file).match(pattern) for pattern in allow_patterns):
                (folder / file).write_text(file)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)

    def hold(name, *files):
        held[name] = files
        return asked

    return hold


def test_a_folder_is_itself_whether_path_or_text(tmp_path):
    assert checkpoint_folder(tmp_path) == checkpoint_folder(str(tmp_path)) == tmp_path


def test_a_name_is_fetched_once_without_weights_of_other_libraries(hub):
    asked = hub("some/model-a", "config.json", "model.safetensors", "tf_model.h5", "x.bin")
    folder = checkpoint_folder("some/model-a")
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert checkpoint_folder("some/model-a") == folder
    assert len(asked) == 1


def test_weights_of_the_older_format_are_taken_where_there_are_no_others(hub):
    hub("some/model-b", "config.json", "vocab.txt", "pytorch_model.bin")
    names = {file.name for file in checkpoint_folder("some/model-b").iterdir()}
    assert names == {"config.json", "vocab.txt", "pytorch_model.bin"}


def test_a_name_without_weights_is_refused(hub):
    hub("some/model-c", "config.json", "model.gguf")
    with pytest.raises(LookupError, match=r"expected weights in .*got none of 'some/model-c'"):
        checkpoint_folder("some/model-c")


def test_what_cannot_be_fetched_is_told_with_the_reason(hub):
    hub("some/other")
    with pytest.raises(LookupError, match=r"'some/model-d' \(there is no network\). Fetch it"):
        checkpoint_folder("some/model-d")


def test_a_path_that_is_not_there_is_never_looked_for_on_the_hub(hub, tmp_path):
    asked = hub("some/other")
    with pytest.raises(LookupError, match=r"expected a folder .*nowhere, where there is none"):
        checkpoint_folder(tmp_path / "nowhere")
    assert asked == []


def test_the_hash_is_of_content_and_not_of_the_place(tmp_path):
    one, other, third = (tmp_path / name for name in "abc")
    for folder, text in ((one, "x"), (other, "x"), (third, "y")):
        folder.mkdir()
        (folder / "model.safetensors").write_text(text)
    assert checkpoint_hash(one) == checkpoint_hash(other) != checkpoint_hash(third)
