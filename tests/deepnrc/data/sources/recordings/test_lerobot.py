"""LeRobot's data sets as folders."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data import load_data
from deepnrc.errors import DataError, UsageError


@pytest.fixture
def recorded(tmp_path):
    """Write a data set: episodes of some lengths, in files of so many episodes each; give the states and actions."""

    def write(lengths=(3, 2, 4), files=None, root=tmp_path / "set"):
        rng, parts = np.random.default_rng(0), []
        for episode, length in enumerate(lengths):
            state, action = rng.random((length, 3)).astype("f4"), rng.random((length, 2)).astype("f4")
            rows = {"observation.state": list(state), "action": list(action), "timestamp": np.arange(length) / 10}
            rows |= {"frame_index": np.arange(length), "episode_index": episode, "index": np.arange(length)}
            parts.append(pd.DataFrame({**rows, "task_index": 0}))
        (root / "meta").mkdir(parents=True)
        (root / "meta/info.json").write_text(json.dumps({"codebase_version": "v2.1", "fps": 10}))
        for name, members in (files or {f"episode_{e:06d}": [e] for e in range(len(lengths))}).items():
            path = root / "data" / f"chunk-{members[0] // 2:03d}" / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pd.concat([parts[e] for e in members]).to_parquet(path, index=False)
        whole = pd.concat(parts)
        return root, *(np.stack(whole[name]) for name in ("observation.state", "action"))

    return write


def read(root, **options):
    loader = load_data(str(root), **({"targets": ["action"]} | options))
    x, y = next(iter(loader))
    return x.numpy(), y.numpy(), loader.dataset.groups


@pytest.mark.parametrize(
    "files",
    [
        None,
        {"file-000": [0, 1], "file-001": [2]},
        {"episode_2": [0], "episode_10": [1, 2]},
    ],
)
def test_all_episodes_of_all_chunks_are_one_table(recorded, files):
    root, state, action = recorded(files=files)
    x, y, groups = read(root)
    assert np.array_equal(x, state)
    assert np.array_equal(y, action)
    assert groups.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2]


def test_keys_are_chosen_as_in_one_file(recorded):
    root, state, action = recorded()
    x, y, _ = read(root, targets=None, observations="observation.state", actions="action")
    assert np.array_equal(x, state)
    assert np.array_equal(y, action)
    assert read(root, dtype=torch.float64)[0].dtype == np.float64
    with pytest.raises(UsageError, match="Name the target columns"):
        read(root, targets=None)


def test_episodes_of_other_columns_are_refused(recorded):
    root, *_ = recorded()
    file = root / "data/chunk-000/episode_000001.parquet"
    pd.read_parquet(file).drop(columns="action").to_parquet(file)
    with pytest.raises(DataError, match=r"episode_000001.*differ in their columns: 'action'"):
        read(root)
    file.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"episode_000001.*cannot be read"):
        read(root)
