import pytest
import torch

from probes import CATALOG, DegenerateError, NotDefinedError
from probes.nulls import chance, levels
from probes.subspace import LinearFit, Spectrum, spectrum


def test_every_null_is_named_as_the_measure_it_belongs_to():
    for probe in CATALOG:
        if probe.chance is not None:
            assert probe.chance.__name__ == probe.measure.__name__, probe.label
            assert set(_reads(probe.chance)) <= {
                *_reads(probe.measure),
                "crossed",
                "features",
                "targets",
                "N",
                "linear_fit",
            }


def _reads(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def test_a_weight_of_low_rank_has_its_sum_of_cosines_over_k():
    features, weight = (
        spectrum(torch.eye(8).double()),
        Spectrum(torch.tensor([2.0, 1.0]).double(), torch.eye(8, 2).double()),
    )
    full = chance.feature_weight_alignment(features, weight, 3)
    published = chance.published_feature_weight_alignment(features, weight, 3)
    assert published.mean == pytest.approx(full.mean * 2 / 3)
    assert published.high == pytest.approx(full.high * 2 / 3)
    assert chance.noise_alignment(features, weight, 3) == levels.planes(3, 2, 8).sine
    with pytest.raises(NotDefinedError, match="k = 9 exceeds the width d = 8"):
        chance.feature_weight_alignment(features, weight, 9)


def test_no_null_of_one_sample_or_of_a_map_that_fits_anything():
    features = spectrum(torch.eye(4).double())
    with pytest.raises(DegenerateError, match="one sample"):
        chance.cka(features, features, 1)
    fit = LinearFit(0.0, 0.0, 4, 0, torch.eye(2).double(), torch.zeros(4, 2).double())
    with pytest.raises(DegenerateError, match="fits any targets"):
        chance.adjusted_r2(fit, spectrum(torch.eye(2).double()), 5)
