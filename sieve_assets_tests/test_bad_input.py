"""Whole runs on odd input: it is refused with nothing lost, or goes through to the last table."""

import io
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from rich.console import Console

from sieve_assets.image_sets.folders import Folder
from sieve_assets.image_sets.listing import open_image
from sieve_assets.models.target import load_target
from sieve_assets.reports.evidence import draw_evidence
from sieve_assets.reports.summary import print_summary
from sieve_assets_tests.studies import DEAD, StudyRun, make_tiny_study

WORDS = [
    "'; DROP TABLE concept_hypotheses; --",
    "<script>alert(1)</script>",
    "a $5 bill and $x",
    "[red]dog[/blue]",
    "{} {0} %s",
    '写真 🦊 "quoted" it\'s',
]
NAMES = [
    "a b.png",
    'it\'s "so".png',
    "new\nline.png",
    "写真 ü.png",
    "'; DROP TABLE probe_images;.png",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> StudyRun:
    """A study of which nothing was run."""
    return make_tiny_study(tmp_path_factory.mktemp("tiny"))


def scenes_of(study):
    folder = study.bench().study.probes["scenes"].path
    return [Image.open(path) for path in sorted(folder.rglob("*.png"))]


def with_input(tiny, folder, *, concepts, **changes):
    """The study with an empty probe folder of its own and these concepts."""
    folder.mkdir()
    (folder / "probe").mkdir()
    (folder / "concepts.txt").write_text(concepts, encoding="utf-8")
    root = tiny.file.parent
    own = {f'"{root}/{name}"': f'"{folder}/{name}"' for name in ("concepts.txt",)}
    return tiny.anew(folder, own | {f'"{root}/scenes"': f'"{folder}/probe"'} | changes)


def put_odd_pictures(scenes, folder):
    """Every kind that is read, as the picture it shows, some under odd names."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    grey = scenes[0].convert("L")
    clear = scenes[1].convert("RGBA")
    clear.putalpha(grey)
    grey.save(folder / "grey.png")
    clear.save(folder / "alpha.png")
    scenes[2].convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(folder / "deep.png")
    scenes[3].save(folder / "moving.gif", save_all=True, append_images=scenes[4:6])
    scenes[6].save(folder / "turned.jpg", exif=exif)
    for number, name in enumerate(NAMES, start=7):
        scenes[number].save(folder / name)
        (folder / f"copy {name}").write_bytes((folder / name).read_bytes())
    for number, scene in enumerate(scenes[12:40]):
        scene.save(folder / f"plain{number}.png")


@pytest.fixture(scope="module")
def odd(tiny, tmp_path_factory) -> StudyRun:
    """A finished run on odd pictures with odd words."""
    study = with_input(tiny, tmp_path_factory.mktemp("odd") / "study", concepts="\n".join(WORDS))
    put_odd_pictures(scenes_of(tiny), study.file.parent / "probe")
    return study.everything("cnn")


@pytest.fixture(scope="module")
def small(tiny, tmp_path_factory) -> StudyRun:
    """A finished run with one word and fewer images than samples are asked for."""
    study = with_input(
        tiny,
        tmp_path_factory.mktemp("small") / "study",
        concepts="\ufeff dog\r\n\r\ndog\r\n",
        **{
            "n_samples = 6": "n_samples = 20\nheld_out_share = 0.0",
            "min_silhouette = 0.4": "min_silhouette = 0.2\nn_concepts = 3",
        },
    )
    for number, scene in enumerate(scenes_of(tiny)[:12]):
        scene.save(study.file.parent / "probe" / f"{number}.png")
    return study.everything("cnn")


def test_odd_pictures_are_observed_as_what_they_show(odd):
    images = odd.table("probe_images").sort_values("position")
    assert len(images) == 6 + 2 * len(NAMES) + 28
    assert {*NAMES, *(f"copy {name}" for name in NAMES)} <= set(images["image_id"])
    stored = np.stack(list(odd.table("neuron_activations", model="cnn")["activation"]))
    of = dict(zip(images["image_id"], stored.T, strict=True))
    np.testing.assert_allclose(of["deep.png"], of["grey.png"], rtol=1e-5, atol=1e-6)
    for name in NAMES:
        np.testing.assert_allclose(of[f"copy {name}"], of[name], rtol=1e-5, atol=1e-6)
    for image in images.to_dict("records"):
        opened = open_image(Folder(Path()), image["uri"], sha256=image["sha256"])
        assert opened.size == (image["width_px"], image["height_px"])


def test_words_arrive_verbatim_in_every_table(odd):
    hypotheses = odd.table("concept_hypotheses", model="cnn")
    assert len(set(hypotheses["concept"])) > 1
    for name in ("generated_image_sets", "activation_rates", "verified_concepts"):
        assert set(odd.table(name, model="cnn")["concept"]) == set(hypotheses["concept"])
    assert set(hypotheses["concept"]) <= set(WORDS)
    drawn = set(odd.table("pictures")["prompt"])
    assert set(hypotheses["concept"]) <= drawn
    assert drawn - set(odd.table("verdict_controls")["concept"]) <= set(WORDS)


@pytest.mark.filterwarnings("ignore:Glyph")  # the font has no Chinese; the text is there
def test_words_are_shown_verbatim_and_the_summary_counts_them(odd):
    bench, shown = odd.bench(), set()
    rates = odd.table("activation_rates", model="cnn")
    for neuron in set(rates["neuron"].tolist()):
        figure = draw_evidence(
            bench.warehouse,
            model="cnn",
            neuron=neuron,
            open_probe_image=partial(open_image, Folder(Path())),
            open_stored_image=bench.images.open,
        )
        figure.savefig(io.BytesIO(), dpi=20)
        texts = [text.get_text().replace("\n", " ") for axes in figure.axes for text in axes.texts]
        shown |= {word for word in WORDS for text in texts if f'"{word}" (cluster' in text}
    assert shown == set(rates["concept"])
    text = io.StringIO()
    print_summary(Console(file=text, width=160), bench.warehouse, bench.study, {}, 1.0)
    n_drawn = odd.table("pictures")["prompt"].nunique()
    assert f"for {n_drawn} concepts" in text.getvalue()


def test_one_word_is_the_only_hypothesis_of_every_cluster(small):
    clusters = small.table("clusters", model="cnn")[["neuron", "cluster"]].drop_duplicates()
    hypotheses = small.table("concept_hypotheses", model="cnn")
    assert len(hypotheses) == len(clusters) > 0
    assert set(hypotheses["concept"]) == {"dog"}
    assert set(hypotheses["place"]) == {0}
    assert len(small.table("verified_concepts", model="cnn")) == len(hypotheses)


def test_fewer_images_than_samples_are_all_samples(small):
    samples = small.table("selected_samples", model="cnn")
    assert set(samples.groupby("neuron").size()) == {12}
    ratios = small.table("neuron_ratios", model="cnn").set_index("neuron")
    assert ratios.loc[DEAD, "status"] == "dead"
    assert samples["neuron"].nunique() == (ratios["status"] == "selected").sum()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_lost_its_images_is_refused_and_the_listing_stays(small, tmp_path, is_there):
    study = small.changed(tmp_path)
    folder = small.bench().study.probes["scenes"].path
    before, aside = study.table("probe_images"), folder.rename(tmp_path / "aside")
    study.bench()  # the study is read while the folder is there
    try:
        folder.mkdir()
        if is_there:
            (folder / "cut.png").write_bytes((aside / "0.png").read_bytes()[:100])
            (folder / "good.png").write_bytes((aside / "0.png").read_bytes())
        expected = r"at most 1 % of the 2 images .*'cut\.png'" if is_there else "got none"
        with pytest.raises(ValueError, match=expected):
            study.of_model("cnn", "probe_images")
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        aside.rename(folder)
    assert study.table("probe_images").equals(before)


def test_a_missing_probe_folder_is_refused_when_the_study_is_read(tiny, tmp_path):
    root = tiny.file.parent
    study = tiny.anew(tmp_path, {f'"{root}/scenes"': f'"{root}/scnes"'})
    with pytest.raises(ValueError, match=r"expected a folder at .*scnes.* Did you mean scenes\?"):
        _ = study.bench().study


def test_weights_of_another_architecture_are_refused_by_the_names_that_differ(tiny, tmp_path):
    root = tiny.file.parent
    for model, other in (("cnn", "vit"), ("vit", "cnn")):
        folder = tmp_path / model
        folder.mkdir()
        settings = tiny.bench().study.targets[model]
        swapped = settings.model_copy(update={"weights": root / f"{other}.safetensors"})
        expected = f"target {model}: expected the weights of this network, got {other}.safetensors"
        with pytest.raises(ValueError, match=f"^{re.escape(expected)} with missing: .*unknown: "):
            load_target(model, swapped, device="cpu", batch_size=1)
