"""What experiment loggers take: measurements as plain numbers, and heatmaps where they show pictures."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from PIL import Image

from deepnrc.errors import UsageError
from deepnrc.report import Report
from deepnrc.table import NETWORK, NOISE, join
from deepnrc.wording import Argument

GROWN = 1.25  # of the number of measurements, by which there is something new to see in a heatmap
NOT_IN_MLFLOW = re.compile(r"[^\w\-./ :]")
Numbers = Callable[[dict[str, float], int], object]
Pictures = Callable[[str, Image.Image, int], object]


class Logger(Protocol):
    """Anything with ``log(dict)``: Weights & Biases, trackio, or your own."""

    def log(self, values: dict[str, Any], /) -> Any: ...


@dataclass
class Sink:
    """A logger, how it takes numbers and pictures, and what it was given.

    Attributes:
        figures: measures to draw; None for the noise fraction where it was measured.
        given: steps whose measurements it has.
        drawn: how many measurements the last picture showed.
    """

    logger: Any
    numbers: Numbers
    pictures: Pictures | None
    figures: tuple[str, ...] | None = None
    given: set[int] = field(default_factory=set)
    drawn: int = 0

    def give(self, reports: Mapping[int, Report], last: bool = False) -> None:
        """Hand over what it was not given yet, and draw anew where a quarter more was measured, or at the last."""
        missing = [step for step in sorted(reports) if step not in self.given]
        for step in missing:
            self.numbers(flat(reports[step]), step)
            self.given.add(step)
        grown = len(reports) >= GROWN * self.drawn or last
        if self.pictures is not None and reports and grown and len(reports) > self.drawn:
            self._draw(self.pictures, join([reports[step] for step in sorted(reports)]))
            self.drawn = len(reports)

    def _draw(self, show: Pictures, whole: Report) -> None:
        own = (NOISE,) if NOISE in whole.measures else ()
        for measure in own if self.figures is None else self.figures:
            show(f"heatmap/{measure}", _drawn(whole, measure), whole.steps[-1])


def sink(logger: Any, figures: tuple[str, ...] | None = None) -> Sink:
    """How a logger takes numbers and pictures. Errors: UsageError for what is no logger that is known."""
    if callable(getattr(logger, "add_scalar", None)):
        return Sink(logger, _scalars(logger), _tensorboard(logger), figures)
    if isinstance(logger, ModuleType) and callable(getattr(logger, "log_metrics", None)):
        return Sink(logger, _mlflow(logger), _mlflow_pictures(logger), figures)
    if callable(getattr(logger, "log_metrics", None)) and hasattr(logger, "experiment"):
        return Sink(logger, lambda values, step: logger.log_metrics(values, step=step), _lightning(logger), figures)
    if callable(getattr(logger, "log", None)):
        return Sink(logger, lambda values, step: logger.log({"step": step, **values}), _of_package(logger), figures)
    raise UsageError(
        Argument("logger", logger),
        f" must have log(dict), as a run of Weights & Biases has, be a SummaryWriter, the package mlflow or a logger "
        f"of Lightning's; it is a {type(logger).__name__}.",
    )


def flat(report: Report) -> dict[str, float]:
    """One measurement as a flat dict of plain numbers, "layer/measure", for experiment loggers."""
    table = report.table.dropna(subset="value")
    names = table["measure"].where(table["variant"] == "default", table["measure"] + "." + table["variant"])
    names = names.where(table["layer"] == NETWORK, table["layer"] + "/" + names)
    return dict(zip(names.tolist(), table["value"].tolist(), strict=True))


def _drawn(whole: Report, measure: str) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heatmap.png"
        whole.heatmap(measure, across="step", path=path)
        with Image.open(path) as opened:
            return opened.convert("RGB")


def _scalars(writer: Any) -> Numbers:
    def give(values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return give


def _tensorboard(writer: Any) -> Pictures | None:
    if not callable(getattr(writer, "add_image", None)):
        return None
    return lambda name, image, step: writer.add_image(name, np.asarray(image), step, dataformats="HWC")


def _mlflow(package: ModuleType) -> Numbers:
    def give(values: dict[str, float], step: int) -> None:
        package.log_metrics({NOT_IN_MLFLOW.sub("_", name): value for name, value in values.items()}, step=step)

    return give


def _mlflow_pictures(package: ModuleType) -> Pictures | None:
    if not callable(getattr(package, "log_image", None)):
        return None
    return lambda name, image, step: package.log_image(image, f"{name}/{step}.png")


def _lightning(logger: Any) -> Pictures | None:
    if callable(getattr(logger, "log_image", None)):
        return lambda name, image, step: logger.log_image(name, [image])
    return _tensorboard(logger.experiment)


def _of_package(logger: Any) -> Pictures | None:
    """That of a package whose ``Image`` goes among the values, as those of Weights & Biases and trackio do."""
    name = logger.__name__ if isinstance(logger, ModuleType) else type(logger).__module__
    package = sys.modules.get(name.partition(".")[0])
    made = getattr(package, "Image", None) if package and package.__name__ in {"wandb", "trackio"} else None
    if made is None:
        return None
    return lambda name, image, step: logger.log({"step": step, name: made(image)})
