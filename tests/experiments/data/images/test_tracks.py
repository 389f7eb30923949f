"""The scripted driver steers towards the road."""

import sys
from types import SimpleNamespace

import pytest

from experiments.data.images.rendering import NO_CONTEXT
from experiments.data.images.tracks import _driver, _picture, main


def car_at(x, angle=0.0, speed=20.0):
    """A car on a road that leads straight ahead (along y) through x = 0."""
    track = [(0.0, 0.0, 0.0, 3.5 * i) for i in range(40)]
    hull = SimpleNamespace(position=(x, 10.0), linearVelocity=(0.0, speed), angle=angle)
    return SimpleNamespace(car=SimpleNamespace(hull=hull), track=track)


@pytest.mark.parametrize(("x", "angle", "sign"), [(3.0, 0.0, -1), (-3.0, 0.0, 1), (0.0, 0.3, 1), (0.0, -0.3, -1)])
def test_it_steers_back_to_the_middle(x, angle, sign):
    assert _driver(car_at(x, angle))[0] * sign > 0.1  # positive is to the right


def test_it_keeps_straight_and_its_speed():
    steer, gas, brake, speed = _driver(car_at(0.0))
    assert steer == pytest.approx(0, abs=1e-9)
    assert (gas > 0, brake, speed) == (True, 0.0, 20.0)
    assert _driver(car_at(0.0, speed=80.0))[1:3] == (0.0, 0.5)


class SDLError(Exception):
    """In place of pygame's."""


def test_a_picture_that_cannot_be_drawn_is_told_apart_from_other_failures(monkeypatch, capsys):
    def fails(kind):
        def reset(seed):
            raise kind("dummy not available")

        return SimpleNamespace(reset=reset)

    monkeypatch.setitem(sys.modules, "pygame", SimpleNamespace(error=SDLError))
    with pytest.raises(SystemExit) as caught:
        _picture(fails(SDLError), 0)
    assert caught.value.code == NO_CONTEXT
    assert "SDLError: dummy not available" in capsys.readouterr().err
    with pytest.raises(ValueError, match="dummy not available"):
        _picture(fails(ValueError), 0)


def test_an_environment_that_cannot_be_made_is_no_matter_of_drawing(monkeypatch, tmp_path):
    def fails(name, **given):
        raise RuntimeError("no CarRacing")

    monkeypatch.setitem(sys.modules, "gymnasium", SimpleNamespace(make=fails))
    with pytest.raises(RuntimeError, match="no CarRacing"):
        main(1, 0, 0.1, tmp_path / "frames.npz")
