import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

import deepnrc
from deepnrc import DataError, Tracker, UsageError

DATA = (torch.linspace(-1, 1, 96).reshape(32, 3).sin(), torch.linspace(0, 2, 64).reshape(32, 2).cos())


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 2))


def tracker(steps: Any = "log", **options: Any) -> Tracker:
    return Tracker(network(), DATA, steps=steps, probes=["deep.noise_fraction", "model.mse"], **options)


def due(steps: Any, last: int = 40) -> list[int]:
    watch = tracker(steps)
    return [step for step in range(last) if watch(step) is not None]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("log", [0, 1, 2, 3, 4, 6, 7, 10, 13, 18, 24, 32]),
        (15, [0, 15, 30]),
        ([30, 2], [2, 30]),
        (range(10, 14, 2), [10, 12]),
        (np.array([3, 5]), [3, 5]),
        (np.int64(20), [0, 20]),
        (iter([4]), [4]),
        ([], []),
    ],
)
def test_schedules(steps: Any, expected: list[int]) -> None:
    assert due(steps) == expected


@pytest.mark.parametrize("steps", ["linear", "", 0, -3, 2.5, True, None])
def test_a_schedule_that_is_none_is_refused(steps: Any) -> None:
    with pytest.raises(
        UsageError, match=r"steps must be 'log', a whole number from 1, or several whole numbers; it is"
    ):
        tracker(steps)


def test_steps_must_be_whole_numbers() -> None:
    with pytest.raises(UsageError, match=r"A step must be a whole number; it is 1\.5\."):
        tracker([1, 1.5])
    with pytest.raises(UsageError, match=r"A step must be a whole number; it is '3'\."):
        tracker()("3")  # type: ignore[arg-type]


def test_calls_are_counted_from_0_or_from_the_step_given() -> None:
    watch = tracker(2)
    measured = [watch() is not None for _ in range(3)]
    assert measured == [True, False, True]
    assert watch(10) is not None
    assert [watch() is not None for _ in range(2)] == [False, True]
    assert watch.report.steps == [0, 2, 10, 12]


def test_the_last_step_is_measured_at_the_end_of_the_block() -> None:
    with tracker([0]) as watch:
        for _ in range(6):
            watch()
    assert watch.report.steps == [0, 5]
    assert watch.finish() is None
    with tracker() as watch:
        for step in range(4):
            watch(step)
    assert watch.report.steps == [0, 1, 2, 3]


def test_a_network_that_was_trained_since_is_the_next_step_s() -> None:
    watch = tracker([0])
    for _ in range(6):
        watch()
        with torch.no_grad():
            for parameter in watch.model.parameters():
                parameter.mul_(0.9)
    measured = watch.finish()
    assert measured is not None
    assert measured.steps == [6]
    assert watch.finish() is None
    watch.finish(9)
    assert watch.report.steps == [0, 6, 9]


def test_an_error_in_the_block_goes_on_and_measures_nothing() -> None:
    watch = tracker([0])

    def train() -> None:
        with watch:
            watch(0)
            watch(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert watch.report.steps == [0]
    with tracker() as idle:
        pass
    assert not idle._reports


def test_force_measures_what_is_not_due_but_nothing_twice() -> None:
    watch = tracker([0])
    assert watch(0) is not None
    assert watch(7) is None
    assert watch(7, force=True) is not None
    assert watch(7, force=True) is None
    assert watch(0) is None
    assert watch.report.steps == [0, 7]


def test_the_report_has_steps_in_order_and_the_run_s_label() -> None:
    watch = tracker(run="mine")
    for step in (3, 1, 2):
        watch(step)
    assert watch.report.table["step"].drop_duplicates().tolist() == [1, 2, 3]
    assert watch.report.runs == ["mine"]
    assert [record["step"] for record in watch.report.provenance] == [1, 2, 3]
    with pytest.raises(DataError, match="Nothing has been measured yet: call the tracker once an epoch"):
        tracker().report  # noqa: B018


def trained(watched: bool) -> dict[str, Any]:
    """Train with shuffling, dropout and batch norm, from torch's global random numbers."""
    net = network()
    loader = DataLoader(TensorDataset(*DATA), batch_size=8, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters())
    watch = Tracker(net, DataLoader(TensorDataset(*DATA), batch_size=8, shuffle=True), probes="deep.*")
    for _ in range(5):
        net.train()
        for x, y in loader:
            optimizer.zero_grad()
            (net(x) - y).square().mean().backward()
            optimizer.step()
        if watched:
            assert watch() is not None
            assert net.training
    return {"net": copy.deepcopy(net.state_dict()), "grads": [p.grad for p in net.parameters()], "next": torch.rand(1)}


def test_training_goes_on_bit_for_bit_as_if_it_had_not_been_watched() -> None:
    alone, watched = trained(False), trained(True)
    assert alone["net"].keys() == watched["net"].keys()
    assert all(torch.equal(value, watched["net"][name]) for name, value in alone["net"].items())
    assert all(map(torch.equal, alone["grads"], watched["grads"]))
    assert torch.equal(alone["next"], watched["next"])


def test_modules_keep_their_own_training_flags_and_no_hook_stays() -> None:
    watch = tracker()
    watch.model[1].eval()  # type: ignore[index]
    watch()
    assert [module.training for module in watch.model.children()] == [True, False, True, True, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in watch.model.modules())


def test_the_folder_holds_what_was_measured_before_ctrl_c(tmp_path: Path) -> None:
    watch = tracker(folder=tmp_path / "run")
    watch()
    watch()
    assert deepnrc.load(tmp_path / "run").steps == [0, 1]

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    handle = watch.model[2].register_forward_hook(interrupt)  # type: ignore[index]
    with pytest.raises(KeyboardInterrupt):
        watch()
    handle.remove()
    assert deepnrc.load(tmp_path / "run").steps == [0, 1]
    assert watch.report.steps == [0, 1]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in watch.model.modules())
    assert all(module.training for module in watch.model.modules())


def test_a_folder_that_is_a_file_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"'.*file' is a file where a folder is needed"):
        tracker(folder=tmp_path / "file")


@pytest.mark.parametrize("failing", ["write_bytes", "replace", "mkdir"])
def test_training_goes_on_while_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    watch = tracker(folder=tmp_path / "run")
    watch()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, failing, full)
        for _ in range(2):
            with pytest.warns(
                UserWarning, match=r"written to '.*run' \(No space left on device\).*the next measurement"
            ):
                assert watch() is not None
    assert deepnrc.load(tmp_path / "run").steps == [0]
    assert watch.report.steps == [0, 1, 2]
    watch()
    assert deepnrc.load(tmp_path / "run").steps == [0, 1, 2, 3]


def test_options_reach_the_probe() -> None:
    watch = Tracker(network(), DATA, layers="4", rank=1, probes="deep.noise*")
    watch()
    assert set(watch.report.table["layer"]) == {"4"}
    assert set(watch.report.table["rank"]) == {1}
    assert set(watch.report.measures) == {"deep.noise", "deep.noise_fraction", "deep.noise_alignment"}


def test_an_endless_loader_is_read_up_to_max_samples() -> None:
    watch = Tracker(network(), [DATA] * 3, max_samples=40, probes="deep.cka")
    watch()
    assert set(watch.report.table["n_samples"]) == {40}
    endless = Tracker(network(), itertools.repeat(DATA), max_samples=40, probes="deep.cka")
    endless()
    assert set(endless.report.table["n_samples"]) == {40}


def test_the_label_is_a_word() -> None:
    watch = tracker(run=5)
    watch()
    assert watch.report.runs == ["5"]
    assert watch.report.provenance[0]["run"] == "5"


def loaders(kind: str) -> DataLoader[Any]:
    data, g = TensorDataset(*DATA), torch.Generator().manual_seed(3)
    if kind == "loader":
        return DataLoader(data, 8, shuffle=True, generator=g)
    drawn = RandomSampler(data, generator=g)
    return (
        DataLoader(data, batch_sampler=BatchSampler(drawn, 8, False))
        if kind == "batches"
        else DataLoader(data, 8, sampler=drawn)
    )


@pytest.mark.parametrize("kind", ["loader", "sampler", "batches"])
def test_a_loader_s_own_generator_goes_on_as_if_it_had_not_been_watched(kind: str) -> None:
    def batches(watched: bool) -> list[list[float]]:
        loader = loaders(kind)
        watch = Tracker(network(), loader, steps=1, probes=["deep.noise_fraction"])
        seen = []
        for _ in range(3):
            for x, _ in loader:
                seen.append(x.flatten().tolist())
            if watched:
                watch()
        return seen

    assert batches(watched=True) == batches(watched=False)


def test_a_loader_s_own_generator_is_put_back_after_an_error() -> None:
    loader = loaders("loader")
    before = loader.generator.get_state()
    with pytest.raises(UsageError):
        deepnrc.probe(nn.Linear(3, 2), loader, layers="weights", rank=99, progress=False)
    assert torch.equal(loader.generator.get_state(), before)


def test_a_gate_that_cannot_open_is_refused() -> None:
    with pytest.raises(UsageError, match=r"stop_when='collapsed' rests on 'deep\.feature_weight_alignment'"):
        tracker(stop_when="collapsed")()
    with pytest.raises(UsageError, match="stop_when must be 'collapsed', a function of the latest report, or None"):
        tracker(stop_when="collapse")
    with pytest.raises(UsageError, match="tau is a noise fraction"):
        tracker(tau=2)
