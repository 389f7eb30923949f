from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.recordings.demonstrations import read_demonstrations
from deepnrc.errors import DataError, UsageError

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
            r"The observations in '.*' are an array \(3, 8, 8, 3\), not one vector for each step\. Flatten them in a",
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
        read_demonstrations(Path(_write(tmp_path / "a.h5", **arrays)), torch.float32)


RNG = np.random.default_rng(0)


def _robomimic(path: Path, lengths: tuple[int, ...] = (5, 3)) -> tuple[str, dict[str, Any]]:
    """robomimic's low_dim layout: data/demo_N with obs, next_obs, actions, rewards and dones; and a mask."""
    held: dict[str, Any] = {}
    for number, steps in enumerate(lengths):
        demo = f"data__demo_{number}__"
        for key, width in (("object", 10), ("robot0_eef_pos", 3), ("robot0_gripper_qpos", 2)):
            held[f"{demo}obs__{key}"] = RNG.random((steps, width))
            held[f"{demo}next_obs__{key}"] = RNG.random((steps, width))
        held[f"{demo}actions"] = RNG.random((steps, 7))
        held[f"{demo}rewards"], held[f"{demo}dones"] = np.zeros(steps), np.zeros(steps)
    return _write(path, **held, mask__train=np.array([b"demo_0"])), held


def test_robomimic_s_demonstrations_are_read_by_chosen_keys(tmp_path: Path) -> None:
    path, held = _robomimic(tmp_path / "low_dim.hdf5", tuple([2] * 11))
    for names in ("object", "robot0_eef_pos,object", ["robot0_eef_pos", "robot0_gripper_qpos"]):
        loader = load_data(path, observations=names, dtype=torch.float64)
        ((x, y),) = loader
        keys = names.split(",") if isinstance(names, str) else names
        rows = [np.concatenate([held[f"data__demo_{n}__obs__{key}"] for key in keys], 1) for n in range(11)]
        assert np.array_equal(x.numpy(), np.concatenate(rows))
        assert np.array_equal(y.numpy(), np.concatenate([held[f"data__demo_{n}__actions"] for n in range(11)]))
        assert loader.dataset.groups.tolist() == [n for n in range(11) for _ in range(2)]  # type: ignore[attr-defined]


def test_the_choice_is_listed_where_it_is_open(tmp_path: Path) -> None:
    path, _ = _robomimic(tmp_path / "a.hdf5")
    words = r"holds several observations: 'object' \(5, 10\), 'robot0_eef_pos' \(5, 3\), .* Choose with observations="
    with pytest.raises(UsageError, match=words):
        load_data(path)
    with pytest.raises(UsageError, match=r"There are no observations 'objekt' in '.*'\. Did you mean .*'object'"):
        load_data(path, observations="objekt")
    with pytest.raises(UsageError, match=r"observations and actions are for recordings and tables; '.*' is none"):
        load_data("a.npz", observations="object")


def _aloha(path: Path, steps: int) -> dict[str, Any]:
    """ALOHA's layout: action, observations/qpos, qvel and images/NAME at the top of a file an episode."""
    held = {"action": RNG.random((steps, 14)), "observations__qpos": RNG.random((steps, 14))}
    more = {
        "observations__qvel": RNG.random((steps, 14)),
        "observations__images__top": np.zeros((steps, 4, 4, 3), "u1"),
    }
    _write(path, **held, **more)
    return held


def test_aloha_s_episodes_are_read_from_a_file_or_a_folder(tmp_path: Path) -> None:
    held = [_aloha(tmp_path / f"episode_{number}.hdf5", 9) for number in (0, 1, 2, 10)]
    ((x, y),) = load_data(str(tmp_path / "episode_2.hdf5"), observations="qpos", dtype=torch.float64)
    assert np.array_equal(x.numpy(), held[2]["observations__qpos"])
    assert np.array_equal(y.numpy(), held[2]["action"])
    loader = load_data(str(tmp_path), observations=["qpos,qvel"], dtype=torch.float64)
    ((x, y),) = loader
    assert np.array_equal(y.numpy(), np.concatenate([each["action"] for each in held]))
    assert x.shape == (36, 28)
    assert loader.dataset.groups.bincount().tolist() == [9] * 4  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"'images/top' \(9, 4, 4, 3\)"):
        load_data(str(tmp_path))
    with pytest.raises(DataError, match=r"observations in '.*' are an array \(9, 4, 4, 3\)|cannot be put side by side"):
        load_data(str(tmp_path), observations="images/top")
    with pytest.raises(DataError, match="cannot be put side by side"):
        load_data(str(tmp_path), observations="qpos,images/top")


def test_one_key_needs_no_choice_and_ends_of_episodes_are_groups(tmp_path: Path) -> None:
    ends = np.array([0, 0, 1, 0, 0, 0], bool)
    stops = np.array([0, 0, 0, 0, 1, 0], bool)
    x, y = RNG.random((6, 2)), RNG.random((6, 1))
    loader = load_data(_write(tmp_path / "a.h5", observations=x, actions=y, terminals=ends, timeouts=stops))
    assert loader.dataset.groups.tolist() == [0, 0, 0, 1, 1, 2]  # type: ignore[attr-defined]
    ((got, _),) = load_data(_write(tmp_path / "b.h5", obs__state=x, action=y), dtype=torch.float64)
    assert np.array_equal(got.numpy(), x)


@pytest.mark.parametrize("kind", ["link", "group", "storage", "virtual"])
def test_what_leads_to_another_file_is_refused(tmp_path: Path, kind: str) -> None:
    other = _write(
        tmp_path / "other.h5", x=RNG.random((6, 2)), e__observations=RNG.random((6, 2)), e__actions=np.ones(6)
    )
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["actions"] = np.ones((6, 1))
        if kind == "link":
            file["observations"] = h5py.ExternalLink(other, "/x")
        elif kind == "group":
            file["more"] = h5py.ExternalLink(other, "/e")
            file["observations"] = RNG.random((6, 2))
        elif kind == "storage":
            file.create_dataset("observations", (6, 2), "f8", external=[(str(tmp_path / "raw"), 0, 96)])
        else:
            layout = h5py.VirtualLayout((6, 2), "f8")
            layout[:] = h5py.VirtualSource(other, "x", (6, 2))
            file.create_virtual_dataset("observations", layout)
    with pytest.raises(DataError, match=r"leads to another file|keeps its numbers in another file"):
        load_data(str(tmp_path / "a.h5"))


def test_an_array_without_its_bytes_and_groups_in_themselves_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["actions"] = np.ones((6, 1))
        file.create_dataset("observations", (10**9, 50), "f8", chunks=(1000, 50))
    with pytest.raises(DataError, match=r"is \(1000000000, 50\) of float64, for which it has far too few bytes"):
        load_data(str(tmp_path / "a.h5"))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["actions"], file["observations"] = np.ones((6, 1)), np.ones((6, 1))
        file["self"] = file["/"]
    with pytest.raises(DataError, match="holds groups over 8 levels deep, or one in itself"):
        load_data(str(tmp_path / "b.h5"))
