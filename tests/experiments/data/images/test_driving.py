import numpy as np
import pytest

from deepnrc.errors import UsageError
from experiments.data.images import driving
from experiments.data.images.driving import Driving
from experiments.data.images.rendering import NoContextError


def test_a_few_frames_of_a_drive(tmp_path):
    for package in ("gymnasium", "Box2D", "pygame"):
        pytest.importorskip(package)
    data = Driving(frames=6, targets="none", share=0.5, cache=tmp_path).load(0)
    assert (data.x.shape, data.y.shape) == ((3, 3, 96, 96), (3, 2))
    with np.load(tmp_path / "driving-6-noise0.1-0.npz", allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    assert images.dtype == np.uint8
    assert images.std() > 20
    small = Driving(frames=6, size=48, targets="none", share=0.5, cache=tmp_path).load(0)  # of the same drive
    assert small.x.shape == (3, 3, 48, 48)
    assert small.y.equal(data.y)
    steer, speed = labels.T
    assert (np.abs(steer) <= 1).all()
    assert (speed > 5).all()  # the car is under way when the first frame is taken
    assert (speed < 100).all()


def test_an_absent_simulator_is_said_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr("experiments.data.images.rendering.find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"pip install 'gymnasium\[box2d\]'"):
        Driving(frames=6, cache=tmp_path).load(0)


@pytest.mark.parametrize("fields", [{"frames": 1}, {"tracks": -1}, {"noise": -0.1}, {"noise": float("nan")}])
def test_what_makes_no_sense_is_refused(fields):
    with pytest.raises(ValueError, match="Frames must be 2 or more"):
        Driving(**fields)


@pytest.mark.parametrize("size", [0, 50, 192])
def test_a_size_that_does_not_divide_the_frames_is_refused(size):
    with pytest.raises(ValueError, match=f"drawn 96 pixels wide: the size must divide that, not {size}"):
        Driving(size=size)


def test_where_nothing_can_be_drawn_it_is_said_what_to_do(monkeypatch, tmp_path):
    def fails(*arguments):
        raise NoContextError("error: dummy not available")

    monkeypatch.setattr(driving, "rendered", fails)
    monkeypatch.setattr(driving, "need", lambda package, remedy: None)
    with pytest.raises(UsageError, match=r"cannot draw .* \(error: dummy not available\)\. .* pygame") as caught:
        Driving(frames=6, cache=tmp_path).load(0)
    assert type(caught.value) is UsageError
