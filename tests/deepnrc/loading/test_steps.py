"""Steps of checkpoints, by the numbers in their names."""

from pathlib import Path

import pytest

from deepnrc.errors import UsageError
from deepnrc.loading import checkpoint_files, steps_of


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["net-1.pt", "net-10.pt", "net-2.pt"], [1, 10, 2]),
        (["resnet18_epoch_5.pth", "resnet18_epoch_10.pth"], [5, 10]),
        (["epoch=1-step=100.ckpt", "epoch=2-step=200.ckpt"], [100, 200]),
        (["epoch_1_iter_7.pt", "epoch_1_iter_8.pt"], [7, 8]),
        (["0.pt", "1.pt"], [0, 1]),
        (["model_000010.safetensors"], [10]),
        (["rl_model_5000_steps.zip", "rl_model_10000_steps.zip"], [5000, 10000]),
    ],
)
def test_the_number_by_which_names_differ(names, steps):
    assert steps_of([Path(name) for name in names]) == steps


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["last.pt", "best.pt"], "none of their numbers is another in each"),
        (["net-1.pt", "last.pt"], "not the same number of numbers"),
        (["a1-b2.pt", "a2-b1.pt"], "2 numbers differ"),
        (["net-1.pt", "net-01.pt"], "none of their numbers"),
    ],
)
def test_what_cannot_be_told_is_asked_for(names, why):
    with pytest.raises(UsageError, match=rf"{why}.*Give the steps: steps=\[1, 2\]"):
        steps_of([Path(name) for name in names])


def test_a_pattern_a_folder_or_files(tmp_path):
    for name in ("a-1.pt", "a-2.pt", "b-1.safetensors", "notes.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "a-3.pt").mkdir()
    assert [p.name for p in checkpoint_files(tmp_path / "a-*.pt")] == ["a-1.pt", "a-2.pt"]
    assert [p.name for p in checkpoint_files(str(tmp_path))] == ["a-1.pt", "a-2.pt", "b-1.safetensors"]
    assert [p.name for p in checkpoint_files([tmp_path / "b-1.safetensors"])] == ["b-1.safetensors"]
    with pytest.raises(UsageError, match=r"no checkpoint at .*checkpoint='ck/\*\.pt'"):
        checkpoint_files(tmp_path / "c*.pt")


def test_a_pattern_from_here(tmp_path, monkeypatch):
    (tmp_path / "ck").mkdir()
    (tmp_path / "ck/x1.pt").write_text("")
    monkeypatch.chdir(tmp_path)
    assert checkpoint_files("ck/*.pt") == [Path("ck/x1.pt")]
