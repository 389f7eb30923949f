import importlib
import sys
import types
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from deepnrc import Tracker, UsageError, lightning_callback


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[int, dict[str, float]]] = []

    def log_metrics(self, values: dict[str, float], step: int) -> None:
        self.lines.append((step, values))


class Trainer:
    """As much of Lightning's trainer as a callback sees."""

    def __init__(self, loggers: int = 1, first: bool = True) -> None:
        self.loggers = [Log() for _ in range(loggers)]
        self.is_global_zero, self.current_epoch, self.global_step = first, 0, 0

    def fit(self, callback: Any, epochs: int, start: int = 0) -> None:
        self.current_epoch, self.global_step = start, 10 * start
        callback.on_train_start(self, None)
        for epoch in range(start, epochs):
            self.current_epoch, self.global_step = epoch, 10 * (epoch + 1)
            callback.on_train_epoch_end(self, None)
        callback.on_train_end(self, None)


@pytest.fixture
def tracker() -> Tracker:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    return Tracker(net, (torch.randn(32, 3), torch.randn(32, 2)), probes=["deep.cka", "model.mse"])


def pretend(monkeypatch: pytest.MonkeyPatch, name: str) -> type:
    """A package with a Callback, in the place of Lightning; its other name cannot be imported."""
    for known in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, known, None)
    module = types.ModuleType(name)
    base = type("Callback", (), {})
    vars(module)["Callback"] = base
    if "." in name:
        monkeypatch.setitem(sys.modules, name.split(".")[0], types.ModuleType(name.split(".")[0]))
    monkeypatch.setitem(sys.modules, name, module)
    return base


@pytest.mark.parametrize("name", ["lightning.pytorch", "pytorch_lightning"])
def test_it_is_a_callback_of_the_lightning_that_is_there(
    monkeypatch: pytest.MonkeyPatch, tracker: Tracker, name: str
) -> None:
    base = pretend(monkeypatch, name)
    assert isinstance(lightning_callback(tracker), base)


def test_it_measures_before_training_and_after_epochs_and_logs(
    monkeypatch: pytest.MonkeyPatch, tracker: Tracker
) -> None:
    pretend(monkeypatch, "lightning.pytorch")
    trainer = Trainer(loggers=2)
    trainer.fit(lightning_callback(tracker), 6)
    assert tracker.report.steps == [0, 1, 2, 3, 4, 6]
    for logger in trainer.loggers:
        assert [step for step, _ in logger.lines] == [0, 10, 20, 30, 40, 60]
        forms = ("deep.cka", "deep.cka.signal", "deep.cka.first n columns")
        assert set(logger.lines[0][1]) == {f"{layer}/{form}" for layer in "01" for form in forms} | {"model.mse"}


def test_it_measures_the_last_epoch_and_hands_it_over(monkeypatch: pytest.MonkeyPatch, tracker: Tracker) -> None:
    pretend(monkeypatch, "lightning.pytorch")
    trainer = Trainer()
    trainer.fit(lightning_callback(tracker), 5)
    assert tracker.report.steps == [0, 1, 2, 3, 4, 5]
    assert [step for step, _ in trainer.loggers[0].lines] == [0, 10, 20, 30, 40, 50]


def test_it_works_without_a_logger(monkeypatch: pytest.MonkeyPatch, tracker: Tracker) -> None:
    pretend(monkeypatch, "lightning.pytorch")
    Trainer(loggers=0).fit(lightning_callback(tracker), 1)
    assert tracker.report.steps == [0, 1]


def test_a_resumed_training_does_not_call_its_start_step_0(monkeypatch: pytest.MonkeyPatch, tracker: Tracker) -> None:
    pretend(monkeypatch, "lightning.pytorch")
    Trainer().fit(lightning_callback(tracker), 7, start=4)
    assert tracker.report.steps == [4, 6, 7]


def test_only_the_first_process_measures(monkeypatch: pytest.MonkeyPatch, tracker: Tracker) -> None:
    pretend(monkeypatch, "lightning.pytorch")
    trainer = Trainer(first=False)
    trainer.fit(lightning_callback(tracker), 3)
    assert trainer.loggers[0].lines == []
    assert not tracker._reports


@pytest.mark.parametrize("strategy", [False, True])
def test_it_stops_the_trainer_where_the_tracker_says_so(
    monkeypatch: pytest.MonkeyPatch, tracker: Tracker, strategy: bool
) -> None:
    pretend(monkeypatch, "lightning.pytorch")
    asked: list[bool] = []

    class Strategy:
        def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:
            assert not all
            asked.append(decision)
            return decision

    trainer: Any = Trainer()
    trainer.should_stop = False
    if strategy:
        trainer.strategy = Strategy()
    tracker = Tracker(tracker.model, tracker.loader, probes=["deep.cka"], stop_when=lambda r: r.steps == [2])
    trainer.fit(lightning_callback(tracker), 1)
    assert not trainer.should_stop
    trainer.fit(lightning_callback(tracker), 2, start=1)
    assert trainer.should_stop
    assert asked == ([False, True] if strategy else [])


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tracker: Tracker) -> None:
    for known in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, known, None)
    with pytest.raises(UsageError, match=r"The Lightning callback needs Lightning: pip install lightning\."):
        lightning_callback(tracker)


def test_a_broken_lightning_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tracker: Tracker, tmp_path: Any
) -> None:
    for known in [name for name in sys.modules if name.split(".")[0] in ("lightning", "pytorch_lightning")]:
        monkeypatch.delitem(sys.modules, known)
    (tmp_path / "lightning").mkdir()
    (tmp_path / "lightning" / "__init__.py").write_text("import a_package_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"Lightning is installed but cannot be imported: No module named 'a_package"):
        lightning_callback(tracker)


@pytest.mark.filterwarnings("ignore")
def test_the_real_lightning_calls_it(tracker: Tracker, tmp_path: Any) -> None:
    pl = importlib.import_module("lightning.pytorch")

    class Module(pl.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = tracker.model

        def training_step(self, batch: Any, index: int) -> Any:
            return (self.net(batch[0]) - batch[1]).square().mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    logger = importlib.import_module("lightning.pytorch.loggers").CSVLogger(tmp_path)
    trainer = pl.Trainer(max_epochs=5, callbacks=[lightning_callback(tracker)], logger=logger, **quiet)
    data = torch.utils.data.TensorDataset(*tracker.loader)
    trainer.fit(Module(), torch.utils.data.DataLoader(data, batch_size=8))
    assert tracker.report.steps == [0, 1, 2, 3, 4, 5]
    written = pd.read_csv(tmp_path / "lightning_logs" / "version_0" / "metrics.csv")
    assert written["step"].tolist() == [0, 4, 8, 12, 16, 20]
    assert written["model.mse"].tolist() == pytest.approx(tracker.report.values("model.mse")["value"].tolist())
