"""An untrained network of the same shape beside what is measured."""

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal, weight_norm

import deepnrc
from deepnrc import UsageError
from deepnrc.measuring.untrained import untrained

NOISE = "deep.noise_fraction"


class Scaled(nn.Module):
    """A Linear with a bare parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(6))
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(x * self.scale)


def of(report):
    rows = report.table[report.table["measure"] == NOISE]
    return rows.set_index("layer")["reference"]


def test_an_untrained_copy_is_seeded_and_leaves_the_network_as_it_was(mlp, cnn):
    for net in (mlp(), cnn(), nn.MultiheadAttention(8, 2), nn.LSTM(4, 5)):
        before, state = copy.deepcopy(net.state_dict()), torch.random.get_rng_state()
        one, other = untrained(net), untrained(net)
        assert torch.equal(torch.random.get_rng_state(), state)
        assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), before.values(), strict=True))
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
        weights = [(a, b) for a, b in zip(one.parameters(), net.parameters(), strict=True) if a.ndim > 1]
        assert not any(torch.equal(a, b) for a, b in weights)


def test_running_statistics_are_those_of_a_new_network(cnn):
    net = cnn()
    net[1].running_mean.fill_(7.0)
    assert untrained(net)[1].running_mean.abs().max() == 0


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (Scaled(), "'scale'"),
        (
            nn.Sequential(weight_norm(nn.Linear(6, 3))),
            "'0.parametrizations.weight.original0'",
        ),
        (nn.Sequential(orthogonal(nn.Linear(6, 6))), "'0.parametrizations.weight.original'"),
    ],
)
def test_parameters_that_nothing_draws_anew_are_refused_by_name(network, names, data):
    with pytest.raises(UsageError, match=re.escape(f"reference='untrained' cannot be built: {names}")):
        deepnrc.probe(network, data(), reference="untrained", progress=False)


@pytest.mark.parametrize("reference", ["trained", 3, [1]])
def test_what_is_no_reference_is_refused(reference, mlp, data, probe):
    with pytest.raises(UsageError, match="reference must be a network, a report, or 'untrained'; it is"):
        probe(mlp(), data(), reference=reference)


def test_a_network_its_report_and_a_saved_report_give_the_same(mlp, data, probe, tmp_path):
    net, other = mlp(), untrained(mlp(), seed=5)
    given = probe(other, data())
    given.save(tmp_path / "other")
    reports = [probe(net, data(), reference=ref) for ref in (other, given, deepnrc.load(tmp_path / "other"))]
    expected = given.values(NOISE).set_index("layer")["value"]
    for report in reports:
        assert of(report).to_dict() == pytest.approx(expected.to_dict(), rel=1e-12)
        assert report.provenance[0]["reference"]["data"] == report.provenance[0]["data"]["fingerprint"]
    assert of(probe(net, data())).isna().all()


def test_a_report_knows_its_reference_after_it_was_saved(mlp, data, probe, tmp_path):
    report = probe(mlp(), data(), reference="untrained")
    report.save(tmp_path / "mine")
    back = deepnrc.load(tmp_path / "mine")
    assert of(back).tolist() == of(report).tolist()
    assert back.verdicts().equals(report.verdicts())


def test_a_reference_of_another_shape_is_refused(mlp, data, probe):
    wide = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)).double()
    with pytest.raises(UsageError, match="has d = 9 and k = 3 at '2', where d = 8"):
        probe(mlp(), data(), reference=wide)
    with pytest.raises(UsageError, match=r"has no deep\.noise_fraction of '4'"):
        probe(mlp(), data(), reference=probe(mlp(), data(), layers=["!4"]))


def test_an_iterator_cannot_give_the_data_to_a_second_network(mlp, data, probe):
    x, y = data()
    with pytest.raises(UsageError, match="reads the data again, and an iterator gives it once"):
        probe(mlp(), iter([(x, y)]), reference="untrained")


def test_low_noise_that_the_untrained_network_has_too_is_no_collapse(probe):
    """Raw inputs of rank k: the first layer is low in noise whatever the network does."""
    torch.manual_seed(0)
    x = torch.randn(300, 2) @ torch.randn(2, 12)
    net = nn.Sequential(nn.Linear(12, 12, bias=False), nn.Linear(12, 2, bias=False))
    y = net(x).detach()
    report = probe(net, (x, y), reference="untrained")
    assert set(report.verdicts()["verdict"]) == {"low noise"}
    assert report.verdicts()["reason"].str.contains("the reference's is rounding alone").all()
