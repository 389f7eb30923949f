from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from deepnrc.data.sources import load_data
from deepnrc.errors import UsageError


@pytest.fixture
def spec(tmp_path: Path) -> Any:
    """Write a Python file with torch in it and return its spec for `make`."""

    def write(text: str) -> str:
        (tmp_path / "data.py").write_text(
            f"import torch\nfrom torch.utils.data import *\nX = torch.ones(5, 2)\n{text}\n"
        )
        return f"{tmp_path / 'data.py'}:make"

    return write


@pytest.mark.parametrize(
    "text",
    [
        "def make(): return [(X, X), [X, X]]",
        "def make():\n    yield X, X\n    yield X, X",
        "def make(): return iter([(X, X), (X, X)])",
        "make = [(X, X), (X, X)]",
    ],
)
def test_pairs_are_passed_on_in_every_pass(spec: Any, text: str) -> None:
    data = load_data(spec(text))
    for _ in range(2):
        assert [(x.shape, y.shape) for x, y in data] == [((5, 2), (5, 2))] * 2


@pytest.mark.parametrize("text", ["def make(): return TensorDataset(X, X)", "make = TensorDataset(X, X)"])
def test_a_data_set_of_samples_is_batched(spec: Any, text: str) -> None:
    assert [len(x) for x, _ in load_data(spec(text), batch_size=3)] == [3, 2]


@pytest.mark.parametrize("text", ["def make(): return LOADER", "make = LOADER"])
def test_a_loader_is_passed_on_as_it_is(spec: Any, text: str) -> None:
    loader = load_data(spec(f"LOADER = DataLoader(TensorDataset(X, X), batch_size=4)\n{text}"), batch_size=3)
    assert isinstance(loader, DataLoader)
    assert loader.batch_size == 4


@pytest.mark.parametrize("text", ["def make(): return 3", "def make(): return {'x': X}", "make = 'name'"])
def test_what_is_not_data_is_refused(spec: Any, text: str) -> None:
    with pytest.raises(
        UsageError, match=r"'.*data\.py:make' made a value of type \w+, not data\. Let it return a DataLoader, a"
    ):
        load_data(spec(text))


def test_batches_of_other_forms_are_passed_on(spec: Any) -> None:
    for item in ("(X, X, X)", "dict(image=X, labels=X)"):
        (batch,) = load_data(spec(f"def make(): yield {item}"))
        assert len(batch) == item.count("X")


def test_a_factory_that_fails_is_located(spec: Any) -> None:
    with pytest.raises(UsageError, match=r"Calling '.*' failed with KeyError: 'x' \(data\.py, line 5\)"):
        load_data(spec("def make():\n    return {}['x']"))


def test_no_pair_is_read_before_it_is_asked_for(spec: Any) -> None:
    x, _ = next(iter(load_data(spec("def make():\n    yield X, X\n    raise RuntimeError"))))
    assert torch.equal(x, torch.ones(5, 2))
