"""What is given of a layer: read by its name, or refused with the reason."""

import pytest
import torch

from probes import CATALOG, NotDefinedError, Snapshot


def test_missing_weight_gives_its_reason(layer, snap, outcome):
    H, Y, W = layer()
    reason = "not defined for grouped convolutions"
    for name in ("deep.weight_stable_rank", "deep.feature_weight_alignment", "nrc.2", "nrc.3"):
        found = outcome(name, snap(H, Y, weight_missing=reason))
        assert (found.status, found.note) == ("not defined", reason)
    found = outcome("deep.weight_stable_rank", snap(H, Y, W[:, :20]))
    assert (found.status, found.note) == ("not defined", "the weight reads 20 features, and 24 were pooled")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weight_is_read_in_float64_whatever_its_dtype(layer, snap, value, dtype):
    H, Y, W = layer(m=4)
    for p in CATALOG:
        if p.name in ("deep.weight_stable_rank", "deep.feature_weight_alignment", "nrc.2", "nrc.3"):
            wanted = value(p.name, snap(H, Y, W.to(dtype).double()), p.variant)
            assert value(p.name, snap(H, Y, W.to(dtype)), p.variant) == pytest.approx(wanted, rel=1e-9, nan_ok=True), (
                p.name
            )


@pytest.mark.parametrize("name", ["no_such_thing", "_weight", "__class__"])
def test_unknown_quantity_is_refused_by_name(layer, snap, name):
    with pytest.raises(NotDefinedError, match=f"no quantity is called '{name}'"):
        snap(*layer()).read(name)


def test_statistic_that_was_not_streamed_gives_its_reason(layer, snap, outcome):
    full = snap(*layer(m=4))
    moments = {"moments": full.statistics["moments"]}
    snapshot = Snapshot(moments, full.weight_matrix, missing={"centred_directions": "needs a second pass"})
    found = outcome("nrc.1_centred", snapshot)
    assert (found.status, found.note) == ("not defined", "needs a second pass")
    assert "'directions'" in outcome("nrc.1", snapshot).note


def test_moments_must_be_moments():
    with pytest.raises(TypeError, match=r"must be probes\.Moments, not dict"):
        _ = Snapshot({"moments": {}}).moments
