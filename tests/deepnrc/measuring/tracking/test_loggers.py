import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

import deepnrc
from deepnrc import Tracker, UsageError, log_to
from deepnrc.measuring.tracking.loggers import flat

Make = Callable[..., Tracker]
Lines = list[dict[str, Any]]


class Log:
    def __init__(self) -> None:
        self.lines: Lines = []

    def log(self, values: dict[str, Any], /) -> None:
        self.lines.append(values)


def test_flat_is_a_plain_number_for_every_value_that_is_one(made: Make) -> None:
    watch = made()
    report = deepnrc.probe(watch.model, watch.loader, progress=False)
    values = flat(report)
    assert len(values) == report.table["value"].notna().sum() < len(report.table)
    assert all(type(value) is float and value == value for value in values.values())
    assert values["2/nrc.1"] == report.values("nrc.1")["value"].item()
    assert values["0/deep.cka.signal"] == report.values("deep.cka", "signal")["value"].iloc[0]
    assert values["model.mse"] == report.values("model.mse")["value"].item()


def test_a_logger_gets_what_was_measured_and_nothing_between(made: Make) -> None:
    watch, logger = made(steps=2), Log()
    assert watch.log_to(logger) is watch
    for _ in range(4):
        watch()
    watch(8)
    assert [line["step"] for line in logger.lines] == [0, 2, 8]
    assert set(logger.lines[0]) == {"step", "0/deep.noise_fraction", "2/deep.noise_fraction", "model.mse"}
    assert all(type(value) in (int, float) for line in logger.lines for value in line.values())


def test_no_measurement_is_lost_or_given_twice(made: Make) -> None:
    watch, first, second = made(), Log(), Log()
    watch(0)
    log_to(watch, first, 0)
    log_to(watch, second, 0)
    log_to(watch, first, 1)
    watch.log_to(second).log_to(first)
    watch.finish()
    assert [line["step"] for line in first.lines] == [line["step"] for line in second.lines] == [0, 1]


def test_what_a_logger_refused_is_given_again(made: Make) -> None:
    class Away(Log):
        def log(self, values: dict[str, Any], /) -> None:
            if values["step"] == 1 and not self.lines[1:]:
                self.lines.append({})
                raise ConnectionError("no network")
            super().log(values)

    watch, logger = made(), Away()
    watch.log_to(logger)
    watch(0)
    with pytest.raises(ConnectionError):
        watch(1)
    watch(2)
    assert [line.get("step") for line in logger.lines] == [0, None, 1, 2]


def test_a_run_that_goes_on_does_not_log_again_what_its_folder_held(made: Make, tmp_path: Path) -> None:
    made(folder=tmp_path)(0)
    watch, logger = made(folder=tmp_path), Log()
    watch.log_to(logger)
    watch(0)
    watch(1)
    assert [line["step"] for line in logger.lines] == [1]


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_numbers_and_heatmaps(made: Make, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer, made() as watch:
        watch.log_to(writer)
        for step in (0, 6):
            watch(step)
    seen = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in seen.Scalars("model.mse")] == [0, 6]
    values = watch.report.values("model.mse")["value"]
    assert [event.value for event in seen.Scalars("model.mse")] == pytest.approx(values.tolist(), rel=1e-6)
    pictures = seen.Images("heatmap/deep.noise_fraction")
    assert [event.step for event in pictures] == [0, 6]
    assert pictures[0].width > 300


def of_package(monkeypatch: pytest.MonkeyPatch, name: str) -> Any:
    """A package of a logger's in the place of the real one: its run, and its Image."""
    package: Any = types.ModuleType(name)
    package.Image = lambda image: ("picture", image.size)
    package.Run = type("Run", (Log,), {"__module__": f"{name}.sdk.run"})
    monkeypatch.setitem(sys.modules, name, package)
    return package


@pytest.mark.parametrize(("name", "whole"), [("wandb", False), ("wandb", True), ("trackio", True)])
def test_runs_that_take_pictures_get_them(monkeypatch: pytest.MonkeyPatch, made: Make, name: str, whole: bool) -> None:
    package = of_package(monkeypatch, name)
    run = package.Run()
    package.log = run.log
    watch = made()
    watch.log_to(package if whole else run)
    watch(0)
    assert set(run.lines[1]) == {"step", "heatmap/deep.noise_fraction"}
    assert [line["step"] for line in run.lines] == [0, 0]
    assert run.lines[1]["heatmap/deep.noise_fraction"][0] == "picture"


def test_mlflow_gets_names_that_it_takes(made: Make) -> None:
    package: Any = types.ModuleType("mlflow")
    numbers: list[tuple[int, dict[str, float]]] = []
    pictures: list[tuple[str, Image.Image]] = []
    package.log_metrics = lambda values, step: numbers.append((step, values))
    package.log_image = lambda image, name: pictures.append((name, image))
    net = nn.Sequential(nn.Identity())
    net.add_module("a[0]", nn.Linear(3, 2))
    watch = made(net)
    watch.log_to(package)
    watch(0)
    assert [step for step, _ in numbers] == [0]
    assert set(numbers[0][1]) == {"a_0_/deep.noise_fraction", "model.mse"}
    assert pictures[0][0] == "heatmap/deep.noise_fraction/0.png"


def test_lightning_s_loggers_get_steps_and_pictures(made: Make) -> None:
    class Logger:
        def __init__(self) -> None:
            self.numbers: list[tuple[int, float]] = []
            self.pictures: list[tuple[str, tuple[int, ...]]] = []
            self.experiment = self

        def log_metrics(self, values: dict[str, float], step: int) -> None:
            self.numbers.append((step, values["model.mse"]))

        def add_image(self, name: str, image: np.ndarray[Any, Any], step: int, dataformats: str) -> None:
            self.pictures.append((name, image.shape[2:]))

    watch, logger = made(), Logger()
    watch.log_to(logger)
    watch(0)
    assert logger.numbers == [(0, watch.report.values("model.mse")["value"].item())]
    assert logger.pictures == [("heatmap/deep.noise_fraction", (3,))]


def test_pictures_are_drawn_when_there_is_more_to_see(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    package, watch = of_package(monkeypatch, "wandb"), made(steps=1)
    drawn: list[int] = []

    def drawing(report: deepnrc.Report, measure: str, **options: Any) -> None:
        drawn.append(len(report.steps))
        Image.new("RGB", (4, 4)).save(options["path"])

    monkeypatch.setattr(deepnrc.Report, "heatmap", drawing)
    watch.log_to(package.Run())
    with watch:
        for _ in range(12):
            watch()
    assert drawn == [1, 2, 3, 4, 5, 7, 9, 12]
    other = made()
    other.log_to(package.Run(), figures=())
    other(0)
    assert len(drawn) == 8


def test_what_is_no_logger_is_refused(made: Make) -> None:
    for odd in (None, "runs", TensorDataset(torch.zeros(1)), print):
        with pytest.raises(UsageError, match=r"logger must have log\(dict\), as a run of Weights & Biases has"):
            made().log_to(odd)


def test_what_loggers_need_is_exported() -> None:
    names = {"log_to", "lightning_callback", "transformers_callback", "stable_baselines3_callback"}
    assert names <= set(deepnrc.__all__)
    assert all(callable(getattr(deepnrc, name)) for name in names)
