"""What one does in the neuron atlas, opened from disk, on a desk and on a phone."""

import re
from urllib.parse import quote_plus

import pandas as pd
import pytest
from playwright.sync_api import expect

from sieve_assets.reports.atlas.site import slug
from sieve_assets.stores.warehouse import Replacement
from sieve_assets_tests.ui.atlas_window import DESKTOP, PHONE, open_window

pytestmark = pytest.mark.browser
OTHER, HOSTILE = "a lamp", "<script>document.title = 'broken in'</script>"
"""Names that an earlier run is said to have verified."""


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory):
    """The tiny study as it is after a second run, with some verified names whatever they are."""
    study = finished.changed(tmp_path_factory.mktemp("looked_at"))
    warehouse = study.bench().warehouse
    revised = study.table("revised_names", model="cnn")
    judged = revised.assign(verdict="verified", reason="fires on all of its pictures")
    warehouse.replace(Replacement("revised_names", judged, pd.DataFrame({"model": ["cnn"]})))
    earlier = study.table("name_history", model="cnn").iloc[[0]]
    neurons = revised["neuron"].tolist()
    names = [*revised["concept"].tolist()[:-2], OTHER, HOSTILE]
    row = {
        "model": "cnn",
        "run_id": "earlier",
        "recorded_at": pd.Timestamp("2026-01-01"),
        "weights_hash": earlier["weights_hash"].iloc[0],
        "neuron": [pd.Series(neurons, dtype="int32").to_numpy()],
        "concept": [names],
        "activation_rate": [pd.Series([0.75] * len(names)).to_numpy()],
    }
    warehouse.add_missing("name_history", pd.DataFrame(row))
    warehouse.replace(
        Replacement("name_history", pd.DataFrame(), earlier.filter(["model", "run_id"]))
    )
    study.forget("cnn", "neuron_atlas")
    study.of_model("cnn", "neuron_atlas")
    return study


@pytest.fixture
def named(study):
    """A neuron with a verified name, and the name."""
    row = study.table("revised_names", model="cnn").iloc[0]
    return int(row["neuron"]), str(row["concept"])


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def window(request, browser, study, screenshots):
    window, context = open_window(browser, study.bench().atlas, screenshots, request.param)
    yield window
    assert window.problems == []
    assert window.foreign == []
    context.close()


def shown(window):
    """The numbers of the neurons that the grid shows."""
    cards = window.page.locator("#grid a.neuron .card-number")
    return [int(text.removeprefix("#")) for text in cards.all_inner_texts()]


def filters(window):
    """Open the filters where they are folded up."""
    fold = window.page.locator("#more")
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()


def test_from_the_first_page_to_a_neuron_its_concept_and_another_neuron(window, study, named):
    neuron, concept = named
    page = window.page
    window.go("index.html")
    page.get_by_role("link", name="cnn").first.click()
    page.locator("#grid a.neuron").first.wait_for()
    assert shown(window)[0] == 0

    page.locator(f"a.neuron[href$='neurons/{neuron:04d}.html']").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(concept)
    expect(page.locator(".headline")).to_contain_text("verified")
    expect(page.locator(".headline")).to_contain_text("Fires on all of its pictures.")
    expect(page.locator("#distribution svg")).to_have_count(1)
    samples = study.table("selected_samples", model="cnn", neuron=neuron)
    n_samples = len(samples) or 6
    assert page.locator(".samples .tile").count() == n_samples
    page.locator("#maps").check()
    assert page.locator("canvas.map:visible").count() == n_samples

    article = page.locator(f"#name-{slug(concept)}")
    n_pictures = study.bench().study.generator.n_images
    assert article.locator(".picture").count() == n_pictures
    article.get_by_role("heading").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(concept)

    page.locator("a[href*='cnn/neurons/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Neuron")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(concept)


def test_a_word_finds_names_by_letters_and_by_meaning(window, study):
    window.go("cnn/index.html")
    page, box = window.page, window.page.locator("#f-q")
    page.locator("#grid a.neuron").first.wait_for()
    names = study.table("revised_names", model="cnn").set_index("neuron")["concept"]
    word = str(names.iloc[0])

    box.fill(word)
    expect(page.locator("#grid")).to_contain_text(word)
    assert names.index[0] in shown(window)
    expect(page).to_have_url(re.compile(rf"[?&]q={re.escape(quote_plus(word))}"))

    box.fill("an animal")
    expect(page.locator("#search-note")).not_to_be_empty()
    expect(page).to_have_url(re.compile("[?&]q=an.animal"))
    found = shown(window)
    page.reload()
    page.locator("#grid a.neuron").first.wait_for()
    expect(box).to_have_value("an animal")
    assert shown(window) == found

    box.fill("zzzz")
    expect(page.locator("#empty")).to_be_visible()
    box.press("Escape")
    expect(page.locator("#empty")).to_be_hidden()


def test_filters_and_order_are_kept_in_the_address(window, study):
    window.go("cnn/index.html")
    page = window.page
    page.locator("#grid a.neuron").first.wait_for()
    filters(window)
    page.locator("#f-status").select_option("dead")
    dead = study.table("neuron_ratios", model="cnn").query("status == 'dead'")["neuron"]
    expect(page.locator("#grid a.neuron")).to_have_count(len(dead))
    assert shown(window) == dead.tolist()
    expect(page).to_have_url(re.compile("status=dead"))
    address = page.url

    page.get_by_role("button", name="Clear filters").first.click()
    expect(page.locator("#grid a.neuron")).not_to_have_count(len(dead))
    page.locator("#f-sort").select_option("ar")
    rates = study.table("revised_names", model="cnn").set_index("neuron")["activation_rate"]
    assert rates[shown(window)[0]] == rates.max()

    page.goto(address)
    expect(page.locator("#grid a.neuron")).to_have_count(len(dead))


def test_keys_lead_through_the_grid_to_a_neuron(browser, study, screenshots):
    window, context = open_window(browser, study.bench().atlas, screenshots, DESKTOP)
    page = window.page
    window.go("cnn/index.html")
    page.locator("#grid a.neuron").first.wait_for()
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.locator("#grid a.neuron").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Neuron 2")
    context.close()


def test_the_map_has_the_neurons_with_a_verified_name(window, study):
    window.go("cnn/index.html")
    window.page.get_by_role("tab", name="Map").click()
    n_verified = len(study.table("revised_names", model="cnn"))
    expect(window.page.locator("#map canvas").first).to_be_visible()
    expect(window.page.locator("#map-view")).to_contain_text(f"{n_verified} of {n_verified}")


def test_two_runs_are_compared_by_neuron(window, study):
    page = window.page
    window.go("compare.html")
    page.locator("#comparison").wait_for()
    left, right = page.locator("#left"), page.locator("#right")
    options = left.locator("option")
    earlier = options.filter(has_text=re.compile("cnn.*2026-01-01"))
    newest = options.filter(has_text=re.compile("cnn.*newest"))
    left.select_option(earlier.get_attribute("value"))
    right.select_option(newest.get_attribute("value"))
    expect(page.locator("#how")).to_have_value("neuron")
    rows = page.locator("#rows tbody tr")
    revised = study.table("revised_names", model="cnn")
    kept = revised["concept"].tolist()[:-2]
    summary = page.locator("#summary")
    expect(summary).to_contain_text(re.compile(rf"{len(kept)}\D* kept"))
    expect(summary).to_contain_text(re.compile(r"2\D* changed"))
    expect(page.locator("#rows")).to_contain_text(HOSTILE)
    assert page.title() != "broken in"
    assert rows.count() >= len(revised)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_has_a_serious_violation_or_scrolls_sideways(
    browser, study, screenshots, named, size, scheme
):
    neuron, concept = named
    window, context = open_window(
        browser, study.bench().atlas, screenshots, size, color_scheme=scheme
    )
    paths = {
        "home": "index.html",
        "index": "cnn/index.html",
        "map": "cnn/index.html?view=map",
        "neuron": f"cnn/neurons/{neuron:04d}.html",
        "dead": "cnn/neurons/0000.html",
        "concept": f"concepts/{slug(concept)}.html",
        "compare": "compare.html",
        "report": "cnn/report.html",
    }
    found = {}
    for name, path in paths.items():
        window.go(path)
        window.page.wait_for_load_state("networkidle")
        for fold in window.page.locator("details:not([open]) > summary").all():
            if fold.is_visible():
                fold.click()
        found[name] = window.violations(), window.is_too_wide()
        window.shot(f"{name}_{size['width']}_{scheme}")
    assert found == dict.fromkeys(paths, ([], False))
    assert window.problems == []
    assert window.foreign == []
    context.close()
