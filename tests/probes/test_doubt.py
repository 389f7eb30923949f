import math

import pytest
import torch

from probes import DegenerateError, NotDefinedError, Spectrum
from probes.doubt import (
    Doubt,
    all_finite,
    constant,
    determined,
    finite,
    fits,
    read_directions,
    tie,
    varying,
    weight_doubt,
)


def of(*values):
    return Spectrum(torch.tensor(values).double(), torch.eye(len(values)).double())


def test_a_doubt_is_true_where_there_is_something_to_say():
    assert not Doubt()
    assert Doubt("so")
    assert [Doubt("so", bad).about(0.5).status for bad in (False, True)] == ["ok", "degenerate"]


def test_what_does_not_vary_or_fit_is_refused():
    assert varying(of(2.0, 1.0)) == 3
    with pytest.raises(DegenerateError, match="the targets do not vary"):
        varying(of(0.0, 0.0), "targets")
    fits(3, 3)
    with pytest.raises(NotDefinedError, match="k = 4 exceeds the width d = 3"):
        fits(4, 3)


def test_directions_that_are_rounding_make_an_angle_meaningless():
    assert determined(of(1.0, 0.1, 1e-9), 2, 1e-8) == Doubt()
    found = determined(of(1.0, 1e-9, 1e-9), 2, 1e-8)
    assert found.meaningless
    assert "only 1 directions" in found.note


def test_equal_values_at_the_cut_are_a_tie():
    assert tie(of(1.0, 1.0, 0.5), 1, "S_H").note.startswith("values 1 and 2 of S_H coincide")
    assert not tie(of(1.0, 1.0, 0.5), 2, "S_H")
    assert not tie(of(1.0, 1.0), 2, "S_H")


@pytest.mark.parametrize(("values", "read"), [((3.0, 2.0, 1.0), 2), ((3.0, 0.0, 0.0), 1), ((1.0, 1.0, 1.0), 3)])
def test_how_many_directions_stand_for_the_weight_s_top_two(values, read):
    assert read_directions(of(*values), 2) == read


def test_all_of_the_space_is_trivially_aligned():
    assert weight_doubt(of(2.0, 1.0), of(2.0, 1.0), 2, 0.0, 1).note == "trivially 1: k = 2 is the whole space"


def test_a_covariance_that_is_the_rounding_of_a_constant():
    S = torch.eye(2).double() * 1e-16
    assert constant(S, 1.0, 2.0**-24, "features")
    assert not constant(S, 1.0, 2.0**-53, "features")
    with pytest.raises(DegenerateError, match="the features hold NaN or infinity"):
        finite(S * float("nan"), "features")


@pytest.mark.parametrize(
    ("scale", "said"), [(1e-306, "squares underflow"), (1e-320, "squares underflow"), (math.inf, "so large")]
)
def test_squares_beyond_float64_are_refused(scale, said):
    with pytest.raises(DegenerateError, match=said):
        constant(torch.eye(2).double() * scale, scale, 2.0**-53, "features")


def test_small_features_are_not_constant():
    assert not constant(torch.eye(2).double() * 1e-300, 1e-300, 2.0**-53, "features")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_number_that_is_none_is_found_and_a_sum_that_is_too_large_is_no_fault(dtype):
    x = torch.full((3, 4), torch.finfo(dtype).max, dtype=dtype)
    assert all_finite(x)
    assert all_finite(-x)
    assert all_finite(x[:0])
    for bad in (torch.nan, torch.inf, -torch.inf):
        x[1, 2] = bad
        assert not all_finite(x)
    x[0, 0] = torch.inf  # beside -inf
    assert not all_finite(x)
