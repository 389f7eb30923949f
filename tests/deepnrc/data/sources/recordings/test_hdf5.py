import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError

h5py = pytest.importorskip("h5py")


@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_a_file_of_other_keys_is_told_its_keys(tmp_path: Path, ending: str) -> None:
    with h5py.File(tmp_path / f"a.{ending}", "w") as file:
        file["observations"] = np.ones((3, 2))
        file["infos/qpos"] = np.ones((3, 2))
    words = r"'.*' holds 'infos/qpos \(3, 2\)', 'observations \(3, 2\)'\. What can be read has .* or rgb and targ"
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / f"a.{ending}"))


def test_damaged_and_missing_files_are_explained(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"hello")
    with pytest.raises(
        DataError, match=r"'.*a\.h5' is no HDF5 file, or is cut short \(.*\)\. Copy or download it again"
    ):
        load_data(str(tmp_path / "a.h5"))
    with pytest.raises(DataError, match=r"There is no file '.*b\.h5' \(looked from .*\)\. Check the path"):
        load_data(str(tmp_path / "b.h5"))


def test_a_missing_h5py_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    for spec in (tmp_path / "a.h5", tmp_path):
        with pytest.raises(UsageError, match=r"needs the package 'h5py', .* Install it with: pip install h5py"):
            load_data(str(spec), targets=["steer"])


STATES, ACTS = np.arange(6.0).reshape(3, 2), np.ones((3, 1))


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (("states", "acts"), {"observations": ["states"], "actions": ["acts"]}),
        (("states", "actions"), {"observations": "states"}),
        (("data/demo_0/obs/object", "data/demo_0/acts"), {"observations": ["object"], "actions": ["acts"]}),
        (("demo_0/state/body", "demo_0/acts"), {"observations": "state/body", "actions": "acts"}),
    ],
)
def test_keys_that_are_named_need_not_be_the_usual_ones(
    tmp_path: Path, names: tuple[str, str], keys: Any, folder: bool
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[names[0]], file[names[1]] = STATES, ACTS
    ((x, y),) = load_data(str(tmp_path if folder else tmp_path / "a.h5"), **keys)
    assert (x.tolist(), y.tolist()) == (STATES.tolist(), ACTS.tolist())


@pytest.mark.parametrize("keys", [{}, {"observations": "states"}, {"observations": "states", "actions": "act"}])
def test_other_keys_are_to_be_named_both(tmp_path: Path, keys: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["states"], file["acts"] = STATES, ACTS
    with pytest.raises(DataError, match=r"If they go by other names, say both: observations and actions\."):
        load_data(str(tmp_path / "a.h5"), **keys)


@pytest.mark.parametrize(
    ("name", "first"), [("images/top", 0), ("images/top", 255), ("camera", 255)], ids=["folder", "both", "mark"]
)
def test_encoded_images_are_no_features(tmp_path: Path, name: str, first: int) -> None:
    packed = np.zeros((3, 20), np.uint8)
    packed[:, :3] = first, 0xD8, 0xFF
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[f"observations/{name}"], file["observations/qpos"], file["action"] = packed, STATES, ACTS
    words = rf"observations {name} in '.*' are encoded images, .* Decode them first, or choose others with observations"
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / "a.h5"), observations=[name])
    with pytest.raises(UsageError, match=r"Choose with observations='qpos'; several"):
        load_data(str(tmp_path / "a.h5"))
