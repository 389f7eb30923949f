"""Which weight reads what another one gives, as far as the order in which they ran tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from deepnrc.networks.layers import site_at


def following(
    holder: nn.Module | None, missing: str, ran: Sequence[str], weights: Mapping[str, nn.Module]
) -> tuple[nn.Module | None, str]:
    """The Linear that runs next after a Linear and reads as many features as that gives, or None and the reason.

    What else may lie between the two, such as a normalisation or a sum with a shortcut, the order does not tell.

    Args:
        holder: the module whose weight acts on a layer's features, or None with ``missing`` saying why.
        ran: names of the weights and output sites in the order in which they ran.
        weights: by name, the network's modules that read features with a weight.
    """
    if not isinstance(holder, nn.Linear):
        return None, missing if holder is None else f"{type(holder).__name__} is not Linear"
    order = [name for name in ran if name in weights]
    places = [i for i, name in enumerate(order) if weights[name] is holder]
    if len(places) != 1:
        return None, f"the weight is used {len(places)} times in a pass"
    name = next(iter(order[places[0] + 1 :]), None)
    if name is None:
        return None, "no weight runs after this one"
    after = weights[name]
    if not isinstance(after, nn.Linear):
        return None, f"the next weight, '{name}', is {type(after).__name__} and not Linear"
    if order.count(name) > 1:
        return None, f"the next weight, '{name}', is used {order.count(name)} times in a pass"
    if after.in_features != holder.out_features:
        return None, f"the next weight, '{name}', reads {after.in_features} features and not {holder.out_features}"
    reader = site_at(name, after)
    return reader.holder, reader.missing
