"""The atlas opened, packed and served, and the UI that ends all that it started."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile

import click
import pytest
from click.testing import CliRunner

from sieve_assets import look_commands
from sieve_assets.cli import main
from sieve_assets.look_commands import HOST, _atlas_server
from sieve_assets_tests.dagster_client import until
from sieve_assets_tests.server import ROOT, free_port

UI = [sys.executable, "-c", "from sieve_assets.cli import main; main()", "ui"]
IN_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
"""Starts a command as scripts do with `&`: Ctrl-C is ignored."""


def surroundings(study):
    return {
        "SIEVE_STUDY": str(study.file),
        "SIEVE_DATA": str(study.data),
        "DAGSTER_HOME": "",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser is asked to open."""
    found = []
    monkeypatch.setattr(look_commands.webbrowser, "open", found.append)
    return found


def atlas(study, *arguments):
    return CliRunner(env=surroundings(study)).invoke(main, ["atlas", *map(str, arguments)])


def test_the_atlas_opens_from_disk_at_all_targets_or_at_one(finished, opened):
    assert atlas(finished).exit_code == 0
    assert atlas(finished, "vit").exit_code == 0
    folder = finished.bench().atlas
    expected = [folder / "index.html", folder / "vit" / "index.html"]
    assert opened == [page.as_uri() for page in expected]


def test_an_unknown_target_is_answered_with_the_known_ones(finished, opened):
    result = atlas(finished, "vti")
    assert result.exit_code == 1
    assert "there is one of cnn, vit. Materialize neuron_atlas: `sieve run` does." in result.output
    assert opened == []


def test_without_an_atlas_one_is_told_how_to_make_it(finished, tmp_path, opened):
    result = atlas(finished.anew(tmp_path))
    assert result.exit_code == 1
    assert "there is none. Materialize neuron_atlas: `sieve run` does." in result.output
    assert opened == []


@pytest.mark.parametrize("name", ["sent.zip", "sent", "of.two.dots.zip", "version.2"])
def test_it_is_packed_with_all_that_it_needs(finished, tmp_path, opened, name):
    result = atlas(finished, "--out", tmp_path / "new" / name)
    packed = tmp_path / "new" / (name if name.endswith(".zip") else f"{name}.zip")
    assert result.output.startswith(f"{packed}: unpack it and open atlas/index.html")
    assert opened == []
    folder = finished.bench().atlas
    with zipfile.ZipFile(packed) as file:
        found = {one: file.read(one) for one in file.namelist() if not one.endswith("/")}
    assert found == {
        one.relative_to(folder.parent).as_posix(): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file()
    }


def asked(port, path):
    """Status and content of an address of this machine; None if nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()
    except OSError:
        return None
    finally:
        connection.close()


@pytest.fixture
def served(finished):
    """A server of the atlas on a free port."""
    with _atlas_server(finished.bench().atlas, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_its_pages_are_served_and_nothing_beside_them(finished, served, capfd):
    page = "cnn/neurons/0003.html"
    expected = (finished.bench().atlas / page).read_bytes()
    assert asked(served.server_port, f"/{page}?a=1") == (200, expected)
    for path in ("/none.html", "/../../sieve.duckdb", "/%2e%2e/%2e%2e/sieve.duckdb"):
        assert asked(served.server_port, path)[0] == 404
    assert capfd.readouterr().err == ""


def test_it_is_served_to_this_machine_alone(served):
    assert served.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_refused_with_the_way_out(finished, served, tmp_path):
    for folder in (finished.bench().atlas, tmp_path):
        with pytest.raises(click.ClickException) as refused:
            _atlas_server(folder, served.server_port)
        told = refused.value.message
        assert f"expected port {served.server_port} to be free for the neuron atlas" in told
        assert "--atlas-port" in told


class Reader(threading.Thread):
    """Reads what a process and all that it starts say; it ends when the last of them does."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.said = process, []
        self.start()

    def run(self):
        self.said.extend(self.process.stdout)


@contextlib.contextmanager
def running_ui(study, home, *arguments, started=()):
    """`sieve ui` as a shell starts it; nothing is left of it."""
    process = subprocess.Popen(
        [*started, *UI, *map(str, arguments)],
        cwd=home.parent,
        env=os.environ | surroundings(study) | {"DAGSTER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, Reader(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("ending", ["terminated", "by_ctrl_c", "terminated_in_the_background"])
def test_the_ui_serves_both_and_ends_with_all_that_it_started(finished, tmp_path, ending):
    study = finished.changed(tmp_path)
    port, atlas_port = free_port(), free_port()
    ports = ("--port", port, "--atlas-port", atlas_port)
    started = IN_BACKGROUND if ending.endswith("background") else ()
    with running_ui(study, tmp_path / "home", *ports, started=started) as (process, reader):

        def content(at, path):
            assert process.poll() is None, "".join(reader.said)
            reply = asked(at, path)
            return reply[1] if reply and reply[0] == 200 else None

        page = until(lambda: content(atlas_port, "/cnn/index.html"), "the atlas")
        assert page == (study.bench().atlas / "cnn" / "index.html").read_bytes()
        told = until(lambda: content(port, "/server_info"), "Dagster's UI")
        assert "dagster_version" in json.loads(told)
        assert reader.is_alive()

        if ending == "by_ctrl_c":  # as a terminal does: to all of them
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=90)
        reader.join(timeout=60)
        assert not reader.is_alive()
        assert asked(atlas_port, "/") is None
        assert asked(port, "/server_info") is None


def test_a_port_that_is_taken_keeps_the_ui_from_starting(finished, tmp_path):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        home = {"DAGSTER_HOME": str(tmp_path / "home")}
        runner = CliRunner(env=surroundings(finished) | home)
        result = runner.invoke(main, ["ui", "--atlas-port", str(port)])
    assert result.exit_code == 1
    assert f"expected port {port} to be free for the neuron atlas" in result.output
