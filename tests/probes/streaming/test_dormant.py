import pytest
import torch

from probes import Batch, DegenerateError
from probes.streaming.dormant import Magnitudes, dormant


def taken(H, batch=64):
    found = Magnitudes(H.shape[1])
    for h in H.split(batch):
        found.update(Batch.of(h))
    return found


def test_shares_of_dormant_units():
    H = torch.randn(500, 10, generator=torch.Generator().manual_seed(0)).double()
    H[:, :2] = 0
    H[:, 2] *= 0.01
    assert dormant(0)(taken(H)) == pytest.approx(0.2)
    assert dormant(0.025)(taken(H)) == pytest.approx(0.3)
    size = H.abs().mean(0)
    for tau in (0.1, 0.9, 1.2):
        assert dormant(tau)(taken(H)) == pytest.approx(float((size / size.mean() <= tau).double().mean()))


def test_whole_is_merge_of_any_split():
    H = torch.randn(500, 10, generator=torch.Generator().manual_seed(0)).double()
    parts = [taken(part) for part in H.split([3, 400, 97])]
    for part in parts[1:]:
        parts[0].merge(part)
    torch.testing.assert_close(parts[0].mean, taken(H).mean, rtol=1e-12, atol=0)
    assert parts[0].count == 500


def test_a_layer_without_any_answer_is_degenerate():
    with pytest.raises(DegenerateError, match="every unit is 0"):
        dormant(0)(taken(torch.zeros(20, 3)))
    with pytest.raises(ValueError, match="at least 0; it is -1"):
        dormant(-1)
