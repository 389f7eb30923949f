"""Every command of `python -m experiments`, by name."""

from __future__ import annotations

from experiments.studies.catalog import STUDIES, Command
from experiments.studies.document import Document

COMMANDS: dict[str, type[Command]] = {**STUDIES, "results": Document}
