"""Every command of `python -m experiments`, by name."""

from __future__ import annotations

from experiments.catalog import STUDIES, Command
from experiments.document import Document

COMMANDS: dict[str, type[Command]] = {**STUDIES, "results": Document}
