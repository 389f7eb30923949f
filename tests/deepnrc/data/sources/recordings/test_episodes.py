import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.recordings.episodes import read_episodes
from deepnrc.errors import DataError, UsageError

minari = pytest.importorskip("minari")
spaces = pytest.importorskip("gymnasium.spaces")


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a Minari data set of episodes (observations, actions) without a network."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))

    def write(episodes: list[tuple[Any, Any]], observed: Any, done: Any, name: str = "toy/walk/expert-v0") -> None:
        buffers = [
            minari.data_collector.EpisodeBuffer(
                observations=x,
                actions=y,
                rewards=[0.0] * len(y),
                terminations=[False] * len(y),
                truncations=[False] * (len(y) - 1) + [True],
            )
            for x, y in episodes
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it would like an author, an algorithm and an environment
            minari.create_dataset_from_buffers(name, buffers, observation_space=observed, action_space=done)

    return write


def _box(width: int) -> Any:
    return spaces.Box(-9, 9, (width,), dtype=np.float64)


def _episodes(rng: np.random.Generator, *lengths: int) -> list[tuple[Any, Any]]:
    return [(rng.uniform(size=(T + 1, 3)), rng.uniform(size=(T, 2))) for T in lengths]


@pytest.mark.parametrize("spec", ["toy/walk/expert-v0", "minari:toy/walk/expert-v0"])
def test_observations_meet_the_actions_taken_on_them(record: Any, spec: str) -> None:
    episodes = _episodes(np.random.default_rng(0), 4, 1, 6)
    record(episodes, _box(3), _box(2))
    ((x, y),) = load_data(spec)
    assert torch.equal(x, torch.tensor(np.concatenate([x[:-1] for x, _ in episodes]), dtype=torch.float32))
    assert torch.equal(y, torch.tensor(np.concatenate([y for _, y in episodes])))


def test_actions_that_are_choices_are_classes(record: Any) -> None:
    record([(np.ones((4, 3)), np.array([2, 0, 1]))], _box(3), spaces.Discrete(3))
    _, y = read_episodes("toy/walk/expert-v0", torch.float32).tensors
    assert y.dtype == torch.int64
    assert y.tolist() == [2, 0, 1]


def test_a_data_set_that_is_not_there_names_those_that_are(record: Any) -> None:
    record(_episodes(np.random.default_rng(0), 4), _box(3), _box(2))
    words = (
        r"There is no local Minari data set 'toy/wolk/expert-v0'\. Did you mean 'toy/walk/expert-v0'\? "
        r"Local ones: 'toy/walk/expert-v0'\. Download it with: minari download toy/wolk/expert-v0"
    )
    with pytest.raises(DataError, match=words):
        load_data("toy/wolk/expert-v0")


def test_no_local_data_set_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"no local Minari data set 'a-v0'\. Local ones: none"):
        load_data("minari:a-v0")


def test_observations_in_a_dict_are_chosen_by_key(record: Any) -> None:
    rng, y = np.random.default_rng(0), np.zeros((3, 2))
    episodes = [({"at": rng.random((4, 3)), "goal": {"left": rng.random((4, 1))}}, y + number) for number in range(2)]
    record(episodes, spaces.Dict({"at": _box(3), "goal": spaces.Dict({"left": _box(1)})}), _box(2))
    with pytest.raises(UsageError, match=r"holds several observations: 'at' \(4, 3\), 'goal/left' \(4, 1\)\. Choose"):
        load_data("toy/walk/expert-v0")
    for names in ("goal/left,at", "at"):
        loader = load_data("toy/walk/expert-v0", observations=names, dtype=torch.float64)
        ((x, _),) = loader
        parts = [{"at": seen["at"], "goal/left": seen["goal"]["left"]} for seen, _ in episodes]
        rows = [np.concatenate([part[name] for name in names.split(",")], 1)[:-1] for part in parts]
        assert np.array_equal(x.numpy(), np.concatenate(rows))
        assert loader.dataset.groups.tolist() == [0, 0, 0, 1, 1, 1]


def test_one_key_needs_no_choice_and_plain_arrays_have_none(record: Any) -> None:
    y = np.zeros((3, 2))
    record([({"at": np.ones((4, 3))}, y)], spaces.Dict({"at": _box(3)}), _box(2))
    ((x, _),) = load_data("toy/walk/expert-v0")
    assert x.shape == (3, 3)
    with pytest.raises(UsageError, match="The actions of 'toy/walk/expert-v0' are one array: there is nothing"):
        load_data("toy/walk/expert-v0", actions="a")


def test_pixels_are_refused(record: Any) -> None:
    y = np.zeros((3, 2))
    pixels = spaces.Box(0, 255, (5, 5, 3), dtype=np.float32)
    record([(np.zeros((4, 5, 5, 3), dtype=np.float32), y)], pixels, _box(2), "toy/see-v0")
    with pytest.raises(
        DataError, match=r"observations of 'toy/see-v0' are \(4, 5, 5, 3\), not one .* Flatten them in a"
    ):
        load_data("toy/see-v0")


def test_damaged_data_sets_are_explained(record: Any, tmp_path: Path) -> None:
    record(_episodes(np.random.default_rng(0), 4), _box(3), _box(2))
    (tmp_path / "toy/walk/expert-v0/data/main_data.hdf5").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"The Minari data set 'toy/walk/expert-v0' cannot be read: OSError: "):
        load_data("toy/walk/expert-v0")
    (tmp_path / "toy/walk/expert-v0/data/metadata.json").write_text("{")
    with pytest.raises(DataError, match=r"The Minari data set 'toy/walk/expert-v0' cannot be read: "):
        load_data("toy/walk/expert-v0")


@pytest.mark.parametrize(
    ("episodes", "words"),
    [
        ([], r"The Minari data set 'a-v0' has no episodes"),
        ([((4, 3), (3, 2, 2))], r"The actions of 'a-v0' are \(3, 2, 2\), not one vector for each step"),
        ([((4,), (3, 2))], r"The observations of 'a-v0' are \(4,\), not one vector for each step"),
        ([((3, 3), (3, 2))], r"An episode of 'a-v0' has 3 observations and 3 actions; one more is needed"),
    ],
)
def test_episodes_that_do_not_add_up_are_refused(monkeypatch: pytest.MonkeyPatch, episodes: Any, words: str) -> None:
    made = [SimpleNamespace(observations=np.ones(seen), actions=np.ones(done)) for seen, done in episodes]
    monkeypatch.setattr(minari, "load_dataset", lambda name: SimpleNamespace(iterate_episodes=lambda: made))
    with pytest.raises(DataError, match=words):
        load_data("a-v0")


def test_a_missing_reader_of_minari_files_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise ImportError("h5py is not installed")

    monkeypatch.setattr(minari, "load_dataset", load)
    with pytest.raises(UsageError, match=r"Minari cannot read 'a-v0': h5py is not installed\. Install it with: pip"):
        load_data("a-v0")


def test_a_missing_minari_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(UsageError, match=r"needs the package 'minari', .* Install it with: pip install minari h5py"):
        load_data("minari:a-v0")
