"""Find the weights inside what a checkpoint holds, and bring their names in line with a network's own."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor
from torch.nn.parameter import is_lazy

from deepnrc.errors import DataError
from deepnrc.wording import Argument, Remedy, did_you_mean, listing

PLAIN = frozenset(("state_dict", "model_state_dict", "model", "net", "network", "module", "weights"))
AVERAGED = frozenset(("ema", "model_ema", "state_dict_ema", "ema_state_dict"))
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
NOT_WEIGHTS = ("optim", "sched", "scaler")
COUNTER = re.compile(r"(^|\.)total_(ops|params)$|^n_averaged$")
NORMALISED = re.compile(r"parametrizations\.(\w+)\.original([01])$")
DEEPEST = 40


def find_state_dict(content: object, source: str, key: str | None = None) -> dict[str, Tensor]:
    """The one set of weights in `content`, read from the file `source`, under `key` if that is given.

    Errors: DataError if there are no weights, several sets of them, or nothing under `key`.
    """
    if key is not None:
        content = _descend(content, key, source)
    found = dict(_candidates(content))
    usual = {path: state for path, state in found.items() if (PLAIN | AVERAGED).issuperset(path)}
    choices = usual or found
    if len(choices) == 1:
        return next(iter(choices.values()))
    if choices:
        names = [".".join(path if key is None else (key, *path)) for path in choices]
        raise DataError(
            f"'{source}' holds several sets of weights: {listing(names)}. Choose one with ", Remedy("state_key"), "."
        )
    loose = {name: value for name, value in _items(content).items() if isinstance(value, Tensor)}
    if loose:
        return loose
    holds = listing(_items(content)) if isinstance(content, Mapping) else f"one {type(content).__name__}"
    raise DataError(f"There are no weights in '{source}'. It holds: {holds}. Pass a file with a state dict.")


def _items(content: object) -> dict[str, Any]:
    return {k: v for k, v in content.items() if isinstance(k, str)} if isinstance(content, Mapping) else {}


def _candidates(
    content: object, path: tuple[str, ...] = (), seen: set[int] | None = None
) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """Each mapping from names to tensors within `content`, with the path to it; optimizers and the like left out.

    One that stands in several places, or in itself, is looked into once. Errors: DataError if it is nested too deep.
    """
    seen = set() if seen is None else seen
    if id(content) in seen:
        return
    seen.add(id(content))
    if len(path) > DEEPEST:
        raise DataError(
            f"The checkpoint is nested over {DEEPEST} levels deep: '{'.'.join(path[:3])}...'. Save the weights alone: "
            "torch.save(model.state_dict(), 'weights.pt')."
        )
    items = _items(content)
    pure = all(isinstance(value, Tensor) for value in items.values())
    if isinstance(content, dict) and items and pure and len(items) == len(content):
        yield path, content
        return
    for name, value in items.items():
        if not any(word in name.lower() for word in NOT_WEIGHTS):
            yield from _candidates(value, (*path, name), seen)


def _descend(content: object, key: str, source: str) -> object:
    """What stands under a dotted `key`; names may themselves hold dots, and `key` may begin a state dict's names."""
    items = _items(content)
    if key in items:
        return items[key]
    for name in items:
        if key.startswith(f"{name}."):
            return _descend(items[name], key[len(name) + 1 :], source)
    inner = {name[len(key) + 1 :]: value for name, value in items.items() if name.startswith(f"{key}.")}
    if inner:
        return inner
    within = [name for name in PLAIN.intersection(items) if any(n.startswith(f"{key}.") for n in _items(items[name]))]
    if len(within) == 1:
        return _descend(items[within[0]], key, source)
    raise DataError(
        f"'{source}' has nothing under the state key {key!r}.{did_you_mean(key, items)} "
        f"There it holds: {listing(items)}."
    )


def fitted(state: dict[str, Tensor], own: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    """`state` under the names of a network whose state dict is `own`, with wrappers' prefixes dropped where needed.

    Errors: DataError that lists the names missing, unexpected or of another shape.
    """
    best = nearest(state, own)
    problems = misfits(best, own)
    if problems:
        raise refusal(problems, source)
    return best


def nearest(state: dict[str, Tensor], own: Mapping[str, Any]) -> dict[str, Tensor]:
    """`state` under the names that most of `own` has, without the counters of thop and AveragedModel."""
    kept = _renamed(state, str)
    for name in [name for name in state if name not in own and COUNTER.search(name)]:
        del kept[name]
    best = max(_variants(kept), key=lambda variant: len(variant.keys() & own.keys()))
    for name, value in own.items():
        if name.endswith("num_batches_tracked"):  # weights saved before torch 0.4.1 lack this counter of BatchNorm
            best.setdefault(name, value)
    return best


def misfits(state: Mapping[str, Tensor], own: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names missing, unexpected and of another shape, where there are any."""
    problems = {
        "missing": [name for name in own if name not in state],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name}: {tuple(state[name].shape)} in the file, {tuple(value.shape)} in the network"
            for name, value in own.items()
            if name in state and isinstance(value, Tensor) and not is_lazy(value) and value.shape != state[name].shape
        ],
    }
    return {what: names for what, names in problems.items() if names}


def check_values(
    state: Mapping[str, Tensor], weights: Mapping[str, Tensor], buffers: Mapping[str, Tensor], source: str
) -> None:
    """Errors: DataError for what stands in for the network's floating-point parameters and is NaN, infinite, or in
    whole numbers or floats of 8 bits, which are quantized weights without their scales; and for NaN in its buffers,
    which may hold infinity, as masks do."""
    found = {name: state[name] for name, weight in weights.items() if name in state and weight.is_floating_point()}
    short = {name: value for name, value in found.items() if not _fractions(value)}
    if short:
        kinds = listing(sorted({str(value.dtype).removeprefix("torch.") for value in short.values()}))
        raise DataError(
            f"{len(short)} weights in '{source}' are of {kinds}, where the network has floating-point ones"
            f": {listing(short)}. They seem to be quantized, and their scales are not read here: save them dequantized."
        )
    bad = {name: int((~value.isfinite()).sum()) for name, value in found.items() if not value.is_quantized}
    held = {name: state[name] for name in buffers if name in state and state[name].is_floating_point()}
    bad |= {name: int(value.isnan().sum()) for name, value in held.items()}
    told = [f"{name} ({count} of {state[name].numel()})" for name, count in bad.items() if count]
    if told:
        raise DataError(
            f"{len(told)} weights in '{source}' hold NaN or infinity: {listing(told)}. The training that wrote them "
            "diverged, or the file is damaged. Choose an earlier one."
        )


def _fractions(value: Tensor) -> bool:
    whole = not (value.is_floating_point() or value.is_complex() or value.is_quantized)
    return not whole and (value.is_quantized or value.element_size() > 1)


def refusal(problems: Mapping[str, Sequence[str]], source: str) -> DataError:
    """The error for weights that do not fit a network."""
    counted = "; ".join(f"{len(names)} {what}: {listing(names)}" for what, names in problems.items())
    prefixes = _prefixes(problems)
    if prefixes:
        begun = listing([f"{prefix}." for prefix in prefixes])
        return DataError(
            f"The weights in '{source}' do not fit the network ({counted}). Its names stand there after {begun}: "
            "choose with ",
            Remedy("state_key", prefixes[0]),
            ".",
        )
    rest = ("All that the network has is there; pass over the rest with ", Remedy("allow_extra", True), ". Else build ")
    return DataError(
        f"The weights in '{source}' do not fit the network ({counted}). ",
        *(rest if list(problems) == ["unexpected"] else ("Build ",)),
        "the network they come from (its name, its number of outputs: ",
        Argument("num_classes"),
        "), or choose other weights with ",
        Remedy("state_key"),
        ".",
    )


def _prefixes(problems: Mapping[str, Sequence[str]]) -> list[str]:
    """What stands, each with a point, before all names that are missing among those that are unexpected."""
    missing, held = problems.get("missing", ()), problems.get("unexpected", ())
    begun = [name.removesuffix(f".{missing[0]}") for name in held if name.endswith(f".{missing[0]}")] if missing else []
    names = set(held)
    return [prefix for prefix in begun if names.issuperset(f"{prefix}.{name}" for name in missing)]


def _variants(state: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Copies of `state`: as it is, without each wrapper's prefix that all names share, without marks of compiling, and
    with weight normalisation as it was named before torch 2.0, which torch converts only the other way."""
    yield _renamed(state, str)
    while prefix := next((p for p in PREFIXES if state and all(name.startswith(p) for name in state)), ""):
        state = _renamed(state, partial(_without, prefix))
        yield _renamed(state, str)
    yield _renamed(state, lambda name: name.replace("_orig_mod.", ""))
    yield _renamed(state, lambda name: NORMALISED.sub(lambda found: f"{found[1]}_{'gv'[int(found[2])]}", name))


def _without(prefix: str, name: str) -> str:
    return name.removeprefix(prefix)


def _renamed(state: dict[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    renamed = OrderedDict((rename(name), value) for name, value in state.items())
    versions = getattr(state, "_metadata", None)
    if versions is not None:  # the modules' version numbers, by module name: torch reads them back from here
        kept = OrderedDict((rename(f"{name}.").removesuffix("."), version) for name, version in versions.items())
        vars(renamed)["_metadata"] = kept
    return renamed
