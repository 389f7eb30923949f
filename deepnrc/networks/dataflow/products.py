"""Products of activations with a parameter that no module applies, seen while they are computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle
from torch.utils.weak import WeakTensorKeyDictionary

from deepnrc.networks.choosing.naming import own_name

Told = Callable[[str, Tensor, Tensor], None]

MATRIX = {"matmul", "mm", "mv"}
ADDED = {"addmm", "addmv"}
DRAWN = re.compile(r"^(rand\w*|normal_?|bernoulli_?|multinomial|poisson|uniform_|exponential_|\w*dropout\w*)$")
CHANGES = re.compile(r"[a-z]_$|^__i[a-z]+__$|^__setitem__$")  # in place
SPEC = re.compile(r"^(\w*|\w*\.\.\.\w*|\.\.\.\w*),(\w{1,2})->([\w.]*)$")


class Product(nn.Module):
    """Stands for one such product.

    Attributes:
        matrix: W (m, d) as it last was.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = matrix


@dataclass(frozen=True)
class Factors:
    """What a product multiplies: activations (..., d) by W (m, d)."""

    features: Tensor
    matrix: Tensor


class Products(TorchFunctionMode):
    """While it is on, tells of each product of activations with a matrix or vector that is made of parameters alone.

    Args:
        apart: modules that are layers themselves, whose own products are not told of.
        told: is given the names of the parameters, the activations (..., d) and the matrix W (m, d).
    """

    def __init__(self, model: nn.Module, told: Told, apart: Iterable[nn.Module] = ()) -> None:
        super().__init__()
        self.told, self.apart = told, list(apart)
        self._inside, self._handles = 0, list[RemovableHandle]()
        self._made: Any = WeakTensorKeyDictionary()  # by tensor, the parameters and buffers that it is made of alone
        for name, parameter in model.named_parameters(remove_duplicate=False):
            self._made.setdefault(parameter, frozenset([own_name(name)]))
        for name, buffer in model.named_buffers(remove_duplicate=False):
            self._made.setdefault(buffer, frozenset([name] if buffer.ndim >= 2 else []))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        made = [self._made.get(x) for x in _tensors((args, kwargs))]
        if None in made and CHANGES.search(name) and isinstance(args[0], Tensor):
            self._made.pop(args[0], None)
        if None not in made and not DRAWN.search(name):
            for x in _tensors(out):
                self._made[x] = frozenset().union(*made)
        elif any(made) and not self._inside:
            found = factors(name, args, kwargs, self._is_made)
            if found is not None:
                names, seen = found
                self.told(" and ".join(sorted(names)), seen.features, seen.matrix)
        return out

    def __enter__(self) -> Products:
        for module in self.apart:
            self._handles.append(module.register_forward_pre_hook(self._into))
            self._handles.append(module.register_forward_hook(self._out, always_call=True))
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        while self._handles:
            self._handles.pop().remove()

    def _into(self, *given: Any) -> None:
        self._inside += 1

    def _out(self, *given: Any) -> None:
        self._inside -= 1

    def _is_made(self, x: Any) -> frozenset[str] | None:
        return self._made.get(x) if isinstance(x, Tensor) else None


def factors(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], made: Callable[[Any], frozenset[str] | None]
) -> tuple[frozenset[str], Factors] | None:
    """Of a call of torch, the parameters' names and what it multiplies, where it is activations times one matrix.

    Args:
        name: of the function that was called.
        made: the names of the parameters that a tensor is made of alone, or None.
    """
    left: Any
    right: Any
    if name == "linear":
        given = dict(zip(("input", "weight"), args, strict=False)) | dict(kwargs)
        left, right, turned = given["input"], given["weight"], False
    elif name in MATRIX or name in ADDED:
        start = 1 if name in ADDED else 0
        if len(args) < start + 2:
            return None
        left, right, turned = args[start], args[start + 1], True
    elif name == "einsum":
        return _summed(args, made)
    else:
        return None
    if made(left) is None and made(right):
        return _times(left, right, turned, made(right) or frozenset())
    if turned and made(left) and made(right) is None and left.ndim == right.ndim == 2:  # W h, of columns
        return made(left) or frozenset(), Factors(right.mT, left)
    return None


def _times(
    features: Tensor, matrix: Tensor, turned: bool, names: frozenset[str]
) -> tuple[frozenset[str], Factors] | None:
    if matrix.ndim == 1:
        return names, Factors(features, matrix[None])
    return (names, Factors(features, matrix.mT if turned else matrix)) if matrix.ndim == 2 else None


def _summed(args: Sequence[Any], made: Callable[[Any], frozenset[str] | None]) -> tuple[frozenset[str], Factors] | None:
    """As ``factors``, of einsum: one letter of a matrix is summed over, and its other one is in the result."""
    tensors = list(args[1]) if len(args) == 2 and isinstance(args[1], tuple | list) else list(args[1:])
    if not args or not isinstance(args[0], str) or len(tensors) != 2:
        return None
    spec = args[0].replace(" ", "")
    if made(tensors[0]):
        given, arrow, result = spec.partition("->")
        spec, tensors = ",".join(given.split(",")[::-1]) + arrow + result, tensors[::-1]
    names, read = made(tensors[1]), SPEC.match(spec)
    if made(tensors[0]) is not None or not names or read is None:
        return None
    data, of_matrix, result = read.groups()
    (summed, *others) = sorted(of_matrix, key=lambda letter: letter in result)
    if data.count(summed) != 1 or summed in result or any(o in data or o not in result for o in others):
        return None
    place = data.replace("...", ".").index(summed)
    axis = place if "..." not in data or place < data.index("...") else place - len(data.replace("...", "."))
    matrix = tensors[1] if of_matrix[-1] == summed else tensors[1].mT
    return names, Factors(tensors[0].movedim(axis, -1), matrix if matrix.ndim == 2 else matrix[None])


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors among a call's arguments and results, in lists and mappings too."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list | dict):
        items: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for item in items:
            yield from _tensors(item)
