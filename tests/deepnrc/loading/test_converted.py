"""Names that differ between a file and a network, and yet fit."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from deepnrc.errors import DataError
from deepnrc.loading import load_checkpoint


def normalised(new: bool) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrap = parametrizations.weight_norm if new else nn.utils.weight_norm
        return nn.Sequential(wrap(nn.Linear(4, 8)), nn.ReLU(), wrap(nn.Conv1d(1, 2, 3)), nn.Linear(8, 2))


@pytest.mark.parametrize("wrapped", ["", "module."])
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("loaded", [True, False])
def test_weight_normalisation_loads_from_either_form(tmp_path: Path, saved: bool, loaded: bool, wrapped: str) -> None:
    source, target = normalised(saved), normalised(loaded)
    torch.save({wrapped + name: value for name, value in source.state_dict().items()}, tmp_path / "w.pt")
    load_checkpoint(target, tmp_path / "w.pt")
    x = torch.randn(5, 4)
    assert torch.equal(target[0](x), source[0](x))
    assert torch.equal(target[2](x[:, None]), source[2](x[:, None]))


class Renamed(nn.Module):
    """Reads what an older version of it saved under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(2))

    def _load_from_state_dict(self, state: dict[str, torch.Tensor], prefix: str, *rest: object) -> None:
        if f"{prefix}scale" in state:
            state[f"{prefix}gain"] = state.pop(f"{prefix}scale")
        super()._load_from_state_dict(state, prefix, *rest)


def test_what_a_module_converts_itself_is_converted(tmp_path: Path) -> None:
    torch.save({"0.scale": torch.ones(2)}, tmp_path / "w.pt")
    net = nn.Sequential(Renamed())
    load_checkpoint(net, tmp_path / "w.pt")
    assert net[0].gain.tolist() == [1, 1]


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))


def test_the_counters_of_thop_are_passed_over(tmp_path: Path) -> None:
    counters = {name: torch.zeros(1) for name in ("total_ops", "total_params", "0.total_ops", "1.total_params")}
    source, target = small(), small()
    for prefix in ("", "module."):
        torch.save({prefix + n: v for n, v in (source.state_dict() | counters).items()}, tmp_path / "w.pt")
        load_checkpoint(target, tmp_path / "w.pt")
        assert torch.equal(target[0].weight, source[0].weight)


def test_other_extra_entries_are_passed_over_only_if_that_is_asked_for(tmp_path: Path) -> None:
    source, target = small(), small()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    torch.save(source.state_dict() | {"2.weight": torch.zeros(1), "ops": torch.zeros(1)}, tmp_path / "w.pt")
    words = r"\(2 unexpected: '2\.weight', 'ops'\)\. All that the network has is there; pass over .* allow_extra=True"
    with pytest.raises(DataError, match=words):
        load_checkpoint(target, tmp_path / "w.pt")
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())
    with pytest.warns(UserWarning, match=r"2 entries of 'w\.pt' are not of the network .*: '2\.weight', 'ops'"):
        load_checkpoint(target, tmp_path / "w.pt", allow_extra=True)
    assert torch.equal(target[1].weight, source[1].weight)


@pytest.mark.parametrize(
    "change", [{"0.weight": torch.zeros(9, 9)}, {"1.weight": None}, {"1.weight": None, "extra": torch.zeros(1)}]
)
def test_missing_and_reshaped_weights_are_refused_whatever_is_allowed(
    tmp_path: Path, change: dict[str, object]
) -> None:
    target = small()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    state = {name: value for name, value in (small().state_dict() | change).items() if value is not None}
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(DataError, match=r"\(1 (missing: '1\.weight'|of another shape: '0\.weight)"):
        load_checkpoint(target, tmp_path / "w.pt", allow_extra=True)
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())
