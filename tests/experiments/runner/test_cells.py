"""Cells: what their key depends on, and how they are stored."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file

import deepnrc
from experiments.data.lowrank import LowRank
from experiments.networks.mlp import Mlp
from experiments.runner import cells
from experiments.runner.study import Study


@pytest.fixture
def key(setting):
    base = setting("a")
    data = base.data.load(0)

    def of(seed=0, split=data, label="a", recipe=None, **changed):
        described = setting(label, **changed)
        if recipe:
            described = dataclasses.replace(described, recipe=dataclasses.replace(described.recipe, **recipe))
        return cells.make(described, seed, split).key

    return of


def test_the_same_configuration_has_the_same_key(key):
    assert key() == key()


def test_names_and_facts_are_no_part_of_the_key(key):
    assert key(label="b", apart={"anything": 1}) == key()


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1}, {"recipe": {"lr": 0.1}}, {"recipe": {"weight_decay": 0.1}}, {"recipe": {"epochs": 3}},
        {"recipe": {"optimizer": "adam"}}, {"recipe": {"cuts": ()}}, {"network": Mlp((8, 8, 9))},
        {"network": Mlp((8, 8, 8), last_relu=False)}, {"network": Mlp((8, 8, 8), norm="layer")}, {"probe": {"rank": 3}},
        {"probe": {}}, {"steps": (1,)}, {"data": LowRank(rank=2, target_dim=4, input_dim=6, samples=100, noise=0.1)},
    ],
)  # fmt: skip
def test_everything_else_is(key, changed):
    assert key(**changed) != key()


def test_a_plan_is_what_a_study_trains(setting):
    def of(**changed):
        fields = {"name": "one", "about": "", "settings": (setting("a"),), "seeds": (0, 1)}
        return cells.plan(Study(**{**fields, **changed}))

    assert of(name="other", about="Other.", settings=(setting("b", apart={"anything": 1}),)) == of()
    assert (
        len({of(), of(seeds=(0,)), of(settings=(setting("a", epochs=77),)), of(settings=(setting("a"), setting("b")))})
        == 4
    )


@pytest.mark.parametrize("part", ["x", "y", "x_test", "y_test"])
def test_the_datas_content_is_part_of_the_key(key, setting, part):
    data = setting("a").data.load(0)
    one = getattr(data, part).clone()
    one[3, 0] += 1e-6
    assert key(split=dataclasses.replace(data, **{part: one})) != key()


@pytest.fixture
def ran(setting, tmp_path):
    def run(label="a", **changed):
        described = setting(label, **changed)
        data = described.data.load(0)
        cell = cells.make(described, 0, data)
        cells.run(cell, data, tmp_path, threads=1)
        return cell, data, tmp_path / cell.key

    return run


def test_a_cell_stores_its_report_its_weights_and_its_settings(ran, tmp_path):
    cell, data, folder = ran(epochs=3)
    assert cells.done(cell, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [cell.key]
    record = json.loads((folder / "cell.json").read_text())
    assert (record["seed"], record["label"], record["diverged"]) == (0, "a", None)
    assert record["setting"]["recipe"]["epochs"] == 3
    assert record["setting"]["data"]["rank"] == 2
    net = cell.setting.network.build(data, 0)
    net.load_state_dict(load_file(folder / "network.safetensors"))
    with torch.no_grad():
        assert record["test_loss"] == pytest.approx(float((net(data.x_test) - data.y_test).square().mean()))
    report = deepnrc.load(folder)
    assert report.steps == [0, 1, 2, 3]
    last = report.table.query("step == 3 and measure == 'model.mse'")["value"].iloc[0]
    with torch.no_grad():
        assert last == pytest.approx(float((net(data.x) - data.y).square().mean()), rel=1e-5)


def test_chosen_steps_are_joined_by_the_first_and_the_last(ran):
    _, _, folder = ran(epochs=5, steps=(2,))
    assert deepnrc.load(folder).steps == [0, 2, 5]


def test_a_run_that_diverges_keeps_what_was_measured(ran):
    _, _, folder = ran(lr=1e6, epochs=30, steps=(29,))
    record = json.loads((folder / "cell.json").read_text())
    assert "Lower the learning rate" in record["diverged"]
    assert record["explained"] == []
    assert deepnrc.load(folder).steps == [0]


def test_data_that_cannot_be_probed_is_no_divergence(setting, tmp_path):
    described = setting("a")
    data = described.data.load(0)
    data.y[0, 0] = float("nan")
    with pytest.raises(deepnrc.DataError, match=r"NaN|nan|finite"):
        cells.run(cells.make(described, 0, data), data, tmp_path, threads=1)
    assert not list(tmp_path.iterdir())


def test_a_cell_stored_by_another_worker_meanwhile_stays(ran, tmp_path, monkeypatch):
    _, _, folder = ran()
    before = (folder / "cell.json").read_text()
    answers = iter([False, True])
    monkeypatch.setattr(cells, "done", lambda cell, store: next(answers))
    monkeypatch.setattr(cells.shutil, "rmtree", lambda path, **_: path == folder or remove(path))
    ran()
    assert (folder / "cell.json").read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def remove(path):
    for part in path.iterdir():
        part.unlink()
    path.rmdir()


def test_a_folder_without_its_record_is_made_anew(ran, tmp_path):
    cell, _, folder = ran()
    (folder / "cell.json").unlink()
    assert not cells.done(cell, tmp_path)
    ran()
    assert cells.done(cell, tmp_path)


def test_explained_shares_are_r2_along_the_targets_own_directions():
    g = torch.Generator().manual_seed(0)
    drawn = torch.randn(500, 2, generator=g, dtype=torch.float64)
    white = torch.linalg.qr(drawn - drawn.mean(0)).Q
    basis = torch.linalg.qr(torch.randn(3, 3, generator=g, dtype=torch.float64)).Q
    targets = 2 + (white * torch.tensor([3.0, 1.0])) @ basis[:, :2].T
    outputs = 5 + (white * torch.tensor([3.0, 0.5])) @ basis[:, :2].T
    assert cells.explained(outputs, targets) == pytest.approx([1, 0.75])
    assert cells.explained(outputs, targets, rank=1) == pytest.approx([1])
    assert cells.explained(outputs, targets, rank=3) == pytest.approx([1, 0.75])
    assert cells.explained(torch.zeros_like(targets), targets) == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize(("epochs", "count"), [(0, 1), (1, 2), (10, 8), (100, 16)])
def test_points_counts_the_log_spaced_epochs(epochs, count):
    assert cells.points(epochs) == count
