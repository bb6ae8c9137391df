"""The commands `sieve atlas` and `sieve ui`: where people look at what a study has found."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

HOST = "127.0.0.1"
"""Both servers are for this machine alone."""


@click.command()
@click.argument("target", required=False)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Pack the atlas into this zip file, to send it; nothing is opened then.",
)
def atlas(target: str | None, out: Path | None) -> None:
    """Open the neuron atlas from disk, at TARGET or at all targets, or pack it to be sent."""
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (seconds to import)

    folder = Workbench().atlas
    page = folder.joinpath(*filter(None, [target]), "index.html")
    if not page.is_file():
        known = sorted(one.parent.parent.name for one in folder.glob("*/index/neurons.js"))
        there = f"there is one of {', '.join(known)}" if known else "there is none"
        raise click.ClickException(
            f"expected an atlas at {page}, {there}. Materialize neuron_atlas: `sieve run` does."
        )
    if out:
        stem = out.with_suffix("") if out.suffix == ".zip" else out
        packed = shutil.make_archive(str(stem), "zip", folder.parent, folder.name)
        click.echo(f"{packed}: unpack it and open {folder.name}/index.html")
        return
    click.echo(f"{page}")
    webbrowser.open(page.as_uri())


@click.command()
@click.option("--port", default=3000, show_default=True, help="Of the Dagster UI.")
@click.option("--atlas-port", default=3001, show_default=True, help="Of the neuron atlas.")
@click.option(
    "--workspace",
    type=click.Path(exists=True, dir_okay=False),
    help="Dagster's workspace file; the study's code location alone if absent.",
)
def ui(port: int, atlas_port: int, workspace: str | None) -> None:
    """Serve the Dagster UI over the study, and the atlas that its links lead to, until Ctrl-C."""
    from sieve_assets.assets.resources import Workbench  # noqa: PLC0415 (seconds to import)
    from sieve_assets.demo import dagster_home  # noqa: PLC0415 (as above)

    bench = Workbench()
    dagster_home(bench)
    server = _atlas_server(bench.atlas, atlas_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served = f"http://{HOST}:{server.server_port}"
    click.echo(f"The neuron atlas: {served}")
    where = ["--workspace", workspace] if workspace else ["-m", "sieve_assets.definitions"]
    # Where it is ignored, as behind `nohup` or `&`, Dagster's processes would not heed it either.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    dagster = subprocess.Popen(  # noqa: S603 (a command of our own)
        [sys.executable, "-m", "dagster", "dev", *where, "--host", HOST, "--port", str(port)],
        env={**os.environ, "SIEVE_ATLAS_URL": os.environ.get("SIEVE_ATLAS_URL", served)},
    )
    signal.signal(signal.SIGTERM, lambda *_: dagster.terminate())
    signal.signal(signal.SIGINT, lambda *_: dagster.send_signal(signal.SIGINT))
    status = dagster.wait()
    server.shutdown()
    raise SystemExit(max(status, 0))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing of each file that is asked for."""


def _atlas_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the atlas's folder, which need not be there yet.

    Raises:
        ClickException: Something else has the port.
    """
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise click.ClickException(
            f"expected port {port} to be free for the neuron atlas, got: {error.strerror}. "
            "End what uses it, or say another: --atlas-port."
        ) from error
