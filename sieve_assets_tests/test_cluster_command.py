"""`sieve cluster-demo`: the same results as without a cluster, and what is missing is named."""

import shutil
import socket
import sys
from functools import partial

import pytest
from click.testing import CliRunner

from sieve_assets.cli import main
from sieve_assets.cluster import local, servers
from sieve_assets.cluster.local import local_cluster
from sieve_assets_tests.server import HURRIED_DAEMON


@pytest.fixture
def study(finished, monkeypatch, tmp_path):
    """The tiny study with its results, which the environment leads to."""
    study = finished.changed(tmp_path)
    monkeypatch.setenv("SIEVE_STUDY", str(study.file))
    monkeypatch.setenv("SIEVE_DATA", str(study.data))
    return study


def cluster_demo(*options):
    return CliRunner().invoke(main, ["cluster-demo", *options], env={"COLUMNS": "200"})


@pytest.mark.cluster
def test_a_study_done_on_a_cluster_is_the_same(study, monkeypatch):
    hurried = partial(local_cluster, daemon=["-c", HURRIED_DAEMON])
    monkeypatch.setattr(local, "local_cluster", hurried)
    ports = []
    monkeypatch.setattr(servers, "free_port", lambda: ports.append(free_port()) or ports[-1])

    result = cluster_demo("--workers", "3", "--neurons-a-run", "4")

    assert result.exit_code == 0, result.output
    n_pictures = len(study.table("pictures"))
    assert f"{n_pictures} pictures, " in result.output
    assert "no differences" in result.output
    for port in ports:
        with socket.socket() as one:
            assert one.connect_ex((servers.HOST, port)) != 0, "nothing is left running"
    assert len(study.table("pictures")) == n_pictures, "what was there is as it was"


free_port = servers.free_port


def test_a_missing_server_is_named(study, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(servers, "_DEBIAN_FOLDERS", "/nowhere/*")
    result = cluster_demo()
    assert result.exit_code == 1
    assert "Error: servers: expected PostgreSQL's server" in result.output
    assert "apt-get install postgresql" in result.output
    assert (study.data / "sieve.duckdb").exists()


@pytest.mark.usefixtures("study")
def test_missing_packages_are_named(monkeypatch):
    for name in ("sieve_assets.cluster.local", "sieve_assets.cluster.backfills"):
        monkeypatch.setitem(sys.modules, name, None)
    result = cluster_demo()
    assert result.exit_code == 1
    assert "Install sieve_assets[cluster-demo]" in result.output
