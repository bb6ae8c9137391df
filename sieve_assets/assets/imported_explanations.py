"""What other methods called neurons, from files of their results.

Not here: how such a file is read (`stores.explanation_files`).
"""

import dagster as dg

from sieve_assets.assets.explanations import comparison, facts_of
from sieve_assets.assets.records import concatenated, work
from sieve_assets.assets.resources import Workbench
from sieve_assets.assets.stages import Recipe, stage
from sieve_assets.models.file_hashes import content_hash
from sieve_assets.stores.explanation_files import is_about, read_names


def explainer_of(name: str) -> str:
    """How an imported file's names are told from those of other explainers."""
    return f"imported ({name})"


def _recipe(bench: Workbench, model: str) -> Recipe:
    layer = bench.study.targets[model].layer
    files = {
        name: {
            "sha256": content_hash(how.file),
            "layer": how.layer or layer,
            "first_neuron": how.first_neuron,
        }
        for name, how in comparison(bench.study).imported.items()
        if is_about(how, model)
    }
    return Recipe({"imported": files})


@stage(
    group="compare",
    by="model",
    recipe=_recipe,
    given=["compare_settings"],
    facts=facts_of("imported_explanations", is_by_neuron=False),
)
def imported_explanations(context: dg.AssetExecutionContext, bench: Workbench) -> None:
    """What other methods called each neuron, as their results in files say: MILAN's, MAIA's, yours.

    For methods that need models or people of their own, such as MILAN (Hernandez et al., 2022);
    their names are verified like any others. docs/explainers.md.
    """
    for recorder in work(context, bench, imported_explanations):
        model = recorder.share.model
        parts = []
        for name, how in comparison(bench.study).imported.items():
            found = read_names(bench.study, name, model)
            parts.append(found.rows.assign(model=model, explainer=explainer_of(name)))
            said = f"{len(found.rows)} names, {found.n_repeated} more were repetitions"
            context.log.info("%s for %s: %s", how.file, model, said)
        recorder.write(concatenated(parts))
