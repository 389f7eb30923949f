from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from deepnrc.errors import DataError
from deepnrc.loading.statedicts import find_state_dict, fitted

STATE = nn.Linear(2, 3).state_dict()
OTHER = nn.Linear(5, 4).state_dict()


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        dict(STATE),
        {"state_dict": STATE, "epoch": 3},
        {"model": {"state_dict": STATE}, "args": {"lr": 0.1}},
        {"net": STATE, "criterion": OTHER},
        {"encoder": STATE, "epoch": 3},
        {"model_state_dict": STATE, "optimizer": {"state": {"weight": dict(STATE)}}, "lr_schedulers": dict(OTHER)},
        {**STATE, "epoch": 3},
    ],
)
def test_weights_are_found_wherever_training_scripts_put_them(content: Any) -> None:
    assert find_state_dict(content, "a.pt") == STATE


USUAL = "state_dict model_state_dict model net network module weights ema model_ema state_dict_ema ema_state_dict"


@pytest.mark.parametrize("name", USUAL.split())
def test_usual_names_are_preferred_to_others(name: str) -> None:
    assert find_state_dict({"criterion": OTHER, name: STATE}, "a.pt") == STATE


@pytest.mark.parametrize("name", ["my_optimizer", "optim_g", "LR_Scheduler", "grad_scaler"])
def test_optimizers_and_their_like_are_no_weights(name: str) -> None:
    assert find_state_dict({name: OTHER, "encoder": STATE}, "a.pt") == STATE


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("ema", {"model": OTHER, "ema": STATE}),
        ("ema", {"model": OTHER, "ema": {"state_dict": STATE}}),
        ("student.v1.net", {"student.v1": {"net": STATE}}),
        ("student", {"state_dict": {"student.weight": STATE["weight"], "student.bias": STATE["bias"]}}),
        ("state_dict.student", {"state_dict": {"student.weight": STATE["weight"], "student.bias": STATE["bias"]}}),
    ],
)
def test_a_state_key_leads_to_the_weights(key: str, content: Any) -> None:
    assert find_state_dict(content, "a.pt", key) == STATE


def test_several_sets_of_weights_ask_for_a_key() -> None:
    with pytest.raises(
        DataError, match=r"'a\.pt' holds several sets of weights: 'model', 'ema'\. Choose one with state_key"
    ):
        find_state_dict({"model": STATE, "ema": OTHER}, "a.pt")
    with pytest.raises(DataError, match=r"weights: 'gan\.generator', 'gan\.critic'\. Choose one with state_key\."):
        find_state_dict({"gan": {"generator": STATE, "critic": OTHER}}, "a.pt", "gan")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"epoch": 3, "args": {"lr": 0.1}},
            r"There are no weights in 'a\.pt'\. It holds: 'epoch', 'args'\. Pass a file",
        ),
        ([1, 2], r"There are no weights in 'a\.pt'\. It holds: one list\."),
        (torch.ones(3), r"It holds: one Tensor\."),
        ({}, r"There are no weights in 'a\.pt'\. It holds: none\."),
    ],
)
def test_files_without_weights_say_what_they_hold(content: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        find_state_dict(content, "a.pt")


def test_a_wrong_state_key_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"nothing under the state key 'modle'\. Did you mean 'model'\? There it holds"):
        find_state_dict({"model": STATE, "epoch": 3}, "a.pt", "modle")


def _prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": value for name, value in STATE.items()}


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "_orig_mod.module.", "model.net."]
)
def test_prefixes_of_wrappers_are_dropped(prefix: str) -> None:
    assert fitted(_prefixed(prefix), STATE, "a.pt") == STATE


def test_prefixes_that_are_the_networks_own_stay() -> None:
    own = _prefixed("model.")
    assert fitted(own, own, "a.pt") == own
    assert fitted(_prefixed("module.model."), own, "a.pt") == own


def test_a_compiled_part_loads_into_the_plain_one() -> None:
    own = {"head.bias": torch.ones(1), **_prefixed("body.")}
    file = {"head.bias": torch.ones(1), **_prefixed("body._orig_mod.")}
    assert fitted(file, own, "a.pt") == own


def test_a_prefix_that_only_some_names_have_stays() -> None:
    with pytest.raises(DataError, match=r"1 missing: 'weight'; 1 unexpected: 'module\.weight'"):
        fitted({"module.weight": STATE["weight"], "bias": STATE["bias"]}, STATE, "a.pt")


def test_version_numbers_of_modules_come_along_under_the_new_names() -> None:
    state = nn.DataParallel(nn.Sequential(nn.BatchNorm1d(2))).state_dict()
    versions = vars(fitted(state, nn.Sequential(nn.BatchNorm1d(2)).state_dict(), "a.pt"))["_metadata"]
    assert versions == OrderedDict({"": {"version": 1}, "0": {"version": 2}})


def test_what_does_not_fit_is_counted_and_the_first_eight_are_named() -> None:
    own = {f"layer{i}": torch.zeros(2) for i in range(10)} | {"head": torch.zeros(4, 2)}
    with pytest.raises(DataError) as caught:
        fitted({"head": torch.zeros(3, 2), "foot": torch.zeros(1)}, own, "a.pt")
    message = str(caught.value)
    assert "The weights in 'a.pt' do not fit the network (10 missing: 'layer0', 'layer1'" in message
    assert "'layer7' and 2 more; 1 unexpected: 'foot'; 1 of another shape: 'head: (3, 2) in the file, (4, 2)" in message
    assert "number of outputs: num_classes)" in message
    assert "with state_key." in message


def test_batch_norm_counters_of_old_files_may_be_missing() -> None:
    own = nn.BatchNorm1d(2).state_dict()
    old = {name: value for name, value in own.items() if name != "num_batches_tracked"}
    assert fitted(old, own, "a.pt").keys() == own.keys()
    assert "num_batches_tracked" not in old


def test_averaged_models_load_without_their_counter() -> None:
    averaged = torch.optim.swa_utils.AveragedModel(nn.Linear(2, 3))
    found = fitted(averaged.state_dict(), STATE, "a.pt")
    assert found.keys() == STATE.keys()
    assert torch.equal(found["weight"], averaged.module.weight)
    own = averaged.state_dict()
    assert fitted(own, own, "a.pt").keys() == own.keys()


@pytest.mark.parametrize(
    ("prefixes", "words"),
    [
        (["policy."], r"stand there after 'policy\.': choose with state_key='policy'\."),
        (["student.", "teacher."], r"stand there after 'student\.', 'teacher\.': choose with state_key='student'\."),
        (["a.b.", "c."], r"stand there after 'a\.b\.', 'c\.': choose with state_key='a\.b'\."),
    ],
)
def test_prefixes_that_are_of_no_wrapper_are_named(prefixes: list[str], words: str) -> None:
    state = {name: value for prefix in prefixes for name, value in _prefixed(prefix).items()}
    with pytest.raises(DataError, match=words):
        fitted(state, STATE, "a.pt")
    assert fitted(find_state_dict({"state_dict": state}, "a.pt", prefixes[0][:-1]), STATE, "a.pt") == STATE
