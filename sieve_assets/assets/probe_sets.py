"""The images that a target's neurons are observed on: found, listed, held out in part."""

import dagster as dg
import numpy as np
import pandas as pd

from sieve_assets.assets.partitions import OF_A_MODEL, Share, shares
from sieve_assets.assets.records import work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Check, Recipe, stage
from sieve_assets.image_sets.listing import list_images
from sieve_assets.method.probe_images import is_held_out
from sieve_assets.study_probes import TerrariumProbe

PROBE_STATE = "state of the probe set"
"""What the state of the images is called among the settings of probe_images."""


def _images_recipe(bench: Workbench, model: str) -> Recipe:
    """The state of the images is a setting: what has changed in them must be listed again."""
    state = bench.images_of(model).state()
    held_out_share = bench.study.select.held_out_share
    return Recipe({"held_out_share": held_out_share, PROBE_STATE: state})


def _unreadable(bench: Workbench, share: Share) -> dict[int, str]:
    """How many of the set look like images and are not listed; few, or listing fails."""
    name = bench.study.targets[share.model].probe
    listed = bench.warehouse.read("SELECT image_id FROM probe_images WHERE probe = $1", [name])
    there = {item.image_id for item in bench.image_set(name).items()}
    left_out = sorted(there - set(listed["image_id"]))
    if not left_out:
        return {}
    some = f"{100 * len(left_out) / len(there):.2g} %"
    return {
        OF_A_MODEL: f"expected every image to be readable, got {len(left_out)} of {len(there)} "
        f"({some}) that were left out, e.g. {left_out[0]!r}. Repair or remove them."
    }


@stage(
    group="select",
    by="model",
    recipe=_images_recipe,
    given=["probe_set", "select_settings"],
    facts="""
    SELECT -1 AS neuron, any_value(i.probe) AS "probe set", count(*) AS images,
        count(*) FILTER (i.is_held_out) AS "held out",
        count(DISTINCT i.sha256) AS "different images", count(DISTINCT i.label) AS labels
    FROM probe_images i WHERE i.probe = $probe
    """,
    checks=[
        Check(
            "readable",
            "Every image of the set can be read; up to 1 % that cannot are left out.",
            _unreadable,
            is_blocking=False,
        )
    ],
)
def probe_images(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """The images that a target's neurons are observed on, in the order of their ids.

    A part is held out: it finds no hypotheses and judges them later (docs/method.md, decision 21).
    Images that cannot be read are left out and reported.
    """
    for share in shares(context, bench.study):
        render_if_absent(bench, bench.study.targets[share.model].probe)
    for recorder in work(context, bench, probe_images):
        model = recorder.share.model
        name = bench.study.targets[model].probe
        listing = list_images(bench.image_set(name))
        held_out = is_held_out(list(listing.images["image_id"]), bench.study.select.held_out_share)
        rows = listing.images.assign(
            probe=name, position=np.arange(len(held_out), dtype=np.int32), is_held_out=held_out
        )
        sharing = [model for model, one in bench.study.targets.items() if one.probe == name]
        recorder.write(
            rows,
            scope=pd.DataFrame({"probe": [name]}),
            shared_by=set(sharing) - {model},
        )
        problems = listing.problems.to_dict("records")
        for problem in problems:
            context.log.warning("left out %r: %s", problem["image_id"], problem["reason"])


def render_if_absent(bench: Workbench, name: str) -> None:
    """Render the probe set called `name` if it is one of the embedded world's and not there."""
    probe = bench.study.probes[name]
    if isinstance(probe, TerrariumProbe):
        from sieve_assets.terrarium.probe import render_probe  # noqa: PLC0415 (as above)

        render_probe(
            bench.rendered_probes, n_images=probe.n_images, seed=probe.seed, style=probe.style
        )


def read_probe(bench: Workbench, name: str) -> pd.DataFrame:
    """The probe set's images by position.

    Raises:
        LookupError: None are stored.
    """
    images = bench.warehouse.read(
        "SELECT * FROM probe_images WHERE probe = $probe ORDER BY position", {"probe": name}
    )
    if images.empty:
        message = f"probe_pass: expected the images of probe set {name!r}, got none stored."
        raise LookupError(f"{message} Materialize probe_images first.")
    return images
