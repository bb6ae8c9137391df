"""For whom the picture bank is added to, and the note of it.

Not here: what is added (see `picture_bank`).
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from sieve_assets.assets.resources import Workbench

DRAWN, LOOKED_AT, EMBEDDED = "drawn", "looked at", "embedded"


@dataclass(frozen=True)
class Errand:
    """For whom something is added to the bank, and who is told how far it is.

    Attributes:
        bench: Stores and models.
        stage: The stage's name.
        model: The target.
        run_id: Of Dagster's run.
        log: Of the run.
        place: Where the run's part begins (`partitions.place_of`).
    """

    bench: Workbench
    stage: str
    model: str
    run_id: str
    log: logging.Logger
    place: float = 0.0

    def note(self, work: str, n_images: int, n_bytes: int) -> None:
        """Note what was added."""
        row = {
            "stage": self.stage,
            "model": self.model,
            "run_id": self.run_id,
            "work": work,
            "recorded_at": datetime.now(UTC).replace(tzinfo=None),
            "n_images": n_images,
            "n_bytes": n_bytes,
        }
        self.bench.warehouse.add_missing("image_work", pd.DataFrame([row]))
