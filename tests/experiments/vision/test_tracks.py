"""The scripted driver steers towards the road."""

from types import SimpleNamespace

import pytest

from experiments.vision.tracks import _driver


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
