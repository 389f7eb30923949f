"""What studies on the command line share: their flags, how they are run, and settings over weight decay."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from tyro.conf import arg

from deepnrc.errors import DataError, UsageError
from deepnrc.wording import did_you_mean, listing
from experiments import pages
from experiments.claims import Inquiry, explained
from experiments.data import Data
from experiments.pages import WHERE, closing, leave_settings
from experiments.runner import Fact, Network, Recipe, Setting, Workers, ended_in_order, sweep

CHOOSING = ("sweep", "preset", "part")  # flags that say which study it is


@dataclass(frozen=True, kw_only=True)
class Family:
    """Flags that all studies share; ``inquiry`` turns them into a study and its claims.

    A study of your own derives from this, and adds its flags as fields.

    Attributes:
        takes: about how long the defaults take on 2 cores, in words.
    """

    takes: ClassVar[str] = "a few minutes"

    settings: Annotated[
        Path | None,
        arg(
            help="A settings.json that an earlier run left: its values, where no flag says otherwise; --no-full puts "
            "off what is on there, and so for every switch."
        ),
    ] = None
    seeds: Annotated[int, arg(help="Each setting is run once for each of so many seeds.")] = 3
    epochs: Annotated[int | None, arg(help="Passes over the training data; the study's own if not given.")] = None
    full: Annotated[bool, arg(help="The published size instead of one that ends in a few minutes.")] = False
    jobs: Annotated[int, arg(help="Cells trained side by side.")] = os.cpu_count() or 1
    backend: Annotated[
        Literal["loky", "dask", "ray"], arg(help="Where cells run: local processes, or a cluster through joblib.")
    ] = "loky"
    scheduler: Annotated[str | None, arg(help="Dask's scheduler: an address, or the file that it wrote.")] = None
    out: Annotated[Path, arg(help="Folder of all studies; each has one of its own in it.")] = Path("runs/studies")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def inquiry(self) -> Inquiry:
        """The study that these flags make, with what is claimed of it."""
        raise NotImplementedError

    def inquiries(self) -> tuple[Inquiry, ...]:
        """All that is run, one after the other: ``inquiry()``, unless a family has several parts."""
        return (self.inquiry(),)

    def run(self) -> None:
        """Run what is missing, write tables, pictures and the page, and print the verdict."""
        for name in ("seeds", "epochs", "jobs"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise UsageError(f"--{name} must be at least 1; it is {given}.")
        with ended_in_order():
            for inquiry in self.inquiries():
                self._run(explained(inquiry) if self.on_defaults else inquiry)

    @property
    def on_defaults(self) -> bool:
        """Whether all flags are the defaults, but those that choose the study and where it runs."""
        decisive = (field for field in dataclasses.fields(self) if field.name not in (*WHERE, *CHOOSING))
        return all(getattr(self, field.name) == field.default for field in decisive)

    @property
    def threads(self) -> int | None:
        """Threads of a cell; None shares out the cores among those that run side by side."""
        return None

    def _run(self, inquiry: Inquiry) -> None:
        started, study = time.perf_counter(), inquiry.study
        folder = self.out / study.name
        leave_settings(self, folder)
        results = sweep(study, folder, Workers(self.jobs, self.backend, self.threads, self.scheduler), self.progress)
        verdicts = inquiry.verdicts(results)
        files = pages.write(results, verdicts, folder, self.progress, self.jobs)
        print(pages.verdict_text(verdicts, results))
        closing(study.name, time.perf_counter() - started, files)

    @classmethod
    def restored(cls, file: Path) -> list[str]:
        """The flags of a settings.json as words of the command line, which checks them like any others.

        Errors: DataError if the file is none, or holds flags that this study does not have.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"'{file}' cannot be read as settings ({error}). Name a study's settings.json.") from error
        known = {field.name for field in dataclasses.fields(cls)} - set(WHERE)
        if not isinstance(values, Mapping):
            raise DataError(f"'{file}' holds a {type(values).__name__}, not settings. Name a study's settings.json.")
        strange = sorted(set(values) - known)
        if strange:
            hint = did_you_mean(strange[0], sorted(known))
            raise DataError(f"'{file}' is for another study: {listing(strange)} is no flag of this one. {hint}".strip())
        return [word for name, value in values.items() for word in _words(name, value)]


def _words(name: str, value: object) -> list[str]:
    """A flag with its value as words; none for what was not given or is off."""
    flag = "--" + name.replace("_", "-")
    if value is None or value is False or value == []:
        return []
    if value is True:
        return [flag]
    return [flag, *(str(part) for part in (value if isinstance(value, list) else [value]))]


@dataclass(frozen=True, kw_only=True)
class OverDecays(Family):
    """The flag; ``over_decays`` makes the settings."""

    weight_decay: Annotated[
        tuple[float, ...] | None, arg(help="One setting for each; the study's own if not given.")
    ] = None

    @property
    def threads(self) -> int | None:
        """One: the small networks of the default budgets are slower with more, and digits do not depend on --jobs."""
        return None if self.full else 1

    def decays(self, own: tuple[float, ...]) -> tuple[float, ...]:
        """The weight decays to run, ascending: those of the flag, or the study's own."""
        if self.weight_decay == ():
            raise UsageError("--weight-decay needs at least one value.")
        return own if self.weight_decay is None else tuple(sorted(self.weight_decay))

    def over_decays(
        self,
        data: Data,
        network: Network,
        recipe: Recipe,
        decays: tuple[float, ...],
        *,
        probe: Mapping[str, Any] | None = None,
        steps: tuple[int, ...] | None = None,
        **apart: Fact,
    ) -> tuple[Setting, ...]:
        """One setting for each weight decay, with what else sets them apart from others of the study."""
        recipes = (replace(recipe, weight_decay=decay) for decay in decays)
        return tuple(Setting(data, network, one, probe or {}, steps, apart) for one in recipes)
