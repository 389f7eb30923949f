"""What a module multiplies by, told by its response f(e_i) - f(0) to unit vectors, once it is known to be affine.

Everything runs on a copy of the module, in evaluation mode and float64 where the module lets itself be cast, so that
neither its numbers, hooks and buffers nor torch's random state change.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from deepnrc.networks.weights.stored import convolved

CLOSE = 1e3  # in units of the dtype's rounding
ROWS = 3
LARGE = 1e4  # what clips or saturates is affine in the small only
CHUNK = 1 << 22  # numbers of a batch of impulses


class NoWeightError(ValueError):
    """A module proved not to be affine in what it reads, so that no matrix tells what it does."""


class Response:
    """A copy of a module that is run on rows of ours.

    Args:
        geometry: of a convolution, its (extent, stride) along each of its axes; none for what reads (N, d).
    """

    def __init__(self, module: nn.Module, geometry: Sequence[tuple[int, int]] = ()) -> None:
        self.module, self.geometry = module, geometry

    def is_affine(self, d: int) -> bool:
        """Whether random rows (., d) go through it one by one, alike each time, and as an affine map lets them."""
        return self._affine_run(d) is not None

    def is_elementwise(self, d: int) -> bool:
        """Whether each feature is only scaled by itself, so that no weight lies between features: of an affine one."""
        run, a = self._affine_run(d), self._maps(ROWS, d)
        if run is None or d == 1 or (answer := run(a) - run(torch.zeros_like(a[:1]))).shape != a.shape:
            return False
        scale, rounding = answer / a, CLOSE * torch.finfo(run.dtype).eps
        return torch.allclose(scale, scale[:1].expand_as(scale), rounding, rounding)

    def outputs(self, d: int) -> int:
        """m, how many outputs an affine module has for d features."""
        run = self._affine_run(d)
        if run is None:
            raise self._refused(d)
        return run(self._maps(1, d)).shape[1]

    def matrix(self, d: int) -> Tensor:
        """W (m, d), of a convolution (m k k, d). Errors: NoWeightError if the module is not affine in d features."""
        run = self._affine_run(d)
        if run is None:
            raise self._refused(d)
        if not self.geometry:
            return (run(torch.eye(d, dtype=torch.float64)) - run(torch.zeros(1, d, dtype=torch.float64))).mT
        handed = convolved_with(run, self._maps(ROWS, d))
        return self._impulses(run, d) if handed is None else convolved(handed)

    def _refused(self, d: int) -> NoWeightError:
        name = type(self.module).__name__
        return NoWeightError(f"{name} is not affine in {d} features: linears= gives the weight in use, if there is one")

    def _affine_run(self, d: int) -> _Run | None:
        for dtype in (torch.float64, None):
            # a foreign class may refuse to be copied or cast, or rows that it was not made for
            with contextlib.suppress(Exception):
                run = _Run(self.module, dtype)
                return run if self._affine(run, d) else None
        return None

    def _affine(self, run: _Run, d: int) -> bool:
        a, b = self._maps(2 * ROWS, d).split(ROWS)
        zero, fa, fb = run(torch.zeros_like(a[:1])), run(a), run(b)
        if fa.ndim != a.ndim or len(fa) != ROWS or not torch.equal(fa, run(a)):
            return False
        rounding = CLOSE * torch.finfo(run.dtype).eps
        for s, t in ((1.0, 1.0), (LARGE, -LARGE), (-LARGE, LARGE)):
            linear = s * (fa - zero) + t * (fb - zero)
            size = abs(s) * float(fa.abs().max() + fb.abs().max()) + float(zero.abs().max())
            if not float((run(s * a + t * b) - zero - linear).abs().max()) <= rounding * size:
                return False
        return float((run(a[1:2]) - fa[1:2]).abs().max()) <= rounding * float(fa.abs().max() + zero.abs().max())

    def _maps(self, rows: int, d: int) -> Tensor:
        """Random rows (N, d), or maps (N, d, ...) large enough for every impulse."""
        g = torch.Generator().manual_seed(0)
        return torch.randn(rows, d, *map(_length, self.geometry), generator=g, dtype=torch.float64)

    def _impulses(self, run: _Run, d: int) -> Tensor:
        """The answers to impulses so placed that each weight of the kernel meets one at some output."""
        lengths = [*map(_length, self.geometry)]
        zero = run(torch.zeros(1, d, *lengths, dtype=torch.float64))
        rows = []
        for few in torch.eye(d, dtype=torch.float64).split(max(1, CHUNK // (d * math.prod(lengths)))):
            maps = torch.zeros(len(few), d, *lengths, dtype=torch.float64)
            for place in itertools.product(*(_places(axis) for axis in self.geometry)):
                index: Any = (..., *place)
                maps[index] = few
            rows.append((run(maps) - zero).flatten(1))
        answers = torch.cat(rows).mT
        return answers[answers.abs().sum(1) > 0]


class _Run:
    """Calls of a copy of a module, from float64 on the CPU to float64 on the CPU."""

    def __init__(self, module: nn.Module, dtype: torch.dtype | None) -> None:
        copied = twin(module)
        self.twin = copied if dtype is None else copied.to(dtype)
        first = next(itertools.chain(copied.parameters(), copied.buffers()), None)
        self.device = torch.device("cpu") if first is None else first.device
        self.calls = 0
        self.dtype = dtype or (first.dtype if first is not None and first.is_floating_point() else torch.float32)

    def __call__(self, x: Tensor) -> Tensor:
        self.calls += 1
        with _apart(self.device):
            torch.manual_seed(self.calls)  # what is drawn anew in each call is no weight
            y = self.twin(x.to(self.device, self.dtype))
        if not isinstance(y, Tensor) or not y.is_floating_point():
            raise TypeError("no tensor of real numbers came back")
        return y.detach().to("cpu", torch.float64)


class _Handed(TorchFunctionMode):
    """Keeps what a convolution is handed and gives."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, Tensor, Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in (torch.conv1d, torch.conv2d, torch.conv3d) and len(args) > 1:
            self.calls.append((args[0], args[1], out))
        return out


def convolved_with(run: _Run, x: Tensor) -> Tensor | None:
    """The one weight (m, d, ...) that the module hands to a convolution of its input, padded or not, whose result is
    the module's but for a constant; or None. It costs one run where the impulses' answers cost d."""
    with _Handed() as handed:
        y = run(x)
    if len(handed.calls) != 1:
        return None
    given, weight, out = (t.detach().to("cpu", torch.float64) for t in handed.calls[0])
    constant = run(torch.zeros_like(x[:1]))
    with _Handed() as empty:
        run(torch.zeros_like(x[:1]))
    bare = out - empty.calls[0][2].detach().to("cpu", torch.float64)
    read = given[given != 0].sort().values
    rounding = CLOSE * torch.finfo(run.dtype).eps
    same_input = torch.equal(read, x.to(run.dtype).double().flatten().sort().values)
    same_output = y.shape == out.shape and float((y - constant - bare).abs().max()) <= rounding * float(y.abs().max())
    return weight if same_input and same_output else None


@contextlib.contextmanager
def _apart(device: torch.device) -> Iterator[None]:
    devices = [] if device.type in ("cpu", "mps") else [device.index or 0]
    with (
        torch.random.fork_rng(devices=devices, device_type=device.type if devices else "cuda"),
        torch.inference_mode(False),
        torch.no_grad(),
        torch.autocast(device.type, enabled=False),
        torch.device("cpu"),
    ):
        yield


def _length(axis: tuple[int, int]) -> int:
    extent, _ = axis
    return _places(axis)[-1] + extent


def _places(axis: tuple[int, int]) -> list[int]:
    """Impulses along one axis: one for each remainder of the stride, so far apart that no output sees two."""
    extent, stride = axis
    return [extent - 1 + i * (stride * -(-extent // stride) + 1) for i in range(stride)]


def twin(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode with none of the hooks but those of torch's own norms and masks."""
    shared: dict[int, object] = {}
    for part in module.modules():
        for hooks in (part._forward_hooks, part._forward_pre_hooks, part._backward_hooks, part._backward_pre_hooks):
            shared |= {id(hook): hook for hook in hooks.values()}  # perhaps of a user's, and may hold the whole network
        for value in vars(part).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                shared[id(value)] = value.detach().clone()
    copied = copy.deepcopy(module, shared)
    for part in copied.modules():
        part._forward_hooks.clear()
        for key, hook in list(part._forward_pre_hooks.items()):
            if not type(hook).__module__.startswith("torch.nn.utils."):
                del part._forward_pre_hooks[key]
        part.training = False
    return copied.requires_grad_(False)
