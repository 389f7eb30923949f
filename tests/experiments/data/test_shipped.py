"""The shipped recordings load, hold what they say, and a typo is met with the names there are."""

import numpy as np
import pytest
import torch

from experiments.data.describe import HEAD, rows
from experiments.data.shipped import FOLDER, load, names

SHAPES = {
    "hopper_10k": (10_000, 11, 3),
    "reacher_10k": (10_000, 10, 2),
    "reacher_1k": (1_000, 10, 2),
    "swimmer_10k": (10_000, 8, 2),
    "swimmer_1k": (1_000, 8, 2),
}


def test_names_are_the_shipped_files() -> None:
    assert set(SHAPES) <= set(names())


@pytest.mark.parametrize("name", SHAPES)
def test_pairs_have_their_shapes_and_are_finite(name: str) -> None:
    x, y = load(name)
    pairs, d, n = SHAPES[name]
    assert x.shape == (pairs, d)
    assert y.shape == (pairs, n)
    assert x.dtype == y.dtype == torch.float32
    assert x.isfinite().all()
    assert y.isfinite().all()


@pytest.mark.parametrize("name", SHAPES)
def test_actions_are_executed_ones(name: str) -> None:
    _, y = load(name)
    assert y.abs().max() <= 1


@pytest.mark.parametrize("task", ["reacher", "swimmer"])
def test_the_small_recording_opens_the_large_one(task: str) -> None:
    small, large = load(f"{task}_1k"), load(f"{task}_10k")
    assert torch.equal(small[0], large[0][:1000])
    assert torch.equal(small[1], large[1][:1000])


@pytest.mark.parametrize("name", SHAPES)
def test_a_recording_tells_its_origin(name: str) -> None:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        assert str(file["environment"]).lower().startswith(name.split("_")[0])
        assert dict(zip(file["packages"], file["versions"], strict=True)).keys() == {"gymnasium", "mujoco", "numpy"}
        assert int(file["seed"]) >= 0
        assert float(file["mean_return"]) == pytest.approx(file["returns"].mean())


def test_the_readme_shows_the_files_as_they_are() -> None:
    text = (FOLDER / "README.md").read_text()
    for row in [*HEAD, *rows()]:
        assert row in text, "Print the table anew with `python -m experiments.data.describe`."


def test_a_typo_is_told_the_nearest_names() -> None:
    with pytest.raises(ValueError, match=r"named 'swimer_1k'. Did you mean swimmer_1k or .*There are: hopper_10k, rea"):
        load("swimer_1k")


def test_a_name_like_no_other_is_told_the_list() -> None:
    with pytest.raises(ValueError, match=r"named 'zzz'\. There are: hopper_10k"):
        load("zzz")
