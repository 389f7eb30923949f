import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from deepnrc import Tracker, UsageError, transformers_callback
from deepnrc.measuring.provenance import fingerprint

X, Y = torch.linspace(-1, 1, 96).reshape(32, 3).sin(), torch.linspace(0, 2, 64).reshape(32, 2).cos()
Fit = Callable[..., Any]


class Net(nn.Module):
    """A network of the form that Hugging Face's Trainer asks for."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = nn.Linear(3, 6), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        logits = self.head(self.body(x).relu())
        loss = {} if labels is None else {"loss": (logits - labels).square().mean()}
        return {**loss, "logits": logits}


@pytest.fixture
def fit(tmp_path: Any) -> Fit:
    """Train with the real Trainer, watched."""

    def run(tracker: Tracker, **options: Any) -> Any:
        from transformers import Trainer, TrainingArguments

        rows = [{"x": x, "labels": y} for x, y in zip(X, Y, strict=True)]
        arguments = TrainingArguments(
            str(tmp_path), per_device_train_batch_size=8, report_to=[], disable_tqdm=True, use_cpu=True,
            save_strategy=options.pop("save_strategy", "no"), learning_rate=0.01, **options,
        )  # fmt: skip
        callbacks = [transformers_callback(tracker)]
        trainer = Trainer(tracker.model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=callbacks)
        trainer.train()
        return trainer

    return run


@pytest.mark.filterwarnings("ignore")
def test_the_real_trainer_is_watched_step_by_step(fit: Fit) -> None:
    tracker = Tracker(Net(), (X, Y), probes=["model.mse"])
    seen: list[Any] = []
    tracker.log_to(type("Log", (), {"log": lambda self, values: seen.append(values)})())
    fit(tracker, max_steps=5)
    assert tracker.report.steps == [0, 1, 2, 3, 4, 5]  # the last is not due
    assert [values["step"] for values in seen] == tracker.report.steps
    mse = tracker.report.values("model.mse")["value"]
    assert mse.iloc[-1] < mse.iloc[0]
    last = tracker.report.at(5).provenance[0]["model"]["fingerprint"]
    assert last == fingerprint(tracker.model)


@pytest.mark.filterwarnings("ignore")
def test_it_stops_the_real_trainer(fit: Fit) -> None:
    tracker = Tracker(Net(), (X, Y), probes=["model.mse"], stop_when=lambda report: report.steps == [3])
    trainer = fit(tracker, num_train_epochs=3)
    assert trainer.state.global_step == 3
    assert tracker.report.steps == [0, 1, 2, 3]


def test_without_transformers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"the package 'transformers', which is not installed\. pip install transf"):
        transformers_callback(Tracker(Net(), (X, Y)))
