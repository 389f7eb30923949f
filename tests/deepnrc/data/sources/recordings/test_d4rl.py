from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.recordings.d4rl import read_d4rl
from deepnrc.errors import DataError

h5py = pytest.importorskip("h5py")


def _write(path: Path, **arrays: Any) -> str:
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file[key.replace("__", "/")] = array
    return str(path)


def test_observations_meet_actions_row_by_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 11)), rng.normal(size=(300, 3)).astype(np.float32)
    extra = {"rewards": np.ones(300), "terminals": np.zeros(300, dtype=bool), "infos__qpos": np.ones((300, 2))}
    batches = list(load_data(_write(tmp_path / "hopper.hdf5", observations=x, actions=y, **extra)))
    assert [len(x) for x, _ in batches] == [256, 44]
    assert torch.equal(torch.cat([b[0] for b in batches]), torch.tensor(x, dtype=torch.float32))
    assert torch.equal(torch.cat([b[1] for b in batches]), torch.tensor(y))


def test_episodes_in_groups_come_in_order_without_the_last_observation(tmp_path: Path) -> None:
    arrays = {}
    for number, seen in ((0, 3), (2, 3), (10, 2)):
        arrays[f"episode_{number}__observations"] = np.full((seen, 1), number) + np.arange(seen)[:, None] / 10
        arrays[f"episode_{number}__actions"] = np.full((2, 1), number)
    ((x, y),) = load_data(_write(tmp_path / "a.h5", **arrays), dtype=torch.float64)
    assert x[:, 0].tolist() == pytest.approx([0, 0.1, 2, 2.1, 10, 10.1])
    assert y[:, 0].tolist() == [0, 0, 2, 2, 10, 10]


def test_actions_that_are_choices_are_classes(tmp_path: Path) -> None:
    ((_, y),) = load_data(_write(tmp_path / "a.h5", observations=np.ones((3, 2)), actions=np.array([2, 0, 1])))
    assert (y.dtype, y.tolist()) == (torch.int64, [2, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"observations": np.ones((3, 8, 8, 3)), "actions": np.ones((3, 1))},
            r"'/observations' in '.*' is an array \(3, 8, 8, 3\), not one vector for each step\. Flatten them in a",
        ),
        (
            {"observations__image": np.ones((3, 2)), "actions": np.ones((3, 1))},
            r"'/observations' in '.*' is a group, not",
        ),
        (
            {"observations": np.ones((3, 2)), "actions": np.ones((2, 1))},
            r"holds x \(3, 2\) and y \(2, 1\); there must be",
        ),
        ({"rgb": np.ones((3, 2)), "targets": np.ones((2, 1))}, r"a CARLA recording, not observations and actions"),
    ],
)
def test_what_is_not_one_vector_for_each_step_is_refused(tmp_path: Path, arrays: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_d4rl(Path(_write(tmp_path / "a.h5", **arrays)), torch.float32)
