"""Build a network from what a user wrote: a timm or torchvision name, or a factory of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from deepnrc.errors import UsageError, require
from deepnrc.loading.checkpoints import load_checkpoint
from deepnrc.loading.factories import call, resolve
from deepnrc.wording import Argument, Given, Remedy, did_you_mean, listing

FORMS = "timm:NAME, torchvision:NAME, path/to/file.py:factory or package.module:factory"


def load_model(
    spec: str,
    *,
    pretrained: bool = False,
    num_classes: int | None = None,
    checkpoint: str | Path | None = None,
    state_key: str | None = None,
    allow_extra: bool = False,
) -> nn.Module:
    """The network that `spec` names, as its maker returns it, with the weights in `checkpoint` loaded into it.

    `spec` is timm:NAME, torchvision:NAME, path/to/file.py:factory or package.module:factory; a factory is an nn.Module
    or is called without arguments and returns one. `pretrained` and `num_classes` (its number of outputs m) are for
    timm and torchvision only. `state_key` says where in the checkpoint the weights are, `allow_extra` that entries
    which the network does not have are passed over.
    Errors: UsageError for unknown names, options that do not go together, factories that fail and pretrained weights
    that cannot be had; DataError for a checkpoint that is unreadable or does not fit.
    """
    if pretrained and checkpoint is not None:
        raise UsageError(f"Both pretrained weights and the checkpoint '{checkpoint}' were asked for. Choose one.")
    if state_key is not None and checkpoint is None:
        raise UsageError(
            f"The state key {state_key!r} says where weights are in a checkpoint: pass ", Remedy("checkpoint"), " too."
        )
    source, _, name = spec.partition(":")
    if source == "timm":
        model = _from_timm(name, pretrained, num_classes)
    elif source == "torchvision":
        model = _from_torchvision(name, pretrained, num_classes)
    else:
        model = _from_factory(spec, pretrained, num_classes)
    if checkpoint is not None:
        load_checkpoint(model, checkpoint, state_key, allow_extra=allow_extra)
    return model


def _from_timm(name: str, pretrained: bool, num_classes: int | None) -> nn.Module:
    timm = require("timm", "Install it with: pip install timm.")
    if not timm.is_model(name):
        raise UsageError(_unknown("timm", name, timm.list_models(), "timm.list_models()"))
    tagged = timm.list_pretrained(name.partition(".")[0])
    if "." in name and name not in tagged:
        raise UsageError(f"timm has no weights {name!r}.{did_you_mean(name, tagged)} It has: {listing(tagged)}.")
    if pretrained and not tagged:
        raise UsageError(
            f"timm has no pretrained weights for {name!r}. Leave out ",
            Given("pretrained", True),
            " or pass ",
            Remedy("checkpoint"),
            ".",
        )
    return _built(timm.create_model, "timm", name, num_classes, {"pretrained": pretrained})


def _from_torchvision(name: str, pretrained: bool, num_classes: int | None) -> nn.Module:
    models = require("torchvision.models", "Install it with: pip install torchvision.")
    known = models.list_models()
    if name not in known:
        raise UsageError(_unknown("torchvision", name, known, "torchvision.models.list_models()"))
    weights = models.get_model_weights(name).DEFAULT if pretrained else None
    if weights is not None:
        try:
            # torchvision would unpickle the file whole; reading it here first refuses one that holds more than weights.
            weights.get_state_dict(progress=False, check_hash=True, weights_only=True, map_location="cpu")
        except Exception as error:  # URLError, a wrong hash, a damaged file in the cache
            raise _out_of_reach("torchvision", name, error) from error
    return _built(models.get_model, "torchvision", name, num_classes, {"weights": weights})


def _built(make: Any, source: str, name: str, num_classes: int | None, options: dict[str, Any]) -> nn.Module:
    """What `make` returns for `name`; what it raises becomes a UsageError, chained."""
    download = any(options.values())
    if num_classes is not None:
        if num_classes < 1:
            raise UsageError(f"The number of classes must be at least 1, but {num_classes} was given.")
        options = {**options, "num_classes": num_classes}
    try:
        model: nn.Module = make(name, **options)
    except Exception as error:  # a download fails in as many ways as there are HTTP libraries
        # The hub's "not found" is an OSError and a ValueError at once; a wrong argument is only one of the latter.
        if download and (isinstance(error, OSError) or not isinstance(error, TypeError | ValueError)):
            raise _out_of_reach(source, name, error) from error
        raise UsageError(f"{source} could not build {name!r} with {options}: {str(error).rstrip('.')}.") from error
    return model


def _unknown(source: str, name: str, known: list[str], how: str) -> str:
    return f"{source} has no network {name!r}.{did_you_mean(name, known)} It has {len(known)}: {how} lists them."


def _out_of_reach(source: str, name: str, error: Exception) -> UsageError:
    offline = f"{_on_the_hub(name)} (HF_HUB_OFFLINE=1 in the environment keeps timm from trying the network at all.)"
    return UsageError(
        f"The pretrained weights of {name!r} are neither in {source}'s cache nor reachable "
        f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}). Download them on a "
        "machine with a network, copy the file here and pass it with ",
        Remedy("checkpoint", "FILE"),
        " instead of ",
        Given("pretrained", True),
        f".{offline if source == 'timm' else ''}",
    )


def _on_the_hub(name: str) -> str:
    """Where timm's weights of a network lie, in a sentence."""
    config = require("timm", "").get_pretrained_cfg(name)
    place = getattr(config, "hf_hub_id", None)
    return f" They are model.safetensors of '{place}' on the Hugging Face hub." if place else ""


def _from_factory(spec: str, pretrained: bool, num_classes: int | None) -> nn.Module:
    if ":" not in spec:
        raise UsageError(f"{spec!r} is no network. Write {FORMS}.{_prefix_hint(spec)}")
    if pretrained or num_classes is not None:
        option = Argument("pretrained", True) if pretrained else Argument("num_classes", num_classes)
        raise UsageError(option, f" is for timm and torchvision names; let the factory {spec!r} see to it itself.")
    found = resolve(spec)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise UsageError(
            f"{spec!r} is of type {type(found).__name__}, not an nn.Module or a function that returns one."
        )
    made = call(found, spec)
    if not isinstance(made, nn.Module):
        raise UsageError(
            f"{spec!r} returned a value of type {type(made).__name__}, not an nn.Module. Let it return the network."
        )
    return made


def _prefix_hint(name: str) -> str:
    return f" Did you mean 'timm:{name}'?" if require("timm", "").is_model(name) else ""
