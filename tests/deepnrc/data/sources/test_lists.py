from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError

RNG = np.random.default_rng(0)
STATE, GRIPPER = RNG.random((6, 3)).astype(np.float32), RNG.random((6, 1))
ACTION = RNG.random((6, 2))


@pytest.fixture
def lerobot(tmp_path: Path) -> str:
    """LeRobot's layout: vectors in cells, and the columns that it adds."""
    frame = pd.DataFrame(
        {
            "observation.state": list(STATE),
            "observation.gripper": list(GRIPPER),
            "action": list(ACTION),
            "timestamp": np.arange(6, dtype=np.float32) / 10,
            "frame_index": [0, 1, 2, 0, 1, 2],
            "episode_index": [4, 4, 4, 7, 7, 7],
            "index": np.arange(6),
            "task_index": np.zeros(6, np.int64),
        }
    )
    frame.to_parquet(tmp_path / "episode.parquet")
    return str(tmp_path / "episode.parquet")


@pytest.mark.parametrize("named", [{"targets": ["action"]}, {"actions": "action"}])
def test_columns_of_vectors_are_spread_and_bookkeeping_is_left_out(lerobot: str, named: dict[str, Any]) -> None:
    loader = load_data(lerobot, dtype=torch.float64, **named)
    ((x, y),) = loader
    assert np.array_equal(x.numpy(), np.concatenate([STATE, GRIPPER], 1))
    assert np.array_equal(y.numpy(), ACTION)
    assert loader.dataset.groups.tolist() == [0, 0, 0, 1, 1, 1]  # type: ignore[attr-defined]


def test_observations_are_chosen_by_key(lerobot: str) -> None:
    ((x, _),) = load_data(lerobot, observations="observation.state", actions="action", dtype=torch.float64)
    assert np.array_equal(x.numpy(), STATE)
    ((x, _),) = load_data(lerobot, observations="timestamp,observation.gripper", actions="action")
    assert x.shape == (6, 2)


def test_what_is_not_there_is_listed(lerobot: str) -> None:
    for options, words in (
        ({}, r"Name the target columns of .* Its columns are 'observation\.state', 'observation\.gripper', 'action'"),
        ({"actions": "action", "observations": "state"}, r"has no column 'state'"),
        ({"actions": "action", "targets": ["action"]}, r"Both targets and actions were given"),
    ):
        with pytest.raises(UsageError, match=words):
            load_data(lerobot, **options)  # type: ignore[arg-type]


def test_vectors_of_different_lengths_and_words_are_refused(tmp_path: Path) -> None:
    for cells, words in (([[1.0], [1.0, 2.0]], "lists of different lengths"), ([["a"], ["b"]], "holds .* not vectors")):
        pd.DataFrame({"a": cells, "y": [0.5, 1.5]}).to_parquet(tmp_path / "a.parquet")
        with pytest.raises(DataError, match=words):
            load_data(str(tmp_path / "a.parquet"), targets=["y"])
