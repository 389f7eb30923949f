"""A run that goes on in its folder, and folders of other runs that stay as they are."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import Tracker, UsageError

Make = Callable[..., Tracker]
Train = Callable[[Tracker, range], Tracker]
Net = Callable[..., nn.Sequential]


def test_a_run_that_begins_again_goes_on_where_it_was(made: Make, trained: Train, tmp_path: Path) -> None:
    alone = trained(made(), range(5)).report
    trained(made(folder=tmp_path / "run"), range(3))
    seen = []
    watch = made(folder=tmp_path / "run")
    assert watch.report.steps == [0, 1, 2]
    watch.model.register_forward_hook(lambda *_: seen.append(1))
    trained(watch, range(3))
    assert not seen  # nothing is measured twice
    trained(watch, range(3, 5))
    assert deepnrc.load(tmp_path / "run").steps == [0, 1, 2, 3, 4]
    pd.testing.assert_frame_equal(watch.report.table, alone.table)
    pd.testing.assert_frame_equal(deepnrc.load(tmp_path / "run").table, alone.table)


def test_a_run_goes_on_from_a_checkpoint_between_what_was_measured(made: Make, trained: Train, tmp_path: Path) -> None:
    alone = trained(made(steps=[0, 2, 3, 4]), range(5)).report
    trained(made(folder=tmp_path, steps=[0, 2, 3]), range(4))
    checkpoint = trained(made(steps=[]), range(1)).model
    watch = trained(made(checkpoint, folder=tmp_path, steps=[0, 2, 3, 4]), range(1, 5))
    again = deepnrc.load(tmp_path)
    pd.testing.assert_frame_equal(again.table, watch.report.table)
    pd.testing.assert_frame_equal(again.table, alone.table)


def test_a_training_that_takes_another_way_is_measured_anew_from_the_fork(
    made: Make, trained: Train, tmp_path: Path
) -> None:
    trained(made(folder=tmp_path, steps=[0, 2, 3]), range(4))
    other = trained(made(steps=[]), range(2)).model
    with torch.no_grad():
        other[0].bias.add_(1e-3)  # type: ignore[index, union-attr, operator]
    watch = made(other, folder=tmp_path)
    watch(1)
    with pytest.warns(UserWarning, match=r"another way than the one in '.*' by step 2, .* from there on all is measur"):
        watch(2)
    assert watch.report.steps == deepnrc.load(tmp_path).steps == [0, 1, 2]
    held = deepnrc.load(tmp_path).at(2).provenance[0]["model"]["fingerprint"]
    assert held == watch.report.at(2).provenance[0]["model"]["fingerprint"]


@pytest.mark.parametrize("first", [0, 2])
def test_another_run_is_never_overwritten(made: Make, trained: Train, net: Net, tmp_path: Path, first: int) -> None:
    before = trained(made(folder=tmp_path), range(4)).report
    watch = made(net(seed=1), folder=tmp_path)
    with pytest.raises(UsageError, match=rf"folder='.*' holds another run: at step {first} its network had other wei"):
        watch(first)
    pd.testing.assert_frame_equal(deepnrc.load(tmp_path).table, before.table)


def test_a_run_that_begins_before_the_folder_s_is_another_one(made: Make, trained: Train, tmp_path: Path) -> None:
    trained(made(folder=tmp_path, steps=1), range(5, 7))
    with pytest.raises(UsageError, match=r"that begins at step 5, and this run at step 0\. Name another"):
        made(folder=tmp_path)(0)
    assert deepnrc.load(tmp_path).steps == [5, 6]


def test_replace_begins_anew(made: Make, trained: Train, net: Net, tmp_path: Path) -> None:
    trained(made(folder=tmp_path), range(4))
    watch = made(net(seed=1), folder=tmp_path, replace=True)
    assert deepnrc.load(tmp_path).steps == [0, 1, 2, 3]
    watch(7)
    assert deepnrc.load(tmp_path).steps == [7]


def test_what_somebody_else_writes_meanwhile_stays(made: Make, trained: Train, tmp_path: Path) -> None:
    trained(made(folder=tmp_path), range(3))
    watch, other = made(folder=tmp_path), made(folder=tmp_path)
    trained(watch, range(4))
    with pytest.warns(UserWarning, match="holds a report that somebody else wrote meanwhile"):
        trained(other, (*range(3), 4))  # within one second the same steps would make the very same report
    assert deepnrc.load(tmp_path).steps == [0, 1, 2, 3]


def test_the_reference_of_a_run_that_goes_on_is_its_step_0(made: Make, trained: Train, tmp_path: Path) -> None:
    trained(made(folder=tmp_path), range(2))
    watch = trained(made(folder=tmp_path), range(3))
    noise = watch.report.values("deep.noise_fraction").set_index(["step", "depth"])
    assert noise.loc[2, "reference"].tolist() == noise.loc[0, "value"].tolist()
