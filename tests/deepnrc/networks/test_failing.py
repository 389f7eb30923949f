"""Which layer fails on a batch, and on what input."""

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError, origin
from deepnrc.networks.failing import forward, out_of_memory


class Raising(nn.Module):
    """Raises the errors that it is given, one a run; then passes on what it reads."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = list(errors)

    def forward(self, x):
        if self.errors:
            raise self.errors.pop(0)
        return x


class Catching(nn.Module):
    """Gets over a failure of its first part, and goes on to its second."""

    def __init__(self, d=8):
        super().__init__()
        self.first, self.second = nn.Linear(9, 2), nn.Linear(d, 2)

    def forward(self, x):
        try:
            return self.first(x)
        except RuntimeError:
            return self.second(x)


class Late(nn.Module):
    """Fails in its own forward, behind a part that got over a failure."""

    def __init__(self):
        super().__init__()
        self.inner = Catching(3)

    def forward(self, x):
        raise ValueError(f"none of {len(self.inner(x))}")


def where(model, x=None):
    with pytest.raises(Exception) as caught:
        forward(model, torch.zeros(4, 3) if x is None else x)
    return origin(caught.value)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Sequential(nn.Linear(3, 5), nn.Sequential(nn.ReLU(), nn.Linear(4, 2, bias=False))), "layer '1.1', Linear("),
        (nn.Sequential(nn.Identity(), Catching()), "layer '1.second', Linear(in_features=8"),
        (nn.Sequential(nn.Identity(), Late()), "layer '1', Late"),
        (nn.Sequential(nn.Flatten(), nn.Linear(3, 3), nn.BatchNorm2d(3)), "layer '2', BatchNorm2d("),
    ],
)
def test_the_innermost_layer_that_fails_is_named(model, said):
    found = where(model)
    assert found.kind == "network"
    assert found.where.startswith(f"in {said}")
    assert found.where.endswith(", on the input (4, 3) float32")


@pytest.mark.parametrize("second", [(), (KeyError("other"),)])
def test_a_failure_that_does_not_come_again_is_laid_to_no_layer(second):
    net = nn.Sequential(Raising(ValueError("once"), *second))
    assert where(net).where == "on the input (4, 3) float32"


def test_the_network_itself_is_no_layer_and_inputs_are_all_described():
    found = where(nn.Linear(2, 2), {"input": torch.zeros(4, 3)})
    assert found.where == "on the input (4, 3) float32"


@pytest.mark.parametrize(
    ("own", "given"),
    [("float64", "float32"), ("float32", "float64"), ("bfloat16", "float32"), ("float16", "float64")],
)
def test_inputs_of_another_dtype_than_the_weights_are_refused_with_what_would_do(own, given):
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)).to(getattr(torch, own))
    with pytest.raises(
        UsageError, match=rf"weights are {own}, and its inputs are {given}\. .* model\.to\(torch\.{given}"
    ):
        forward(net, torch.zeros(4, 3, dtype=getattr(torch, given)))


def test_other_failures_on_such_inputs_are_the_networks_own():
    with pytest.raises(ValueError, match="else"):
        forward(nn.Sequential(Raising(ValueError("else")), nn.Linear(3, 2).double()), torch.zeros(4, 3))


def test_where_memory_ran_out_the_network_does_not_run_again():
    net = nn.Sequential(Raising(MemoryError(), ValueError("a second run")))
    assert where(net).where == "on the input (4, 3) float32"
    assert len(net[0].errors) == 1


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error, out):
    assert out_of_memory(error) is out


def test_what_went_well_is_given_back_and_refusals_of_ours_pass_unmarked():
    x = torch.ones(4, 3)
    assert forward(nn.Identity(), x) is x
    assert where(Raising(UsageError("ours"))) is None


def test_no_hook_is_left(hooks):
    net = nn.Sequential(nn.Linear(3, 5), nn.Linear(4, 2))
    where(net)
    assert hooks(net) == 0
