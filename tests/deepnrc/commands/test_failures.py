from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import deepnrc
from deepnrc import DataError, UsageError
from deepnrc.commands.failures import UnforeseenError, explained

DATA = (torch.ones(4, 3), torch.zeros(4, 2))


class Odd(nn.Module):
    """Fails in its own forward, after a layer that works."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.first, self.error = nn.Linear(3, 2), error

    def forward(self, x: Tensor, more: Tensor | None = None) -> Tensor:
        self.first(x)
        raise self.error


class Samples(Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        raise ValueError("sample 0 is odd")


def failure(model: nn.Module, data: Any = DATA, **options: Any) -> Exception:
    with pytest.raises(Exception) as caught:
        deepnrc.probe(model, data, progress=False, **options)
    return caught.value


def test_refusals_of_ours_stay_as_they_are() -> None:
    error = DataError("empty")
    assert explained(error) is error


@pytest.mark.parametrize(
    ("python", "flags"),
    [
        ("leave it out with layers=['!fc'].", "leave it out with --layers '!fc'."),
        ("out: layers=['...', '!a', '!b.*'].", "out: --layers ... '!a' '!b.*'."),
        ("layers=['!blocks.[01]'] leaves nothing", "--layers '!blocks.[01]' leaves nothing"),
        ("with repeats='first', 'last' or 'each' (every", "with --repeats first, last or each (every"),
        ("Use layers='weights', or name its", "Use --layers weights, or name its"),
        ("Add it to probes=[...].", "Add it to --probes."),
        ("variant='signal' goes with one measure", "--variant signal goes with one measure"),
        ("max_samples must be at least 1, or None for all; it is 0.", "--max-samples must be at least 1; it is 0."),
        ("layers: '0', 'fc'", "layers: '0', 'fc'"),
    ],
)
def test_what_the_library_calls_arguments_are_flags_on_the_command_line(python: str, flags: str) -> None:
    shown = explained(DataError(python))
    assert (str(shown), type(shown)) == (flags, DataError)


def test_probe_lets_the_network_s_own_error_through() -> None:
    mine = KeyError("mine")
    assert failure(Odd(mine)) is mine


def test_a_network_that_fails_is_told_by_layer_input_and_remedy() -> None:
    net = nn.Sequential(nn.Linear(3, 5), nn.Sequential(nn.Linear(4, 2)))
    shown = explained(failure(net))
    assert isinstance(shown, UsageError)
    assert str(shown).startswith(
        "The network failed in layer '1.0', Linear(in_features=4, out_features=2, bias=True), on the input "
        "(4, 3) float32: RuntimeError: "
    )
    assert "4x5 and 4x2" in str(shown)
    assert str(shown).endswith(
        "Give it inputs of the shape and dtype that it was built for, or build it for these. --debug shows the "
        "traceback."
    )


def test_a_failure_outside_any_layer_names_only_the_input() -> None:
    data = [({"x": DATA[0], "more": DATA[0].double()}, DATA[1])]
    assert str(explained(failure(Odd(RuntimeError("first line.\nsecond"))))).startswith(
        "The network failed on the input (4, 3) float32: RuntimeError: first line. Give it"
    )
    assert "on the input (4, 3) float32, (4, 3) float64: KeyError: 'k'" in str(
        explained(failure(Odd(KeyError("k")), data))
    )
    assert "IndexError: (no message). Give" in str(explained(failure(Odd(IndexError()))))


def test_a_block_is_named_by_its_class() -> None:
    net = nn.Sequential(nn.Linear(3, 3), Odd(RuntimeError("no")))
    assert "in layer '1', Odd, on the input" in str(explained(failure(net)))


@pytest.mark.parametrize("workers", [0, 1])
def test_data_that_cannot_be_read_is_the_data_s_fault(workers: int) -> None:
    shown = explained(failure(nn.Linear(3, 2), DataLoader(Samples(), num_workers=workers)))
    assert isinstance(shown, DataError)
    assert str(shown) == (
        "The data could not be read: ValueError: sample 0 is odd. Mend its loader; --debug shows the traceback."
    )


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError("no room"),
    ],
)
def test_too_little_memory_asks_for_smaller_batches(error: Exception) -> None:
    shown = explained(failure(Odd(error)))
    assert isinstance(shown, UsageError)
    assert str(shown).startswith(f"The memory is not enough ({type(error).__name__}: ")
    assert str(shown).endswith("Take a smaller --batch-size, or probe fewer --layers.")


def test_what_fails_inside_our_own_hooks_is_not_blamed_on_the_network() -> None:
    def pool(x: Tensor) -> Tensor:
        raise RuntimeError("pooling")

    shown = explained(failure(nn.Conv1d(3, 2, 1), (torch.ones(4, 3, 5), DATA[1]), pool=pool))
    assert isinstance(shown, UnforeseenError)
    assert str(shown) == "RuntimeError: pooling. This was not foreseen: --debug shows where it happened."
    assert shown.exit_code == 1
