import sys

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from deepnrc.errors import UsageError
from experiments.data.images import pixels
from experiments.data.images.pixels import ReacherPixels, backends
from experiments.data.images.rendering import NoContextError
from experiments.data.policy import Policy
from experiments.data.shipped import FOLDER

pytestmark = pytest.mark.mujoco


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder with eight frames in it."""
    pytest.importorskip("gymnasium")
    pytest.importorskip("mujoco")
    folder = tmp_path_factory.mktemp("cache")
    try:
        ReacherPixels(frames=8, size=32, cache=folder).load(0)
    except UsageError as error:
        pytest.skip(f"nothing can be drawn here: {error}")
    return folder


def test_frames_show_what_the_labels_say(cache):
    file = cache / "reacher-8-32px-0.npz"
    with np.load(file, allow_pickle=False) as arrays:
        images, observations, positions = (arrays[name] for name in ("images", "observations", "positions"))
    assert (images.shape, observations.shape, positions.shape) == ((8, 32, 32, 3), (8, 10), (8, 4))
    assert images.std() > 5  # neither black nor one colour
    assert (np.abs(images[1:].astype(int) - images[:-1]).max((1, 2, 3)) > 50).all()
    assert np.allclose(observations[:, 8:10], positions[:, :2] - positions[:, 2:], atol=1e-6)
    assert (np.linalg.norm(positions[:, 2:], axis=1) <= 0.2).all()
    assert (observations[:, 6:8] == 0).all()  # at rest
    # the goal is the reddest thing, and higher up in the picture the further it is from us
    red = images[..., 0].astype(int) - images[..., 1:].max(-1)
    rows, columns = np.array([np.unravel_index(picture.argmax(), picture.shape) for picture in red]).T
    assert max(abs(np.corrcoef(rows, positions[:, 2])[0, 1]), abs(np.corrcoef(rows, positions[:, 3])[0, 1])) > 0.9
    assert max(abs(np.corrcoef(columns, positions[:, 2])[0, 1]), abs(np.corrcoef(columns, positions[:, 3])[0, 1])) > 0.9


def test_both_labels_come_from_one_set_of_frames(cache, monkeypatch):
    monkeypatch.setattr(pixels, "rendered", None)  # nothing is drawn again
    plain = {"frames": 8, "size": 32, "targets": "none", "share": 0.5, "cache": cache}
    actions, positions = (ReacherPixels(label, **plain).load(3) for label in ("actions", "positions"))
    assert torch.equal(actions.x, positions.x)
    assert (actions.x.shape, actions.y.shape, positions.y.shape) == ((4, 3, 32, 32), (4, 2), (4, 4))
    with np.load(cache / "reacher-8-32px-0.npz", allow_pickle=False) as arrays:
        expected = Policy.load(FOLDER / "reacher.policy.npz")(arrays["observations"])
    got = torch.cat((actions.y, actions.y_test)).numpy()
    assert np.allclose(got[got[:, 0].argsort()], expected[expected[:, 0].argsort()])


def test_the_same_scenes_are_the_same_pictures(cache, tmp_path):
    ReacherPixels(frames=8, size=32, cache=tmp_path).load(0)
    with np.load(cache / "reacher-8-32px-0.npz") as one, np.load(tmp_path / "reacher-8-32px-0.npz") as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


def test_labels_are_the_same_however_many_threads_multiply(tmp_path):
    draw = np.random.default_rng(0)
    arrays = {"images": np.zeros((5000, 4, 4, 3), np.uint8), "positions": np.zeros((5000, 4))}
    np.savez(tmp_path / "reacher-5000-4px-0.npz", observations=draw.normal(size=(5000, 10)), **arrays)

    def labels(threads):
        with threadpool_limits(threads):
            return ReacherPixels("actions", 5000, 4, cache=tmp_path).load(0).y

    assert torch.equal(labels(1), labels(2))


def test_where_nothing_can_be_drawn_both_packages_are_named(monkeypatch, tmp_path):
    tried = []

    def fails(module, arguments, surroundings, total):
        tried.append(surroundings["MUJOCO_GL"])
        raise NoContextError("no device")

    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(pixels, "rendered", fails)
    monkeypatch.setattr(pixels, "need", lambda package, remedy: None)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(UsageError, match=r"libegl1.*libosmesa6.*egl: no device; osmesa: no device"):
        ReacherPixels(frames=8, cache=tmp_path).load(0)
    assert tried == ["egl", "osmesa"]


def test_the_users_choice_of_library_is_taken(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert backends() == ("osmesa",)
    monkeypatch.delenv("MUJOCO_GL")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert backends() == ("glfw",)


def test_an_absent_simulator_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("experiments.data.images.rendering.find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"'gymnasium', which is not installed.*pip install 'gymnasium\[mujoco\]'"):
        ReacherPixels(frames=8, cache=tmp_path).load(0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"label": "speed"}, "no label 'speed'; choose from actions, positions"), ({"frames": 1}, "2 or more"),
     ({"size": 500}, "1 to 480 pixels"), ({"scenes": -1}, "0 or more")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        ReacherPixels(**fields)
