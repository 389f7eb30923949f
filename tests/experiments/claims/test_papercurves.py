"""The claims' numbers on the published curves, against what is read off the figures by eye."""

import pytest

from experiments.claims import papercurves

SYNTHETIC = "synthetic, rank 2 in R^10"


@pytest.mark.parametrize(
    ("published", "share"),
    [(("reacher", "wd 1e-4"), 0), (("swimmer", "wd 5e-3"), 1 / 8), (("hopper", "wd 1e-3"), 3 / 8), (None, None),
     ((SYNTHETIC, "good"), 0.8), (("carla 2d", "wd 5e-3"), 2 / 17), (("utkface", "wd 5e-4"), None)],
)  # fmt: skip
def test_the_share_of_collapsed_layers(published, share):
    assert papercurves.onset_share(published) == (share if share is None else pytest.approx(share))


def test_linear_maps_from_quiet_layers_predict_as_well():
    assert papercurves.largest_gap(("swimmer", "wd 5e-3")) == pytest.approx(0.1381 - 0.1356, abs=2e-3)
    assert papercurves.largest_gap(("reacher", "wd 1e-4")) is None  # none of its layers is low in noise
    assert papercurves.largest_gap(None) is None


def test_the_widths_of_collapsed_layers_are_near_those_of_the_targets():
    assert papercurves.rank_mismatch((SYNTHETIC, "good")) == pytest.approx(0.174, abs=1e-3)
    assert papercurves.rank_mismatch(("swimmer", "wd 5e-3")) is None


@pytest.mark.parametrize(
    ("study", "measure", "sign", "share", "correlation"),
    [
        (SYNTHETIC, "deep.noise_fraction", -1, 1, -1),
        (SYNTHETIC, "deep.feature_weight_alignment", 1, 1, 0.7),
        ("sgemm", "deep.weight_stable_rank", -1, 1, -1),
        ("carla 2d", "deep.noise_fraction", -1, 1, -0.4),
        ("carla 2d", "deep.weight_stable_rank", -1, 1, None),
        ("swimmer", "deep.noise_fraction", -1, None, None),
        ("", "deep.noise_fraction", -1, None, None),
    ],
)
def test_orders_over_weight_decay(study, measure, sign, share, correlation):
    assert papercurves.share_ordered(study, measure, sign) == share
    found = papercurves.correlation(study, measure)
    assert found == (None if correlation is None else pytest.approx(correlation))
