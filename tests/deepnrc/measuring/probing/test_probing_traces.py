"""A network is as it was, whatever happened while it was probed."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from deepnrc.errors import DataError, UsageError
from deepnrc.networks.reading.taps import Taps


@pytest.fixture
def model(mlp):
    """A network in training, one of whose normalisations is frozen, another part of which does not learn."""
    net = nn.Sequential(mlp(), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.BatchNorm1d(3), nn.Linear(3, 3)).double().train()
    net[1].eval()
    net[0][0].weight.requires_grad_(False)
    return net


@pytest.fixture
def state(hooks):
    def look(net):
        return (
            hooks(net),
            [module.training for module in net.modules()],
            [(p.requires_grad, p.grad is None, str(p.device), p.dtype) for p in net.parameters()],
            {name: value.tolist() for name, value in net.state_dict().items()},
            torch.get_rng_state().tolist(),
            torch._dynamo.eval_frame._stance.stance,
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.backends.mha.get_fastpath_enabled(),
        )

    return look


def interrupted(X, Y):
    yield X, Y
    raise KeyboardInterrupt


ENDINGS = {
    "a good end": (lambda X, Y: DataLoader(TensorDataset(X, Y), shuffle=True, batch_size=9), {}, None),
    "autocast": (lambda X, Y: [(X, Y)], {"autocast": torch.bfloat16}, None),
    "an exception in forward": (lambda X, Y: [(X, Y), (X[:, :2], Y)], {}, RuntimeError),
    "a typo": (lambda X, Y: [(X, Y)], {"layers": "0.00"}, UsageError),
    "NaN in the inputs": (lambda X, Y: [(X, Y), (X / 0, Y)], {}, DataError),
    "NaN in the targets": (lambda X, Y: [(X, Y), (X, Y / 0)], {}, DataError),
    "Ctrl-C": (interrupted, {}, KeyboardInterrupt),
    "an empty loader": (lambda X, Y: [], {}, DataError),
    "a shuffling second pass": (
        lambda X, Y: DataLoader(TensorDataset(X, Y), shuffle=True, batch_size=9),
        {"probes": "nrc.1_centred"},
        UsageError,
    ),
    "a device that is not there": (lambda X, Y: [(X, Y)], {"device": "nonsense"}, UsageError),
    "a pooling that fails": (lambda X, Y: [(X, Y)], {"pool": "men"}, UsageError),
}


@pytest.mark.filterwarnings("ignore:The network's weights are of double precision")
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_network_is_as_it_was_whatever_happened(data, model, probe, state, ending):
    X, Y = data()
    loader, options, error = ENDINGS[ending]
    before = state(model)
    if error is None:
        probe(model, loader(X, Y), **options)
    else:
        with pytest.raises(error):
            probe(model, loader(X, Y), **options)
    assert state(model) == before


def test_the_measurement_is_made_in_evaluation_mode(data, model, probe, same):
    X, Y = data()
    same(probe(model, (X, Y)), probe(model.eval(), (X, Y)), rel=0)


def test_a_network_whose_train_changes_weights_is_as_it_was_too(data, probe, state):
    class Merging(nn.Linear):
        def train(self, mode=True):
            with torch.no_grad():
                self.weight += 1.0 if mode else -1.0
            return super().train(mode)

    net = nn.Sequential(Merging(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)).double()
    before = state(net)
    probe(net, data())
    assert state(net) == before


def test_no_graph_is_built(data, mlp, probe):
    seen = []
    net = mlp()
    net[4].register_forward_hook(lambda module, args, out: seen.append(out.requires_grad))  # not run by first passes
    probe(net, data())
    assert seen == [False]


def test_hooks_of_others_stay(data, mlp, probe, hooks):
    X, Y = data()
    net = mlp()
    seen = []
    net[2].register_forward_hook(lambda *_: seen.append(1))
    probe(net, (X, Y))
    assert hooks(net) == len(seen) == 1


def test_all_hooks_are_those_of_taps(data, mlp, probe, monkeypatch, hooks):
    monkeypatch.setattr(Taps, "install", lambda self: None)
    X, Y = data()
    with pytest.raises(UsageError, match="no forward pass"):
        probe(net := mlp(), (X, Y))
    assert hooks(net) == 0
