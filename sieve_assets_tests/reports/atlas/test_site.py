"""The atlas's folder: names of files that are safe anywhere, and writing only what has changed."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sieve_assets.reports.atlas import site
from sieve_assets.reports.atlas.site import (
    Made,
    Site,
    data_script,
    files_known,
    files_made,
    json_text,
    neuron_file,
    slug,
    static_files,
    vega,
    version,
    write_targets,
)
from sieve_assets.study_file import load_study

ODD = [
    *("", " ", "-", "🦉", "猫頭鷹", "owl", "Owl", "OWL ", "owl at night", "owl-at-night", "öwl"),
    *("../../etc/passwd", "/etc/passwd", "..", ".", "con", "a\\b", "a\0b", "a\nb", "a" * 5000),
    *("a" * 4999 + "b", "<script>alert(1)</script>", "%2e%2e", "~", "ﬁsh", "fish", "é", "e\u0301"),
    "\ud800",
]
"""Concepts that a file cannot be called after, or that are hard to tell apart."""


def aged(path):
    """Make a file as old as the hills; when that was."""
    os.utime(path, ns=(10**18, 10**18))
    return path.stat().st_mtime_ns


def test_a_slug_is_legible_and_ends_in_a_hash_of_the_concept():
    digest = hashlib.sha256(b"Owl, at  night!").hexdigest()[:8]
    assert slug("Owl, at  night!") == f"owl-at-night-{digest}"
    assert slug("Möwe über Ísland").startswith("mowe-uber-island-")
    assert slug("🦉") == hashlib.sha256("🦉".encode()).hexdigest()[:8]


def test_no_two_concepts_have_the_same_slug():
    assert len({slug(one) for one in ODD}) == len(ODD)


@given(st.text(st.characters()))
@example("x" * 39 + " y")
def test_a_slug_is_a_name_of_a_file_on_any_system_and_in_any_address(concept):
    assert re.fullmatch(r"([a-z0-9]+-)*[0-9a-f]{8}", slug(concept))
    assert len(slug(concept)) <= 49


@pytest.mark.parametrize("concept", ODD)
def test_a_concepts_file_lies_in_its_folder(tmp_path, concept):
    written = Site(tmp_path, {})
    written.put(f"concepts/{slug(concept)}.html", "x")
    [file] = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert file.parent == tmp_path / "concepts"


@pytest.mark.parametrize(("width", "expected"), [(6, "0005"), (9999, "0005"), (10_001, "00005")])
def test_names_of_neurons_files_sort_as_the_neurons_do(width, expected):
    assert neuron_file(5, width) == expected
    assert len(neuron_file(width - 1, width)) == len(expected)


@pytest.mark.parametrize("content", ["a page: é", b"a picture"])
def test_a_file_that_is_put_is_there_and_noted(tmp_path, content):
    written = Site(tmp_path, {})
    written.put("a/b.html", content)
    encoded = content if isinstance(content, bytes) else content.encode()
    digest = hashlib.sha256(encoded).hexdigest()
    assert (tmp_path / "a" / "b.html").read_bytes() == encoded
    assert written.made == {"a/b.html": Made("a/b.html", digest, digest, len(encoded))}
    assert written.n_written == 1


def test_a_file_with_the_content_that_is_put_is_not_written(tmp_path):
    Site(tmp_path, {}).put("a.html", "same")
    before = aged(tmp_path / "a.html")
    again = Site(tmp_path, {})
    again.put("a.html", "same")
    assert (tmp_path / "a.html").stat().st_mtime_ns == before
    assert (again.n_written, list(again.made)) == (0, ["a.html"])

    again.put("a.html", "else")
    assert (tmp_path / "a.html").read_text() == "else"
    assert again.n_written == 1


class Making:
    """Makes a content, and counts how often."""

    def __init__(self, content):
        self.content, self.n_made = content, 0

    def __call__(self):
        self.n_made += 1
        return self.content


def kept(tmp_path, content="first", made_from=("pictures", 1)):
    """A folder in which a file is kept that was made from something."""
    written = Site(tmp_path, {})
    written.keep("a.webp", made_from, Making(content))
    return written.made


def test_what_was_made_from_the_same_is_not_made_again(tmp_path):
    known = kept(tmp_path)
    before, make = aged(tmp_path / "a.webp"), Making("second")
    again = Site(tmp_path, known)
    again.keep("a.webp", ("pictures", 1), make)
    assert (make.n_made, again.n_written, again.made) == (0, 0, known)
    assert (tmp_path / "a.webp").stat().st_mtime_ns == before


def test_what_is_made_from_something_else_is_made_again(tmp_path):
    known = kept(tmp_path)
    make, again = Making("second"), Site(tmp_path, known)
    again.keep("a.webp", ("pictures", 2), make)
    assert (make.n_made, again.n_written) == (1, 1)
    assert (tmp_path / "a.webp").read_text() == "second"
    assert again.made["a.webp"].made_from != known["a.webp"].made_from


def test_made_from_something_else_with_the_same_content_it_is_not_written(tmp_path):
    known = kept(tmp_path)
    before, make = aged(tmp_path / "a.webp"), Making("first")
    again = Site(tmp_path, known)
    again.keep("a.webp", ("pictures", 2), make)
    assert (make.n_made, again.n_written) == (1, 0)
    assert (tmp_path / "a.webp").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_text("fir")])
def test_a_file_that_is_gone_or_of_another_size_is_made_again(tmp_path, damage):
    known = kept(tmp_path)
    damage(tmp_path / "a.webp")
    make = Making("first")
    Site(tmp_path, known).keep("a.webp", ("pictures", 1), make)
    assert make.n_made == 1
    assert (tmp_path / "a.webp").read_text() == "first"


def test_files_that_are_removed_may_be_gone_already(tmp_path):
    written = Site(tmp_path, {})
    for name in ("a", "b"):
        written.put(f"concepts/{name}", name)
    written.remove(["concepts/a", "concepts/gone"])
    assert [one.name for one in (tmp_path / "concepts").iterdir()] == ["b"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_null(value):
    told = json_text({"a": [value, {"b": (1.5, value)}], "c": value})
    assert json.loads(told) == {"a": [None, {"b": [1.5, None]}], "c": None}


def test_json_has_no_spaces_and_says_the_same_of_the_same():
    assert json_text({"a": [1, "é"], "b": None}) == '{"a":[1,"é"],"b":null}'


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "\u2028",
    "\u2029",
    '"',
    "\\",
    "\0",
    "猫🦉",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_data_script_gives_what_was_put_in(text):
    """Read as a browser reads it: one call with two JSON values, on one line."""
    script = data_script(f"net/{text}", {text: [text]})
    said = re.fullmatch(r"atlas\.put\((.*)\);\n", script, re.DOTALL)[1]
    assert json.loads(f"[{said}]") == [f"net/{text}", {text: [text]}]
    assert script.count("\n") == 1


def test_a_data_script_is_a_file_of_the_target(tmp_path):
    written = Site(tmp_path, {})
    written.put_data("a.js", "net/a", {"b": 1})
    assert (tmp_path / "a.js").read_text() == data_script("net/a", {"b": 1})
    assert list(written.made) == ["a.js"]


def test_what_was_made_is_known_the_next_time(tmp_path):
    written = Site(tmp_path, {})
    written.put("b.html", "b")
    written.keep("a.webp", [1], lambda: b"a")
    rows = files_made(written, "net")
    assert rows[["model", "path"]].to_numpy().tolist() == [["net", "a.webp"], ["net", "b.html"]]
    assert files_known(rows.drop(columns="model")) == written.made
    assert files_known(rows.head(0)) == {}


def test_static_files_are_those_of_the_package():
    files = static_files()
    assert {"atlas.js", "atlas.css", "virtual-core.js"} <= set(files)
    folder = Path(site.__file__).parent / "static"
    own = {one.name for one in folder.iterdir()} - {"README.md"}
    assert own == set(files)
    assert files["atlas.css"] == (folder / "atlas.css").read_bytes()


def test_vega_is_a_classic_script_that_sets_its_function_on_the_window():
    script = vega().decode()
    assert re.search(r"window\.vegaEmbed\s*=", script)
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    assert vega.__wrapped__() == script.encode(), "made anew"


@pytest.mark.parametrize("kind", ["templates", "static"])
def test_the_version_changes_with_any_template_or_script(tmp_path, monkeypatch, kind):
    shutil.copytree(Path(site.__file__).parent, tmp_path / "atlas")
    monkeypatch.setattr(site.resources, "files", lambda _: tmp_path / "atlas")
    seen = {version()}
    assert len({version(), *seen}) == 1
    (tmp_path / "atlas" / kind / "README.md").write_text("notes")
    assert version() in seen
    [changed, *_] = sorted((tmp_path / "atlas" / kind).glob("*.[cj]*"))
    changed.write_text(changed.read_text() + " ")
    seen.add(version())
    changed.rename(changed.with_name("zz"))
    seen.add(version())
    assert len(seen) == 3


def listed(root, study):
    write_targets(root, study)
    said = (root / "targets.js").read_text()
    return json.loads(said.removeprefix('atlas.put("targets", ').removesuffix(");\n"))


def test_targets_are_those_with_an_index(tmp_path, study_folder):
    text = study_folder.file.read_text()
    second = text[: text.index("[probes")].replace("[targets.small]", "[targets.other]")
    study_folder.file.write_text(text + second)
    study = load_study(study_folder.file)
    assert listed(tmp_path, study) == []

    written = Site(tmp_path, {})
    written.put("small/index/neurons.js", "")
    written.put("gone/index/neurons.js", "")
    written.put("other/report.html", "")
    said = {"name": "small", "folder": "small", "layer": "layer4", "width": 8}
    said["network"] = "timm:resnet18"
    assert listed(tmp_path, study) == [{**said, "has_report": False}]

    written.put("small/report.html", "")
    written.put("other/index/neurons.js", "")
    assert [(one["name"], one["has_report"]) for one in listed(tmp_path, study)] == [
        ("small", True),
        ("other", True),
    ]
