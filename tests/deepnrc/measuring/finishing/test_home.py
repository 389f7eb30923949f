"""What statistics hold is brought to the CPU as it is."""

import copy

import torch

from deepnrc.measuring.finishing.home import moved
from probes import Directions, Moments


def test_what_is_moved_is_a_copy_that_goes_on_by_itself():
    moments = Moments(3, 1)
    moments.update(torch.randn(50, 3), torch.randn(50, 1))
    before = copy.deepcopy(moments.covariance)
    made = moved({"moments": moments}, {})["moments"]
    assert torch.equal(made.covariance, before)
    made.update(torch.randn(50, 3), torch.randn(50, 1))
    assert made.count == 100
    assert moments.count == 50


def test_devices_become_the_cpu_and_what_is_met_twice_stays_one():
    directions = Directions(3)
    directions.device = torch.device("cuda", 1)
    one, two = moved([directions, directions], {})
    assert one is two
    assert one.device == torch.device("cpu")
    assert directions.device == torch.device("cuda", 1)


def test_what_is_no_statistic_is_left_as_it_is():
    given = (1, "a", None, Moments)
    assert moved(given, {}) == given
