"""In what runs may not differ, each in words that name the folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import Tracker, UsageError

Make = Callable[..., Tracker]
X, Y = torch.linspace(-1, 1, 96).reshape(32, 3).sin(), torch.linspace(0, 2, 64).reshape(32, 2).cos()


def renamed(net: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(net[0], nn.ReLU(), nn.Identity(), net[2])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"run": "b"}, "is of run 'a', and this is run 'b'"),
        (
            {"width": 7},
            r"is of a network .*Sequential of 38 parameters, and this one is a .*Sequential of 44 parameters",
        ),
        ({"renamed": True}, "is of a network whose parameters have other names or shapes"),
        ({"rank": 1}, "was measured with other arguments: rank was not given and is 1"),
        (
            {"probes": ["model.mse"]},
            r"was measured with other arguments: probes was \['deep\.noise_fraction', 'model\.mse'\] and is \['m",
        ),
        ({"data": (X + 1, Y)}, "was measured on other data, or on its samples in another order"),
        ({"data": (X.flip(0), Y.flip(0))}, "was measured on other data, or on its samples in another order"),
        ({"max_samples": 20}, "was measured with other arguments: max_samples was not given and is 20"),
        ({"held_out": (X, Y)}, "was measured on other data"),
    ],
)
def test_a_folder_of_something_else_is_refused(
    made: Make, net: Callable[..., Any], tmp_path: Path, other: dict[str, Any], said: str
) -> None:
    made(folder=tmp_path / "run", run="a")(0)
    there = (tmp_path / "run" / "manifest.json").read_bytes()
    model = net(other.pop("width", 6))
    model = renamed(model) if other.pop("renamed", False) else model
    asked = {"folder": tmp_path / "run", "run": "a", **other}
    with pytest.raises(
        UsageError,
        match=rf"folder='.*run' holds a report that {said}.*Name another folder, or begin anew with replace=True\.",
    ):
        made(model, **asked)
    assert (tmp_path / "run" / "manifest.json").read_bytes() == there


def test_what_changes_no_value_may_differ(made: Make, tmp_path: Path) -> None:
    made(folder=tmp_path, held_out=(X, Y))(0)
    batches = list(zip(X.split(5), Y.split(5), strict=True))
    again = made(data=batches, folder=tmp_path, held_out=batches, progress=True, device="cpu", steps=7, tau=0.1)
    assert again.report.steps == [0]


def test_a_report_that_no_tracker_wrote_is_refused(made: Make, tmp_path: Path) -> None:
    deepnrc.probe(made().model, (X, Y), probes="deep.cka", progress=False).save(tmp_path)
    with pytest.raises(UsageError, match="holds a report that no tracker wrote, or one of a version that does not"):
        made(folder=tmp_path)
    both = deepnrc.load(tmp_path) + deepnrc.load(tmp_path).renamed("b")
    both.save(tmp_path, replace=True)
    with pytest.raises(UsageError, match="holds a report that is of several runs, 'Sequential', 'b'"):
        made(folder=tmp_path)


def test_data_that_is_given_once_is_told_at_the_first_measurement(made: Make, tmp_path: Path) -> None:
    made(folder=tmp_path)(0)
    watch = made(data=iter([(X + 1, Y)]), folder=tmp_path)
    with pytest.raises(UsageError, match="was measured on other data"):
        watch(1)
    assert deepnrc.load(tmp_path).steps == [0]
