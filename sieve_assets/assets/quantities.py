"""What plans speak of: quantities by their names, and what the targets of a plan have in common."""

from dataclasses import dataclass, field

from sieve_assets.assets.rehearsal import Drawn
from sieve_assets.method.planned_work import Amount, counted

PARTITIONS, BYTES, SECONDS = "partitions", "bytes", "seconds"
IMAGES, SELECTED, CONCEPTS = "images to list", "neurons selected", "distinct concepts"
PASSES, EMBEDDINGS = "forward passes", "embeddings"
IN_BANK, TO_DRAW = "pictures in the bank", "pictures to draw"
NOTHING = counted(0)

Amounts = dict[str, Amount]


@dataclass
class Shared:
    """What the targets of a plan have in common.

    Attributes:
        probes: Probe sets that an earlier target lists.
        embedded_probes: Probe sets that an earlier target shows to the vision-language model.
        pictures: Pictures that earlier targets will draw, as far as they are known.
        n_guessed: Pictures besides that these may be expected to draw.
        embedded: Pictures that earlier targets will show to the vision-language model.
        drawn: Pictures that were drawn to see what it takes.
    """

    probes: set[str] = field(default_factory=set)
    embedded_probes: set[str] = field(default_factory=set)
    pictures: set[str] = field(default_factory=set)
    n_guessed: float = 0.0
    embedded: set[str] = field(default_factory=set)
    drawn: Drawn | None = None
