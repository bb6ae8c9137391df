"""The atlas's folder: where its files are, what they are called, and writing what has changed.

Not here: what is in them. A file that was made from the same before is left as it is.
"""

import hashlib
import json
import re
import threading
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from sieve_assets.stores.content_files import sha256_of, write_changed
from sieve_assets.study import Study

LEAST_DIGITS = 4
"""Of a neuron in the name of its page: as in partition keys."""
_SLUG_LETTERS, _SLUG_DIGITS = 40, 8
_BEFORE_VEGA, _AFTER_VEGA = "(() => {\n", "\n})();\n"
"""Its bundle is a module, which a browser does not load from disk; in a function it need not be."""


class Made(NamedTuple):
    """A file of the site."""

    path: str
    """Relative to the site's folder."""
    made_from: str
    """SHA-256 of everything that it was made from."""
    sha256: str
    """Of its content."""
    n_bytes: int


@dataclass
class Site:
    """The site's folder while one of its targets is written.

    Attributes:
        root: The folder.
        known: What was written for the target before, by path.
        made: What belongs to the target now, by path.
        n_written: Files that were not there before, or had another content.
    """

    root: Path
    known: Mapping[str, Made]
    made: dict[str, Made] = field(default_factory=dict, init=False)
    n_written: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def put(self, path: str, content: bytes | str) -> None:
        """Write a file unless it is there with this content."""
        encoded = content.encode() if isinstance(content, str) else content
        sha256 = sha256_of(encoded)
        self._take(Made(path, sha256, sha256, len(encoded)), encoded)

    def put_data(self, path: str, key: str, value: object) -> None:
        """Write a script that gives the pages a value."""
        self.put(path, data_script(key, value))

    def keep(self, path: str, made_from: object, make: Callable[[], bytes | str]) -> None:
        """Write a file that takes long to make, unless it was made from the same before.

        Args:
            path: Relative to the site's folder.
            made_from: What it depends on, as JSON can say it.
            make: Makes its content.
        """
        digest = hashlib.sha256(json_text(made_from).encode()).hexdigest()
        known = self.known.get(path)
        if known and known.made_from == digest and self._has(known):
            with self._lock:
                self.made[path] = known
            return
        content = make()
        encoded = content.encode() if isinstance(content, str) else content
        self._take(Made(path, digest, sha256_of(encoded), len(encoded)), encoded)

    def remove(self, paths: Collection[str]) -> None:
        """Delete files that belong to no target any more."""
        for path in paths:
            (self.root / path).unlink(missing_ok=True)

    def _take(self, made: Made, content: bytes) -> None:
        is_new = write_changed(self.root / made.path, content)
        with self._lock:
            self.made[made.path] = made
            self.n_written += is_new

    def _has(self, made: Made) -> bool:
        file = self.root / made.path
        return file.is_file() and file.stat().st_size == made.n_bytes


def files_known(rows: pd.DataFrame) -> dict[str, Made]:
    """What the rows of a target in `atlas_pages` say, by path."""
    columns = [rows[name].tolist() for name in Made._fields]
    return {path: Made(path, *values) for path, *values in zip(*columns, strict=True)}


def files_made(site: Site, model: str) -> pd.DataFrame:
    """The rows of `atlas_pages`: the files that belong to a target."""
    rows = [{"model": model, **made._asdict()} for _, made in sorted(site.made.items())]
    return pd.DataFrame(rows)


def write_targets(root: Path, study: Study) -> None:
    """Write `targets.js`: the targets of a study that have an index, and which have a report."""
    listed = [
        {
            "name": name,
            "folder": name,
            "network": target.network,
            "layer": target.layer,
            "width": target.width,
            "has_report": (root / name / "report.html").is_file(),
        }
        for name, target in study.targets.items()
        if (root / name / "index" / "neurons.js").is_file()
    ]
    write_changed(root / "targets.js", data_script("targets", listed).encode())


def data_script(key: str, value: object) -> str:
    """A script that gives the pages a value: unlike a file of data, it loads without a server."""
    return f"atlas.put({json.dumps(key)}, {json_text(value)});\n"


def neuron_file(neuron: int, width: int) -> str:
    """What the files of a neuron are called, without an ending: padded so that names sort."""
    return f"{neuron:0{max(LEAST_DIGITS, len(str(width - 1)))}d}"


@cache
def slug(concept: str) -> str:
    """What the files of a concept are called: legible letters, and a hash so that none collide."""
    plain = unicodedata.normalize("NFKD", concept).encode("ascii", "ignore").decode().lower()
    legible = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LETTERS].strip("-")
    digest = sha256_of(concept.encode(errors="surrogatepass"))[:_SLUG_DIGITS]
    return f"{legible}-{digest}" if legible else digest


def json_text(value: object) -> str:
    """JSON without spaces; the same value, the same text. Numbers that are not finite are null."""
    try:
        return _json(value)
    except ValueError:
        return _json(_finite(value))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def static_files() -> dict[str, bytes]:
    """The site's own scripts and styles, by name."""
    folder = resources.files("sieve_assets.reports.atlas") / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if _is_shown(one.name)}


@cache
def vega() -> bytes:
    """Vega, Vega-Lite and Vega-Embed as one script that sets `window.vegaEmbed`; takes seconds."""
    import vl_convert  # noqa: PLC0415 (it starts an engine)

    bundle = vl_convert.javascript_bundle()  # pyright: ignore[reportCallIssue] (it has a default)
    return (_BEFORE_VEGA + bundle + _AFTER_VEGA).encode()


def vega_made_from() -> list[str]:
    """What `vega` depends on, which is told quicker than it is made."""
    return [metadata.version("vl-convert-python"), _BEFORE_VEGA, _AFTER_VEGA]


def version() -> str:
    """SHA-256 of templates, scripts and styles: a page made by others is out of date."""
    package = resources.files("sieve_assets.reports.atlas")
    digest = hashlib.sha256()
    for folder in ("static", "templates"):
        for one in sorted((package / folder).iterdir(), key=lambda one: one.name):
            if _is_shown(one.name):
                digest.update(one.name.encode() + b"\0" + one.read_bytes())
    return digest.hexdigest()


def _is_shown(name: str) -> bool:
    """Whether a file is part of pages; notes for those who change them are not."""
    return not name.endswith(".md")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
