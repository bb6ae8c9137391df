"""What every test shares: one CPU thread, no network, and a study file that is right to make wrong.

Imports nothing of ours at the top: array shapes are checked in modules imported after pytest's
options are read.
"""

import os
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest

# Before torch is imported: small tensors are faster on one thread, and results the same anywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SIEVE_DEVICE", "cpu")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("sieve", deadline=None)
hypothesis.settings.load_profile("sieve")

LONGEST = ("test_backfills", "test_operating", "test_killing", "test_flows", "test_demo")
"""Modules that begin first, so that none of them runs alone at the end (minutes each)."""
SECRET = "no%one's password"  # noqa: S105 (of a server that lives as long as the tests)
"""What nobody may find in a log, an error or a row."""
STUDY = """\
[targets.small]
network = "timm:resnet18"
network_args = {channels = [4, 4, 8, 8], layers = [1, 1, 1, 1]}
weights = "small.safetensors"
n_classes = 3
layer = "layer4"
reducer = "mean"
width = 8
maps = "feature_map"
rule = "ratio"
transform = {resize_px = 32, crop_px = 32, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5]}
probe = "scenes"

[probes.scenes]
kind = "terrarium"

[probes.photos]
kind = "folder"
path = "photos"

[concepts]
file = "concepts.txt"

[vision_language]
model = "clip"

[generator]
pipeline = "drawer"
steps = 2
guidance = 3
size_px = 32
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; `make test` keeps this order."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


class StudyFolder:
    """A folder with a study file that is right, and everything it names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "sieve.toml"
        for folder in ("photos", "clip", "drawer"):
            (root / folder).mkdir()
        (root / "small.safetensors").touch()
        (root / "concepts.txt").write_text("dog\n")
        self.file.write_text(STUDY)

    def change(self, old: str, new: str) -> Path:
        """Replace a piece of the study file, which must be there once."""
        text = self.file.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        self.file.write_text(text.replace(old, new))
        return self.file


@pytest.fixture
def study_folder(tmp_path: Path) -> StudyFolder:
    root = tmp_path / "study"
    root.mkdir()
    return StudyFolder(root)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A tiny study of two random networks, all stages run; for tests that only read it."""
    from sieve_assets_tests.studies import make_tiny_study  # noqa: PLC0415 (see above)

    return make_tiny_study(tmp_path_factory.mktemp("tiny")).everything()


@pytest.fixture(scope="session")
def without_vit(finished):
    """The change that leaves the tiny study its CNN alone."""
    text = finished.file.read_text()
    return {text[text.index("[targets.vit]") : text.index("[probes")]: ""}


@pytest.fixture
def checked_study(study_folder):
    """A study of two targets whose weights are those of a real network."""
    import timm  # noqa: PLC0415 (see above)
    from safetensors.torch import save_file  # noqa: PLC0415 (see above)

    network = timm.create_model(
        "resnet18", num_classes=3, channels=[4, 4, 8, 8], layers=[1, 1, 1, 1]
    )
    save_file(network.state_dict(), study_folder.root / "small.safetensors")
    text = study_folder.file.read_text()
    second = text[: text.index("[probes")].replace("[targets.small]", "[targets.other]")
    study_folder.file.write_text(text + second)
    return study_folder


@pytest.fixture(scope="session")
def methods(finished, tmp_path_factory):
    """The tiny study whose names come from several methods, all judged; only to be read."""
    from sieve_assets_tests.methods import judged_study  # noqa: PLC0415 (as said above)

    return judged_study(finished, tmp_path_factory.mktemp("methods"))


@pytest.fixture(scope="session")
def named(finished, tmp_path_factory):
    """The tiny study with names and verdicts by lot; for tests that only read it."""
    from sieve_assets_tests.names_by_lot import name_by_lot  # noqa: PLC0415 (as said above)

    return name_by_lot(finished.changed(tmp_path_factory.mktemp("named")))


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server that is ended with the tests: its executor, and a database of it."""
    from sieve_assets.cluster.servers import Database, free_port, postgresql  # noqa: PLC0415

    database = Database(free_port(), "sieve", SECRET)
    with TemporaryDirectory(prefix="sieve-postgresql-") as folder:
        Path(folder).chmod(0o755)  # so that PostgreSQL's user can enter it
        with postgresql(Path(folder) / "server", database) as server:
            yield server, database


@pytest.fixture(scope="session")
def object_storage(tmp_path_factory):
    """A server that speaks S3, ended with the tests; the environment leads to it, and lets in."""
    from sieve_assets.cluster import servers  # noqa: PLC0415 (it imports psycopg2)

    port = servers.free_port()
    with (
        servers.object_storage(tmp_path_factory.mktemp("s3"), port) as server,
        pytest.MonkeyPatch.context() as patched,
    ):
        for name, value in servers.storage_environment(port).items():
            patched.setenv(name, value)
        yield server


@pytest.fixture
def bucket(request):
    """The address of an empty bucket."""
    request.getfixturevalue("object_storage")
    from sieve_assets.cluster.servers import make_bucket  # noqa: PLC0415 (as above)

    return make_bucket(f"bucket-{uuid.uuid4().hex}")


@pytest.fixture
def lake(postgres, tmp_path, monkeypatch):
    """A DuckLake in a database of its own, not made yet, its files in a folder."""
    from sieve_assets.cluster.servers import created  # noqa: PLC0415 (it imports psycopg2)
    from sieve_assets.stores.lake import DuckLake  # noqa: PLC0415 (as above)

    _, database = postgres
    monkeypatch.setenv("PGPASSWORD", SECRET)
    catalogue = created(database, f"lake_{uuid.uuid4().hex}")
    return DuckLake(catalogue.words, str(tmp_path / "files"), 30.0)
