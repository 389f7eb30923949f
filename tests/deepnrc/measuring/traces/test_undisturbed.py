"""What is as before after a block, whatever happened in it."""

import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from deepnrc.errors import UsageError
from deepnrc.measuring.traces.undisturbed import generators_put_back, ordinary, undisturbed, unwrapped


@pytest.fixture
def net():
    """In training, but for its normalisation."""
    made = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout()).train()
    made[1].eval()
    return made


@pytest.mark.parametrize("fails", [False, True])
def test_every_module_keeps_its_own_flag_and_the_random_state_goes_on_as_if_nothing_was_drawn(net, fails):
    flags, state = [m.training for m in net.modules()], torch.get_rng_state()

    def block():
        with undisturbed(net) as where:
            assert where == torch.device("cpu")
            assert not any(m.training for m in net.modules())
            torch.rand(3)
            if fails:
                raise KeyboardInterrupt

    if fails:
        with pytest.raises(KeyboardInterrupt):
            block()
    else:
        block()
    assert [m.training for m in net.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)


def test_train_and_eval_of_the_network_s_own_are_not_called(net, monkeypatch):
    monkeypatch.setattr(nn.Module, "train", lambda self, mode=True: pytest.fail("train() was called"))
    with undisturbed(net):
        pass


@pytest.mark.parametrize(
    ("device", "words"), [("nonsense", "There is no device 'nonsense'"), (3.5, r"There is no device 3\.5")]
)
def test_a_device_that_torch_does_not_know_is_refused(net, device, words):
    with pytest.raises(UsageError, match=words), undisturbed(net, device):
        pass


def test_a_network_without_weights_is_refused(net):
    with pytest.raises(UsageError, match=r"on the meta device and has no weights: '0\.weight', .*to_empty"):
        undisturbed(net.to("meta")).__enter__()


class Compiled(nn.Module):
    """Holds a network as torch.compile's wrapper does, which takes seconds to be had."""

    def __init__(self, model):
        super().__init__()
        self._orig_mod = model


def test_wrappers_are_taken_off_in_any_order(net):
    parallel, compiled = nn.DataParallel, Compiled
    for wrapped in (net, parallel(net), compiled(net), parallel(compiled(net)), compiled(parallel(net))):
        assert unwrapped(wrapped) is net


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_it_is_ordinary_inside_with_gradients_as_they_were(mode):
    with mode():
        gradients = torch.is_grad_enabled()
        with ordinary():
            assert (torch.is_inference_mode_enabled(), torch.is_grad_enabled()) == (False, gradients)
        assert torch.is_inference_mode_enabled() is (mode is torch.inference_mode)


def test_a_default_device_of_the_user_s_gives_way_inside():
    with torch.device("meta"):
        with ordinary():
            assert torch.zeros(1).device.type == "cpu"
        assert torch.zeros(1).device.type == "meta"


def loaders(generator):
    rows = [torch.zeros(2)] * 9
    sampler = RandomSampler(rows, generator=generator)
    return [
        DataLoader(rows, shuffle=True, generator=generator),
        DataLoader(rows, sampler=sampler),
        DataLoader(rows, batch_sampler=BatchSampler(sampler, 2, False)),
    ]


@pytest.mark.parametrize("place", range(3))
def test_a_loader_s_generator_gives_the_same_order_after_the_block_as_it_would_have(place):
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    with generators_put_back(loader := loaders(generator)[place]):
        list(loader)
        assert not torch.equal(generator.get_state(), state)
    assert torch.equal(generator.get_state(), state)


def test_what_has_no_generator_is_taken_too():
    with generators_put_back([1, 2]), generators_put_back(DataLoader([1, 2])):
        pass
