"""A study's results as pandas frames, read-only, for notebooks and scripts: docs/results.md.

Not here: how they are made, and anything that writes. Needs neither Dagster nor torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from PIL import Image

from sieve_assets import results_queries as queries
from sieve_assets.reports.atlas.exports import verified_of
from sieve_assets.reports.atlas.shown_names import SHOWN_COLUMNS, names_of
from sieve_assets.stored_study import StoredStudy, find_study, not_drawn
from sieve_assets.stores.schema import nearest, tables


def open_results(path: Path | str | None = None) -> "Results":
    """Open the results of a study, finished or still running.

    Args:
        path: A study file, whose results are in $SIEVE_DATA or in data/ beside it; or a folder of
            results, with sieve.duckdb in it. $SIEVE_STUDY or ./sieve.toml if None.

    Raises:
        FileNotFoundError: There are no results.
    """
    return Results(find_study(path))


@dataclass(frozen=True)
class Results:
    """What a study found; every call looks anew and waits while a run writes.

    `target` is a target's name in the study file, as `model` in the tables; None stands for all.
    Rates are shares, 0 to 1. What is not there is NaN, NA or None.

    Attributes:
        study: Where the results are.
    """

    study: StoredStudy

    def targets(self) -> pd.DataFrame:
        """A row a target, by name.

        Columns: model, probe (its probe set), n_images (probe images), n_neurons, n_selected,
        n_low_contrast, n_dead, n_named (neurons with a name), n_verified (with a verified one),
        n_names (names tried), n_verified_names.
        """
        return self.study.read(queries.TARGETS)

    def neurons(self, target: str | None = None) -> pd.DataFrame:
        """A row a neuron, with the name that is shown of it.

        Columns: model, neuron, status (selected, low_contrast or dead), ratio (contrast; infinite
        for a sparse neuron), median, p99 (of the activation on the probe set, arbitrary units),
        rule, beta (which contrast, and what it must exceed); of the name shown concept, verdict,
        source, activation_rate, ci_low, ci_high (AR and its interval), n_pictures.

        Raises:
            LookupError: There is no such target.
        """
        ratios = self.study.known(self.study.read(queries.NEURONS, {"model": target}), target)
        names = names_of(self.study.warehouse, target)
        shown = names.loc[names["is_shown"], ["model", *SHOWN_COLUMNS]]
        return ratios.merge(shown, how="left", on=["model", "neuron"])

    def names(self, target: str | None = None) -> pd.DataFrame:
        """Every name that was tried: a row a neuron and concept, hypotheses first.

        Columns: model, neuron, concept, verdict (missing before it is judged), source (hypothesis,
        revised or both; of both, numbers and verdict are those of the revised name), place (among
        the hypotheses, from 0), n_pictures, activation_rate, ci_low, ci_high (AR and its interval),
        ar_to_report (AR over every second picture), null_ar (over other concepts' pictures; of
        hypotheses only, as lift), lift, matched_ar, score, q_value, paper_kept, is_new, oracle_true
        (where the truth is known), reason, is_shown (the one that is shown of the neuron).

        Raises:
            LookupError: There is no such target.
        """
        return self.study.known(names_of(self.study.warehouse, target), target)

    def verified(self, target: str | None = None) -> pd.DataFrame:
        """The verified names: what `sieve export` writes. Columns: those of `names`.

        Raises:
            LookupError: There is no such target.
        """
        return self.study.known(verified_of(self.study.warehouse, target), target)

    def explanations(self, target: str | None = None) -> pd.DataFrame:
        """What every method calls each neuron, with its evidence where methods are compared.

        Columns: model, neuron, explainer (method), place (among its names, from 0), concept, score
        (the method's own); as in `names`, missing where not judged: verdict, n_pictures,
        activation_rate, ci_low, ci_high, ar_to_report, null_ar, lift, matched_ar, evidence_score
        (there: score), q_value, oracle_true, reason.

        Raises:
            LookupError: There is no such target.
        """
        rows = self.study.known(self.study.read(queries.EXPLANATIONS, {"model": target}), target)
        return rows.astype({"n_pictures": "Int64", "oracle_true": "boolean"})

    def activations(self, target: str, neuron: int) -> pd.Series:
        """A neuron's activation (arbitrary units) on its target's probe images, by image_id.

        Raises:
            LookupError: There is no such target or neuron.
        """
        rows = self._of_neuron(queries.ACTIVATIONS, target, neuron)
        return rows.set_index("image_id").loc[:, "activation"]

    def samples(self, target: str, neuron: int) -> pd.DataFrame:
        """The probe images that a selected neuron answers to most; no rows for other neurons.

        Columns: rank (0 is the strongest), image_id, activation (arbitrary units), label, uri (of
        the image); of its crop x0, y0, x1, y1 (edges in the image, pixels; x1 and y1 are outside),
        crop_retention, is_whole_image, patch_uri, cluster.

        Raises:
            LookupError: There is no such target or neuron.
        """
        return self._of_neuron(queries.SAMPLES, target, neuron)

    def pictures(
        self, concept: str, target: str | None = None, neuron: int | None = None
    ) -> pd.DataFrame:
        """The pictures that were drawn for a concept, by seed.

        Columns: concept, seed, generator (which, with which settings), picture_id, uri; with target
        and neuron also activation (arbitrary units) and fires (above the neuron's p99), missing for
        a picture that the target did not look at.

        Raises:
            LookupError: No picture of the concept was drawn, or there is no such target or neuron.
            ValueError: Of target and neuron there is only one.
        """
        if (target is None) != (neuron is None):
            raise ValueError(
                f"pictures: expected target and neuron together, got {target!r} and {neuron}. "
                "Give both, or none."
            )
        if target is not None and neuron is not None:
            self.study.require_neuron(target, neuron)
        asked = {"concept": concept, "model": target, "neuron": neuron}
        rows = self.study.read(queries.PICTURES, asked).astype({"fires": "boolean"})
        if rows.empty:
            raise not_drawn(concept, set(self.study.read(queries.DRAWN)["concept"]))
        return rows if target is not None else rows.drop(columns=["activation", "fires"])

    def table(self, name: str) -> pd.DataFrame:
        """All rows of a table or view, by its key; `schema` says what there is.

        Raises:
            ValueError: There is no such table.
        """
        if name not in tables():
            raise ValueError(
                f"table: expected a table or view, got {name!r}. "
                f"Did you mean {nearest(name, tables())}?"
            )
        order = ", ".join(tables()[name].key) or "ALL"
        return self.study.read(f"SELECT * FROM {name} ORDER BY {order}")  # noqa: S608 (of ours)

    def sql(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The result of a query of one's own.

        Args:
            query: One statement that reads, with `?` or `$name` for parameters.
            parameters: Their values.

        Raises:
            ValueError: It is not one statement that reads, or does not fit the tables.
            LookupError: It names a table that does not exist.
        """
        try:
            kinds = [statement.type for statement in duckdb.extract_statements(query)]
            if len(kinds) == 1 and kinds[0] == duckdb.StatementType.SELECT:
                return self.study.read(query, parameters)
        except duckdb.Error as error:
            raise ValueError(
                f"sql: expected a query of the tables, got {error}. `schema` has their columns."
            ) from error
        told = ", ".join(kind.name for kind in kinds) or "none"
        raise ValueError(f"sql: expected one SELECT, got {told}. Results are only read here.")

    def schema(self) -> pd.DataFrame:
        """What every column of every table and view means: table, column, type, meaning."""
        return self.study.read(queries.SCHEMA)

    def image(self, uri: str) -> Image.Image:
        """A picture, patch or probe image by a uri of the frames, RGB.

        Raises:
            FileNotFoundError: It is not there any more.
            LookupError: It is no image of the study.
            ValueError: It cannot be read, or only a study file could say how.
        """
        return self.study.image(uri)

    def _of_neuron(self, query: str, target: str, neuron: int) -> pd.DataFrame:
        self.study.require_neuron(target, neuron)
        return self.study.read(query, {"model": target, "neuron": neuron})
