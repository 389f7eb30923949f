"""What every study on the command line has: its flags, how it is run, and what it leaves behind."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments import pages
from experiments.study import Study
from experiments.sweep import Workers, sweep

WHERE = ("jobs", "backend", "out", "progress")  # flags that change nothing in the results


@dataclass(frozen=True, kw_only=True)
class Family:
    """Flags that all studies share; ``study`` turns them into a description.

    A study of your own derives from this, adds its flags as fields, and returns a ``Study``.
    """

    seeds: Annotated[int, arg(help="Each setting is run once for each of so many seeds.")] = 3
    epochs: Annotated[int | None, arg(help="Passes over the training data; the study's own if not given.")] = None
    full: Annotated[bool, arg(help="The published size instead of one that ends in a few minutes.")] = False
    jobs: Annotated[int, arg(help="Cells trained side by side.")] = os.cpu_count() or 1
    backend: Annotated[
        Literal["loky", "dask", "ray"], arg(help="Where cells run: local processes, or a cluster through joblib.")
    ] = "loky"
    out: Annotated[Path, arg(help="Folder of all studies; each has one of its own in it.")] = Path("runs/studies")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def study(self) -> Study:
        """The description that these flags make."""
        raise NotImplementedError

    @property
    def minutes(self) -> str:
        """About how long the defaults take on 2 cores, in words."""
        return "a few minutes"

    def run(self) -> None:
        """Run what is missing, write tables, pictures and the page, and print the verdict."""
        started = time.perf_counter()
        for name in ("seeds", "epochs", "jobs"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise UsageError(f"--{name} must be at least 1; it is {given}.")
        study = self.study()
        folder = self.out / study.name
        folder.mkdir(parents=True, exist_ok=True)
        settings = {key: value for key, value in asdict(self).items() if key not in WHERE}
        (folder / "settings.json").write_text(json.dumps(settings, indent=2, default=str))
        results = sweep(study, folder, Workers(self.jobs, self.backend), self.progress)
        files = pages.write(results, folder, self.progress)
        print(pages.verdict_text(results))
        print(f"\n{study.name}: done in {time.perf_counter() - started:.0f} s. Open:")
        for path, what in files.items():
            print(f"  {path}  {what}")
