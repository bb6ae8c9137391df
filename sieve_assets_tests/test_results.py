"""Frames are held against the tables they are from, and their docstrings against their columns."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sieve_assets.results import Results, open_results
from sieve_assets.stores.schema import tables

MODELS = ["cnn", "vit"]
PAGE = (Path(__file__).parents[1] / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.fixture
def results(named):
    return open_results(named.data)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("targets", ()),
        ("neurons", ()),
        ("names", ()),
        ("explanations", ()),
        ("samples", ("cnn", 1)),
        ("pictures", ("sky", "cnn", 1)),
    ],
)
def test_columns_are_those_that_docstring_and_page_name(results, method, arguments):
    frame = getattr(results, method)(*arguments)

    assert len(frame) > 0
    words = set(re.findall(r"\w+", getattr(Results, method).__doc__))
    assert set(frame.columns) - words == set()
    [row] = re.findall(rf"^\| `{method}\(.*?\| .*? \| (.*?) \|$", PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == list(frame.columns)


def test_targets_are_counted(results, named):
    found = results.targets().set_index("model")

    names = results.names()
    assert found.index.tolist() == MODELS
    for model, row in found.iterrows():
        status = named.table("neuron_ratios", model=model)["status"].tolist()
        mine = names[names["model"] == model]
        verified = mine[mine["verdict"].eq("verified").astype(bool)]
        assert row["n_neurons"] == len(status)
        for kind in ("selected", "low_contrast", "dead"):
            assert row[f"n_{kind}"] == status.count(kind)
        assert row["n_images"] == len(named.table("probe_images", probe=row["probe"]))
        assert row[["n_named", "n_names"]].tolist() == [len(set(mine["neuron"])), len(mine)]
        assert row["n_verified"] == len(set(verified["neuron"]))
        assert row["n_verified_names"] == len(verified) > 0


@pytest.mark.parametrize("target", [*MODELS, None])
def test_every_neuron_comes_once_with_the_name_that_is_shown(results, named, target):
    found = results.neurons(target)

    ratios = named.table("neuron_ratios", **({"model": target} if target else {}))
    columns = ["model", "neuron", "status", "ratio", "median", "p99", "rule", "beta"]
    pd.testing.assert_frame_equal(found[columns], ratios[columns])
    names = results.names(target)
    shown = {(row.model, row.neuron): row for row in names[names["is_shown"]].itertuples()}
    assert len(shown) < len(found) or target != "cnn"  # the dead neuron has none
    for row in found.itertuples():
        expected = shown.get((row.model, row.neuron))
        if expected is None:
            assert pd.isna(row.concept)
            assert pd.isna(row.n_pictures)
        else:
            assert row.concept == expected.concept
            for name in ("verdict", "activation_rate", "n_pictures"):
                one, other = getattr(row, name), getattr(expected, name)
                assert pd.isna(one) if pd.isna(other) else one == other


def test_names_and_verified_ones_are_of_the_target_asked_for_or_of_all(results):
    for frame_of in (results.names, results.verified, results.explanations):
        every = frame_of()
        parts = [frame_of(model) for model in MODELS]
        assert sum(map(len, parts)) == len(every)
        for model, part in zip(MODELS, parts, strict=True):
            assert set(part["model"]) == {model}
    assert set(results.verified()["verdict"]) == {"verified"}


def test_what_is_not_known_does_not_make_words_of_numbers_and_truths(results):
    names = results.names()
    assert names["oracle_true"].dtype == names["paper_kept"].dtype == "boolean"
    assert names["n_pictures"].dtype == names["place"].dtype == "Int64"
    assert set(names[names["oracle_true"]]["oracle_true"]) == {True}


def test_explanations_have_their_evidence_where_methods_are_compared(methods):
    found = open_results(methods.data).explanations("cnn")

    given = methods.table("explanations", model="cnn")
    key = ["explainer", "neuron", "place"]
    given = given.sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(found[given.columns], given)
    judged = methods.table("compared_evidence", model="cnn").set_index(["neuron", "concept"])
    truth = methods.table("compared_truth", model="cnn").set_index(["neuron", "concept"])
    assert found["verdict"].notna().any()
    assert found["verdict"].isna().any()
    for row in found.itertuples():
        name = (row.neuron, row.concept)
        assert pd.isna(row.verdict) == (name not in judged.index)
        if name in judged.index:
            assert row.verdict == judged.loc[name, "verdict"]
            assert row.evidence_score == judged.loc[name, "score"]
            assert row.oracle_true == truth.loc[name, "oracle_true"]


def test_activations_are_by_image(results, named):
    found = results.activations("vit", 7)

    rows = named.table("probe_activations", model="vit", neuron=7)
    assert found.to_dict() == dict(zip(rows["image_id"], rows["activation"], strict=True))
    assert found.name == "activation"
    assert found.index.name == "image_id"
    assert len(found) == 60


def test_samples_are_the_strongest_images_with_their_crops(results, named):
    found = results.samples("cnn", 1)

    strongest = results.activations("cnn", 1).sort_values(ascending=False)
    assert found["rank"].tolist() == list(range(len(found)))
    np.testing.assert_array_equal(found["activation"], strongest.head(len(found)))
    for row in found.itertuples():
        assert row.label == Path(row.image_id).parts[0]
        image, patch = results.image(row.uri), results.image(row.patch_uri)
        assert image.crop((row.x0, row.y0, row.x1, row.y1)).size == patch.size
    clusters = named.table("clusters", model="cnn", neuron=1)
    assert found["cluster"].tolist() == clusters["cluster"].tolist()
    assert results.samples("cnn", 0).empty  # it is dead


def test_pictures_of_a_concept_come_with_what_a_neuron_answers(results, named):
    found = results.pictures("sky", "cnn", 1)

    links = pd.concat(
        named.table(name)[["concept", "seed", "picture_id"]]
        for name in ("generated_image_sets", "reference_pictures")
    )
    links = links[links["concept"] == "sky"].drop_duplicates().sort_values("seed")
    assert len(links) > 0
    assert found["picture_id"].tolist() == links["picture_id"].tolist()
    answers = named.table("picture_activations", model="cnn").set_index("picture_id")["activation"]
    [p99] = named.table("neuron_ratios", model="cnn", neuron=1)["p99"]
    for row in found.itertuples():
        assert row.activation == answers[row.picture_id][1]
        assert row.fires == (answers[row.picture_id][1] > p99)
        assert results.image(row.uri).size == (64, 64)
    plain = results.pictures("sky")
    pd.testing.assert_frame_equal(plain, found[plain.columns])
    assert list(found.columns) == [*plain.columns, "activation", "fires"]


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda r: r.neurons("cn"), LookupError, "got 'cn'. There are: cnn, vit"),
        (lambda r: r.names("cn"), LookupError, "There are: cnn, vit"),
        (lambda r: r.verified("cn"), LookupError, "There are: cnn, vit"),
        (lambda r: r.explanations("cn"), LookupError, "There are: cnn, vit"),
        (lambda r: r.activations("cnn", 6), LookupError, "numbered from 0 to 5"),
        (lambda r: r.samples("cnn", 6), LookupError, "numbered from 0 to 5"),
        (lambda r: r.pictures("sky", "cnn", 6), LookupError, "numbered from 0 to 5"),
        (lambda r: r.pictures("sky", "cnn"), ValueError, "expected target and neuron together"),
        (lambda r: r.pictures("skyy"), LookupError, "Did you mean sky?"),
        (lambda r: r.pictures("xx"), LookupError, "`names` has what was tried"),
        (lambda r: r.table("verdict"), ValueError, "Did you mean verdicts"),
        (lambda r: r.sql("SELECT colour FROM verdicts"), ValueError, '"colour" not found'),
        (lambda r: r.sql("SELEC 1"), ValueError, "expected a query of the tables"),
        (lambda r: r.sql("SELECT * FROM verdict"), LookupError, "Did you mean verdicts"),
        (lambda r: r.sql("DROP TABLE verdicts"), ValueError, "expected one SELECT, got DROP"),
        (lambda r: r.sql("SELECT 1; SELECT 2"), ValueError, "got SELECT, SELECT"),
        (lambda r: r.sql(""), ValueError, "expected one SELECT, got none"),
        (lambda r: r.sql("COPY verdicts TO 'verdicts.csv'"), ValueError, "got COPY"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(
    results, ask, error, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=re.escape(said)):
        ask(results)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["verdicts", "neuron_activations", "probe_activations"])
def test_a_table_comes_whole_and_in_the_order_of_its_key(results, named, name):
    found = results.table(name)

    count = named.bench().warehouse.read(f"SELECT count(*) AS n FROM {name}")["n"][0]  # noqa: S608
    assert len(found) == count > 0
    key = list(tables()[name].key) or list(found.columns)
    assert found[key].equals(found[key].sort_values(key, ignore_index=True))


def test_a_question_of_ones_own_takes_parameters(results, named):
    count = "SELECT count(*) AS n FROM verdicts WHERE model = "

    expected = len(named.table("verdicts", model="vit"))
    assert results.sql(f"{count}?", ["vit"])["n"][0] == expected
    assert results.sql(f"{count}$model", {"model": "vit"})["n"][0] == expected


def test_the_schema_says_what_every_column_means(results):
    found = results.schema()

    assert list(found.columns) == ["table", "column", "type", "meaning"]
    assert (found["meaning"].str.len() > 0).all()
    for name, table in tables().items():
        assert found[found["table"] == name]["column"].tolist() == table.columns.names


def test_nothing_is_written_by_reading(named, tmp_path):
    copy = named.changed(tmp_path)

    def state():
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).digest() for path in files}

    before = state()
    results = open_results(copy.file)
    for ask in (results.targets, results.neurons, results.verified, results.explanations):
        ask()
    results.image(results.samples("cnn", 1)["patch_uri"][0])
    results.table("verdicts")
    assert state() == before


def test_it_loads_neither_dagster_nor_torch(named):
    code = f"""
import sys
from sieve_assets.results import open_results
results = open_results({str(named.file)!r})
results.image(results.samples("cnn", 1)["uri"][0])
print(len(results.verified()), {{"dagster", "torch", "transformers"}} & sys.modules.keys())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{len(open_results(named.data).verified())} set()"
