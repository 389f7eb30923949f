import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import deepnrc
from deepnrc import DataError, UsageError
from deepnrc.commands.failures import UnforeseenError, explained, flags
from deepnrc.commands.instrument import Probes, SelfTest
from deepnrc.commands.probe import Layers, ProbeCommand
from deepnrc.commands.saved import Heatmap, ReportCommand, Spectrum

COMMANDS = (Layers, ProbeCommand, Heatmap, Spectrum, ReportCommand, Probes, SelfTest)
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


def test_every_flag_of_a_command_is_known_by_the_library_s_name_for_it() -> None:
    known = flags(ProbeCommand)
    assert {name: known[name] for name in ("layers", "max_samples", "run", "state_key")} == {
        "layers": "--layers",
        "max_samples": "--max-samples",
        "run": "--run",
        "state_key": "--state-key",
    }
    assert "model" not in known
    assert flags(Heatmap)["across"] == "--across"


def named() -> set[str]:
    """Every argument that a message of the library names as one."""
    calls = [
        node
        for path in Path(deepnrc.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Argument", "Given", "Remedy", "OneOf")
    ]
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


def test_every_argument_that_a_message_names_is_a_flag_or_one_that_no_command_takes() -> None:
    taken = {name for command in COMMANDS for name in flags(command)}
    assert {"layers", "repeats", "state_key"} <= named()
    assert named() - taken == {"band", "distributed", "eps", "folder", "hue", "logger", "stop_when"}


def messages() -> Iterator[tuple[Path, str]]:
    """The strings of every error that the library outside its commands makes, and of its modules' constants."""
    for path in Path(deepnrc.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith("Error")]
        for node in [*calls, *(n for n in tree.body if isinstance(n, ast.Assign))]:
            if path.parent.name != "commands":
                words = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
                yield from ((path, word) for word in words)


def test_no_message_names_an_argument_or_a_flag_in_plain_words() -> None:
    taken = "|".join(name for command in COMMANDS for name in flags(command))
    plain = re.compile(rf"(?<!deepnrc probe )(?<!var\()--(?!upgrade)[a-z]|\b({taken})=['\"(\[]|^ ?({taken}) must be")
    assert [(path.name, word) for path, word in messages() if plain.search(word)] == []


def test_probe_lets_the_network_s_own_error_through_with_a_note() -> None:
    mine = KeyError("mine")
    assert failure(Odd(mine)) is mine
    if sys.version_info >= (3, 11):
        assert mine.__notes__ == ["The network failed on the input (4, 3) float32."]


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
    said = shown.told(flags(ProbeCommand))
    assert said.startswith(f"The memory is not enough ({type(error).__name__}: ")
    assert said.endswith("Take a smaller --batch-size, or probe fewer --layers.")


def test_what_fails_inside_our_own_hooks_is_not_blamed_on_the_network() -> None:
    def pool(x: Tensor) -> Tensor:
        raise RuntimeError("pooling")

    shown = explained(failure(nn.Conv1d(3, 2, 1), (torch.ones(4, 3, 5), DATA[1]), pool=pool))
    assert isinstance(shown, UnforeseenError)
    assert str(shown) == "RuntimeError: pooling. This was not foreseen: --debug shows where it happened."
    assert shown.exit_code == 1
