"""Which modules of a network are probed: where features are read, on which axis, and which weight goes with them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import ParametrizationList

from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Given, Remedy, did_you_mean, listing

Layers = str | type[nn.Module] | Sequence[str | type[nn.Module]] | Callable[[str, nn.Module], bool]

BLOCK = re.compile(r"Block|Bottleneck|Residual|EncoderLayer|DecoderLayer|TransformerLayer|MBConv|DepthwiseSeparable")
SHORTCUT = {"downsample", "shortcut", "skip", "identity_conv", "conv_shortcut", "skip_connection"}
ROOT = "(layer)"  # the name of a network that is itself one Linear or convolution
PADDED = {"Conv2dSame", "Conv2dSameExport", "Linear"}  # of timm: a forward of their own, with the weight as it is
ATTENTION = "nn.MultiheadAttention uses its weight without running the module"


@dataclass(frozen=True, eq=False)
class Site:
    """One place where features are read.

    Attributes:
        name: of the module, as in ``named_modules``.
        module: the module that a hook goes on.
        reads: "input" (of a Linear or convolution, so that features and weight belong together) or "output".
        axis: which axis of the tensor holds features; None where only the tensor's shape can tell.
        dim: d, the width, as far as the module tells it.
        holder: the module whose weight acts on these features; None if there is none, with ``missing`` saying why.
    """

    name: str
    module: nn.Module
    reads: str
    axis: int | None
    dim: int | None
    holder: nn.Module | None = None
    missing: str = ""

    @property
    def kind(self) -> str:
        return type(self.module).__name__


@dataclass(frozen=True)
class Choice:
    """What is probed and what, for which reason, is left out."""

    sites: tuple[Site, ...]
    left_out: tuple[tuple[str, str], ...]


def has_weight(module: nn.Module) -> bool:
    """Whether the module is a Linear or a convolution of any kind."""
    return isinstance(module, nn.Linear | _ConvNd)


def reads_features(module: nn.Module) -> bool:
    """Whether the module reads features with a weight, one that can be probed or not."""
    return has_weight(module) or isinstance(module, nn.MultiheadAttention | nn.RNNBase)


def weight_matrix(holder: nn.Module) -> Tensor:
    """The weight as W (m, d) in float64: convolutions (c_out k k, c_in), so that its right singular vectors live where
    the pooled features do."""
    weight = _read(holder).to(dtype=torch.float64)
    if isinstance(holder, nn.Linear):
        return weight
    if isinstance(holder, _ConvTransposeNd):
        return weight.flatten(1).mT
    return weight.movedim(1, -1).flatten(0, -2)


def _read(holder: nn.Module) -> Tensor:
    """The weight in use. In training, a spectral norm takes a step of its power iteration each time it is read."""
    parametrized = getattr(holder, "parametrizations", None)
    flags = {module: module.training for module in parametrized.modules()} if parametrized is not None else {}
    try:
        for module in flags:
            module.training = False
        return holder.weight.detach()  # type: ignore[operator]
    finally:
        for module, flag in flags.items():
            module.training = flag


def choose(model: nn.Module, layers: Layers = "weights") -> Choice:
    """Choose the sites of ``model``, in the order in which its modules were registered.

    Args:
        layers: "weights" (every Linear and convolution but the shortcuts), "blocks" (outputs of residual and
            transformer blocks), a glob on module names, module types, a list of any of these ("!glob" leaves out), or
            a callable ``(name, module) -> bool``. Linear and convolutions are read at their input, anything else at
            its output. A block's output is read as it leaves the block: in networks that normalise at the start of a
            block (pre-norm transformers), before the norm through which the next layer sees it.
    Errors: UsageError if nothing matches, with the nearest names.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    if has_weight(model):
        modules = {ROOT: model, **modules}
    uninitialised = [name for name, m in modules.items() if isinstance(m, nn.modules.lazy.LazyModuleMixin)]
    if uninitialised:
        raise UsageError(f"{listing(uninitialised)} have no weights yet. Run one batch through the network first.")
    if isinstance(layers, str | type | Sequence):
        return _listed(modules, [layers] if isinstance(layers, str | type) else list(layers))
    if not callable(layers):
        raise UsageError(
            Argument("layers", layers), f" must be 'weights', 'blocks', globs, types or a callable, not {layers!r}."
        )
    names = [name for name, module in modules.items() if layers(name, module)]
    if not names:
        raise UsageError(f"The callable chose none of the {len(modules)} modules: {listing(modules)}.")
    return Choice(tuple(site_at(name, modules[name]) for name in names), ())


def _weights(modules: dict[str, nn.Module]) -> Choice:
    shortcuts = _shortcuts(modules)
    left_out = [(name, "shortcut around a block") for name in shortcuts]
    sites = []
    for name, module in modules.items():
        if has_weight(module):
            if name not in shortcuts:
                if _inside_attention(name, modules):
                    left_out.append((name, ATTENTION))
                else:
                    sites.append(site_at(name, module))
        elif any(p.ndim >= 2 for p in module.parameters(recurse=False)) and not isinstance(module, ParametrizationList):
            left_out.append((name, f"{type(module).__name__} is neither Linear nor a convolution"))
    if not sites:
        raise UsageError(
            "The network has no Linear or convolution to probe. Name other modules with ", Remedy("layers", [...]), "."
        )
    return Choice(tuple(sites), tuple(left_out))


def _inside_attention(name: str, modules: dict[str, nn.Module]) -> bool:
    return isinstance(modules.get(name.rpartition(".")[0]), nn.MultiheadAttention)


def _blocks(modules: dict[str, nn.Module]) -> Choice:
    blocks = _block_names(modules)
    if not blocks:
        kinds = sorted({type(m).__name__ for m in modules.values() if any(True for _ in m.children())})
        raise UsageError(
            "No residual or transformer blocks were recognised in the network. Use ",
            Remedy("layers", "weights"),
            f", or name its blocks with a glob or a type. Its composite modules are: {listing(kinds)}.",
        )
    left_out = [
        (name, "outside every block") for name in modules if has_weight(modules[name]) and not _within(name, blocks)
    ]
    return Choice(tuple(site_at(name, modules[name]) for name in blocks), tuple(left_out))


def _block_names(modules: dict[str, nn.Module]) -> list[str]:
    """The outermost modules whose class is named like a block and which hold a weight."""
    found: list[str] = []
    for name, module in modules.items():
        if BLOCK.search(type(module).__name__) and not _within(name, found) and any(map(has_weight, module.modules())):
            found.append(name)
    return found


def _within(name: str, outer: Iterable[str]) -> bool:
    return any(name.startswith(f"{o}.") for o in outer)


def _shortcuts(modules: dict[str, nn.Module]) -> list[str]:
    """Weights on a shortcut inside a block; a stage's own downsampling lies on the main path and is no shortcut."""
    found = []
    for block in _block_names(modules):
        for name, module in modules.items():
            if name.startswith(f"{block}.") and has_weight(module) and SHORTCUT & set(name[len(block) :].split(".")):
                found.append(name)
    return found


def _listed(modules: dict[str, nn.Module], entries: list[str | type[nn.Module]]) -> Choice:
    """What any entry names, less what any "!entry" does; nothing but "!entries" starts from all weights."""
    wanted = [entry for entry in entries if not _leaves_out(entry)]
    if not entries:
        raise UsageError(Given("layers", []), f" names nothing to probe. Modules: {listing(modules)}.")
    choices = [_named(modules, entry) for entry in wanted or ["weights"]]
    sites = {site.name: site for choice in choices for site in choice.sites}
    left_out = {name: why for choice in choices for name, why in choice.left_out if name not in sites}
    for entry in filter(_leaves_out, entries):
        matched = _matching(modules, entry[1:])  # type: ignore[index]
        for name in [name for name in sites if name in matched or _within(name, matched)]:
            del sites[name]
            left_out[name] = f"named by '{entry}'"
    if not sites:
        raise UsageError(Given("layers", entries), f" leaves nothing to probe. Modules: {listing(modules)}.")
    return Choice(tuple(sites[name] for name in modules if name in sites), tuple(left_out.items()))


def _leaves_out(entry: object) -> bool:
    return isinstance(entry, str) and entry.startswith("!")


def _named(modules: dict[str, nn.Module], entry: str | type[nn.Module]) -> Choice:
    """The sites of one entry: an exact name is itself; a glob means weights, or other modules where it matches none."""
    if entry == "weights":
        return _weights(modules)
    if entry == "blocks":
        return _blocks(modules)
    names = _matching(modules, entry)
    if isinstance(entry, str) and entry not in modules:
        names = [name for name in names if has_weight(modules[name])] or names
    unread = [name for name in names if name != entry and _inside_attention(name, modules)]
    return Choice(
        tuple(site_at(name, modules[name]) for name in names if name not in unread),
        tuple((name, ATTENTION) for name in unread),
    )


def _matching(modules: dict[str, nn.Module], entry: str | type[nn.Module]) -> list[str]:
    """The modules that a type, an exact name or a glob matches."""
    if isinstance(entry, type):
        found = [name for name, module in modules.items() if isinstance(module, entry)]
        if not found:
            kinds = sorted({type(m).__name__ for m in modules.values()})
            raise UsageError(f"No module is a {entry.__name__}. The network is made of: {listing(kinds)}.")
        return found
    if not isinstance(entry, str):
        raise UsageError(f"layers may hold globs and module types, not {entry!r}.")
    if entry in modules:
        return [entry]
    matched = [name for name in modules if fnmatch.fnmatchcase(name, entry)]
    if not matched:
        raise UsageError(
            f"No layer is called {entry!r}.{did_you_mean(entry, modules)} The network has: {listing(modules)}."
        )
    return matched


def site_at(name: str, module: nn.Module) -> Site:
    """Where the features of one module are read: a weight's at its input, anything else's at its output."""
    if isinstance(module, nn.Linear | _ConvNd):
        reads = (-1, module.in_features) if isinstance(module, nn.Linear) else (1, module.in_channels)
        missing = _weight_missing(module)
        return Site(name, module, "input", *reads, None if missing else module, missing)
    axis, dim = _output_axis(module)
    return Site(name, module, "output", axis, dim, None, "no weight layer reads this output")


def _weight_missing(module: nn.Linear | _ConvNd) -> str:
    """Why the weight cannot be read as what acts on the features, or nothing."""
    if isinstance(module, _ConvNd) and module.groups > 1:
        return f"not defined for grouped convolutions (groups = {module.groups})"
    for method in ("forward", "_conv_forward"):
        owner = next((kind for kind in type(module).__mro__ if method in vars(kind)), nn.Module)
        package = owner.__module__.split(".")
        if package[:2] != ["torch", "nn"] and not (package[0] == "timm" and owner.__name__ in PADDED):
            return f"{owner.__name__} has a forward of its own and may not use its weight as it is"
    return ""


def _output_axis(module: nn.Module) -> tuple[int | None, int | None]:
    """Feature axis and width of a module's output, as far as its own layers tell; a block with any convolution keeps
    channels first."""
    inner = [m for m in module.modules() if has_weight(m)]
    if isinstance(module, _BatchNorm):
        return 1, module.num_features
    if isinstance(module, nn.LayerNorm):
        return -1, module.normalized_shape[-1]
    if not inner:
        return None, None
    last = inner[-1]
    width = last.out_channels if isinstance(last, _ConvNd) else last.out_features
    return (1 if any(isinstance(m, _ConvNd) for m in inner) else -1), int(width)  # type: ignore[arg-type]
