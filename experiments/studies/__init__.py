"""The studies, a file each or a family; the closed forms against descent in ``ufm``."""

from experiments.soundness import Coverage, Standing
from experiments.studies.catalog import STUDIES, Command
from experiments.studies.document import Document
from experiments.studies.family import Family, OverDecays
from experiments.zoo import Zoo

COMMANDS: dict[str, type[Command]] = {
    **STUDIES,
    "results": Document,
    "verdicts": Standing,
    "coverage": Coverage,
    "zoo": Zoo,
}

__all__ = ["COMMANDS", "Command", "Family", "OverDecays"]
