"""The roundoff of what products gave reaches every layer behind them."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from deepnrc import probe
from deepnrc.networks.reading import precision
from deepnrc.networks.reading.precision import TF32, product_roundoff

SINGLE, BRAIN = 2.0**-24, 2.0**-8


@pytest.fixture
def ampere(monkeypatch):
    """A tensor as a card of compute capability 8 holds it."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    return SimpleNamespace(device=torch.device("cuda"), dtype=torch.float32, is_floating_point=lambda: True)


def floors(net, x, **given):
    report = probe(net, [(x, torch.randn(len(x), 2))], progress=False, **given)
    return report.values("deep.noise_fraction").set_index("layer")["floor"]


def test_layers_behind_autocast_have_its_roundoff_however_they_are_held():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 2)), torch.randn(64, 8)
    plain, cast = floors(net, x), floors(net, x, autocast=torch.bfloat16)
    assert cast["0"] == pytest.approx(plain["0"])  # the data alone, in single precision
    assert plain["2"] < 1e-12
    assert cast["2"] > 0.5 * BRAIN**2  # LayerNorm gave single precision, of numbers that were rounded to bfloat16


def test_products_round_to_what_they_are_computed_in():
    linear = nn.Linear(2, 2)
    assert product_roundoff(linear, torch.zeros(1, 2)) == 0
    assert product_roundoff(linear, torch.zeros(1, 2, dtype=torch.float16)) == TF32
    assert product_roundoff(linear, torch.zeros(1, 2, dtype=torch.int64)) == 0
    with torch.autocast("cpu", torch.bfloat16):
        assert product_roundoff(linear, torch.zeros(1, 2)) == BRAIN


@pytest.mark.parametrize(("module", "default"), [(nn.Conv2d(1, 1, 1), TF32), (nn.Linear(1, 1), 0.0)])
def test_tf32_of_cards_is_on_in_convolutions_and_off_elsewhere(ampere, monkeypatch, module, default):
    assert product_roundoff(module, ampere) == default
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert product_roundoff(module, ampere) == 0


def test_what_was_asked_of_cards_is_read_by_either_name(ampere):
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert product_roundoff(nn.Linear(1, 1), ampere) == TF32
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def test_newer_names_are_asked_where_the_older_ones_refuse(ampere, monkeypatch):
    class Refusing:
        fp32_precision = "tf32"

        @property
        def allow_tf32(self):
            raise RuntimeError("mix of the legacy and new APIs")

    monkeypatch.setattr(torch.backends.cuda, "matmul", Refusing())
    assert product_roundoff(nn.Linear(1, 1), ampere) == TF32


def test_a_processor_is_taken_at_what_it_does(monkeypatch):
    monkeypatch.setattr(precision, "_of_cpu", lambda: BRAIN)
    monkeypatch.setattr(precision, "_multiplied_coarsely", lambda asked: True)
    assert product_roundoff(nn.Linear(2, 2), torch.zeros(1, 2)) == BRAIN
    monkeypatch.undo()
    assert not precision._multiplied_coarsely(BRAIN)  # nothing was asked of this one
