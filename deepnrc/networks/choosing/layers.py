"""Which modules of a network are probed."""

from __future__ import annotations

import fnmatch
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils.parametrize import ParametrizationList

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.blocks import block_names
from deepnrc.networks.choosing.naming import own_name
from deepnrc.networks.choosing.sites import Site, has_weight, reads_features, site_at, weight_matrix
from deepnrc.networks.weights.registry import ROOT, Linears, Weight, weights_in
from deepnrc.networks.weights.stored import forward_from
from deepnrc.wording import Argument, Given, Remedy, did_you_mean, listing

__all__ = ["ROOT", "Choice", "Layers", "Site", "choose", "has_weight", "reads_features", "site_at", "weight_matrix"]

Layers = str | type[nn.Module] | Sequence[str | type[nn.Module]] | Callable[[str, nn.Module], bool]


@dataclass(frozen=True)
class Choice:
    """What is probed and what, for which reason, is left out.

    Attributes:
        weights: every weight of the network by its layer's name, probed or not.
        parameters: names of bare parameters that entries name, of which the first batch tells whether they are layers.
    """

    sites: tuple[Site, ...]
    left_out: tuple[tuple[str, str], ...]
    weights: Mapping[str, Weight] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()


def choose(model: nn.Module, layers: Layers = "weights", linears: Linears | None = None) -> Choice:
    """Choose the sites of ``model``, in the order in which its modules were registered.

    Args:
        layers: "weights" (everything that multiplies by a weight), "blocks" (outputs of the repeated
            parts that hold weights), a glob on module names, module types, a list of any of these ("!glob" leaves
            out), or a callable ``(name, module) -> bool``. What multiplies by a weight is read at its input, anything
            else at its output. A block's output is read as it leaves the block: in networks that normalise at the
            start of a block (pre-norm transformers), before the norm through which the next layer sees it.
        linears: further types of modules that multiply by a weight, each with a function that gives it (m, d).
    Errors: UsageError if nothing matches, with the nearest names.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    uninitialised = [name for name, m in modules.items() if _uninitialised(m)]
    if uninitialised:
        raise UsageError(f"{listing(uninitialised)} have no weights yet. Run one batch through the network first.")
    network = _Network(model, modules, weights_in(model, linears))
    if isinstance(layers, str | type | Sequence):
        sites, left_out = network.listed([layers] if isinstance(layers, str | type) else list(layers))
    elif callable(layers):
        sites, left_out = network.called(layers), []
    else:
        raise UsageError(
            Argument("layers", layers), f" must be 'weights', 'blocks', globs, types or a callable, not {layers!r}."
        )
    return Choice(tuple(sites), tuple(left_out), network.weights, tuple(network.asked))


def _uninitialised(module: nn.Module) -> bool:
    lazy = isinstance(module, nn.modules.lazy.LazyModuleMixin)
    return lazy or any(isinstance(p, UninitializedParameter) for p in module.parameters(recurse=False))


Chosen = tuple[list[Site], list[tuple[str, str]]]


class _Network:
    """The named modules of a network and its weights, from which entries choose."""

    def __init__(self, model: nn.Module, modules: dict[str, nn.Module], weights: dict[str, Weight]) -> None:
        self.model, self.weights = model, weights
        self.modules = {ROOT: model, **modules} if ROOT in weights else modules
        self.outer = {name: name.removesuffix(f".{w.part}") if w.part else name for name, w in weights.items()}
        parts: dict[str, list[str]] = {}
        for name in weights:
            parts.setdefault(name.rpartition(".")[0], []).append(name)
        named = [n for name in self.modules for n in (name, *(p for p in parts.get(name, ()) if p not in modules))]
        self.names = list(dict.fromkeys(named))
        self.parameters = [own_name(name) for name, parameter in model.named_parameters() if parameter.ndim]
        self.asked: dict[str, None] = {}

    def listed(self, entries: list[str | type[nn.Module]]) -> Chosen:
        """What any entry names, less what any "!entry" does; nothing but "!entries" starts from all weights."""
        wanted = [entry for entry in entries if not _leaves_out(entry)]
        if not entries:
            raise UsageError(Given("layers", []), f" names nothing to probe. Modules: {listing(self.names)}.")
        choices = [self.named(entry) for entry in wanted or ["weights"]]
        sites = {site.name: site for chosen, _ in choices for site in chosen}
        left_out = {name: why for _, missed in choices for name, why in missed if name not in sites}
        for entry in filter(_leaves_out, entries):
            matched = self.matching(entry[1:])  # type: ignore[index]
            for name in [name for name in sites if name in matched or _within(name, matched)]:
                del sites[name]
                left_out[name] = f"named by '{entry}'"
        if not sites and not self.asked and not self.may_hold_products(wanted):
            raise UsageError(Given("layers", entries), f" leaves nothing to probe. Modules: {listing(self.names)}.")
        return [sites[name] for name in self.names if name in sites], list(left_out.items())

    def named(self, entry: str | type[nn.Module]) -> Chosen:
        """The sites of one entry: an exact name is itself; a glob means weights, or other modules where it matches
        none."""
        if entry == "weights":
            return self.all_weights()
        if entry == "blocks":
            return self.blocks()
        names = self.matching(entry)
        if not names:
            self.asked |= dict.fromkeys(self.named_parameters(entry))
            return [], []
        if isinstance(entry, str) and entry in self.names:
            return [self.site(entry)], []
        outer = dict.fromkeys(self.around(name) for name in names)
        names = [name for name in outer if name in self.weights] if isinstance(entry, str) else list(outer)
        names = names or list(outer)
        running = [name for name in names if name in self.weights or runs(self.modules[name])]
        if not running:
            self.site(names[0])
        return [self.site(name) for name in running], []

    def called(self, layers: Callable[[str, nn.Module], bool]) -> list[Site]:
        try:
            inspect.signature(layers).bind("", nn.Identity())
        except TypeError as error:
            raise UsageError(
                Argument("layers", layers),
                f" must take a name and a module, as lambda name, module: ... does ({error}).",
            ) from error
        except ValueError:  # one that tells nothing of its parameters
            pass
        names = [name for name, module in self.modules.items() if layers(name, module)]
        if not names:
            raise UsageError(f"The callable chose none of the {len(self.modules)} modules: {listing(self.modules)}.")
        return [self.site(name) for name in names]

    def site(self, name: str) -> Site:
        if name in self.weights:
            return site_at(name, self.weights[name].module, self.weights[name])
        module = self.modules[name]
        if not runs(module):
            members = [f"{name}.{child}" for child, _ in module.named_children()]
            named = f"'{name}.*', or {listing(members, 3)}" if members else "the module that uses it"
            raise UsageError(
                f"'{name}' is a {type(module).__name__}, which has no forward, so nothing can be read there. "
                f"Name {named}."
            )
        return site_at(name, module)

    def around(self, name: str) -> str:
        """The layer that a module is a part of, or its own name."""
        if name in self.weights:
            return name
        return next((w for w, outer in self.outer.items() if name.startswith(f"{outer}.")), name)

    def all_weights(self) -> Chosen:
        left_out = []
        whole = set(self.outer.values())
        for name, module in self.modules.items():
            own = any(p.ndim >= 2 for p in module.parameters(recurse=False))
            measured = name in whole or _within(name, whole) or isinstance(module, ParametrizationList)
            if _within(name, whole) and name not in self.weights and (own or _packed(module)):
                left_out.append((name, "part of the layer around it"))
            elif own and not measured:
                left_out.append((name, f"{type(module).__name__} is neither Linear nor a convolution"))
        sites = [self.site(name) for name in self.names if name in self.weights]
        if not sites and not self.may_hold_products(["weights"]):
            raise UsageError(
                "The network has no Linear or convolution to probe. Name other modules with ",
                Remedy("layers", [...]),
                ".",
            )
        return sites, left_out

    def blocks(self) -> Chosen:
        blocks = block_names(self.model, self.weights)
        if not blocks:
            kinds = sorted({type(m).__name__ for m in self.modules.values() if any(True for _ in m.children())})
            remedy = ("Use ", Remedy("layers", "weights"), ", or name") if self.weights else ("Name",)
            raise UsageError(
                "No blocks, which are repeated parts that hold weights, were found in the network. ",
                *remedy,
                f" its parts with a glob or a type. Its composite modules are: {listing(kinds)}.",
            )
        left_out = [(name, "outside every block") for name in self.weights if not _within(name, blocks)]
        return [self.site(name) for name in blocks], left_out

    def may_hold_products(self, wanted: Collection[object]) -> bool:
        """Whether all weights are wanted and a parameter of no layer could be one, as the first batch must show."""
        kept = (nn.ParameterList, nn.ParameterDict)
        free = [
            part
            for part in self.model.modules()
            if any(True for _ in part.parameters(recurse=False))
            and (isinstance(part, kept) or not type(part).__module__.startswith("torch.nn."))
        ]
        return bool(free) and (not wanted or "weights" in wanted)

    def named_parameters(self, entry: object) -> list[str]:
        return [name for name in self.parameters if isinstance(entry, str) and fnmatch.fnmatchcase(name, entry)]

    def matching(self, entry: str | type[nn.Module]) -> list[str]:
        """The modules that a type, an exact name or a glob matches; none where it matches parameters alone."""
        if isinstance(entry, type):
            found = [name for name, module in self.modules.items() if isinstance(module, entry)]
            if not found:
                kinds = sorted({type(m).__name__ for m in self.modules.values()})
                raise UsageError(f"No module is a {entry.__name__}. The network is made of: {listing(kinds)}.")
            return found
        if not isinstance(entry, str):
            raise UsageError(f"layers may hold globs and module types, not {entry!r}.")
        if entry in self.names:
            return [entry]
        matched = [name for name in self.names if fnmatch.fnmatchcase(name, entry)]
        if not matched and not self.named_parameters(entry):
            raise UsageError(
                f"No layer is called {entry!r}.{did_you_mean(entry, self.names)} The network has: "
                f"{listing(self.names)}."
            )
        return matched


def _packed(module: nn.Module) -> bool:
    """Whether a module holds the numbers of a quantized layer."""
    return type(module).__name__.endswith("PackedParams")


def _leaves_out(entry: object) -> bool:
    return isinstance(entry, str) and entry.startswith("!")


def _within(name: str, outer: Iterable[str]) -> bool:
    return any(name.startswith(f"{o}.") for o in outer)


def runs(module: nn.Module) -> bool:
    """Whether the module has a forward, as a list of modules has not."""
    return bool(forward_from(module))
