"""When code that is not ours fails (the network, its data, a library): what happened and what to do, in one sentence.

`probe` lets such an error through as it is, so that a caller can catch its own type, as torch.OutOfMemoryError; only
the command line, whose users see no more than a line, asks here what it means.
"""

from __future__ import annotations

import re
import shlex
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.data import batches
from deepnrc.errors import DataError, DeepNRCError, UsageError


class UnforeseenError(DeepNRCError):
    """Neither the user's code nor a refusal of ours, so perhaps a fault of ours (exit code 1)."""

    exit_code: int = 1


def explained(error: Exception) -> DeepNRCError:
    """The error to show for one that was raised while a command ran."""
    if isinstance(error, DeepNRCError):
        said = as_flags(str(error))
        return error if said == str(error) else type(error)(said)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    said = _said(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return UsageError(f"The memory is not enough ({said}). Take a smaller --batch-size, or probe fewer --layers.")
    calls = _since(frames, batches.call)
    if calls and not any(frame.f_globals.get("__name__", "").startswith("deepnrc.") for frame in calls[1:]):
        return UsageError(
            f"The network failed{_where(calls)}: {said}. Give it inputs of the shape and dtype that it was built for, "
            "or build it for these. --debug shows the traceback."
        )
    if _since(frames, batches.pairs):
        return DataError(f"The data could not be read: {said}. Mend its loader; --debug shows the traceback.")
    return UnforeseenError(f"{said}. This was not foreseen: --debug shows where it happened.")


def as_flags(said: str) -> str:
    """A refusal in the words of the command line: flags where the library names its arguments.

    >>> as_flags("Leave it out: layers=['weights', '!fc'], or use repeats='first', 'last' or 'each'.")
    "Leave it out: --layers weights '!fc', or use --repeats first, last or each."
    """
    for python, flags in FLAGS:
        said = python.sub(flags, said)
    return said


def _listed(found: re.Match[str]) -> str:
    entries = [_word(entry) for entry in QUOTED.findall(found["entries"])]
    return " ".join([f"--{found['flag']}", *entries])


def _chosen(found: re.Match[str]) -> str:
    return f"--{found['flag']} {QUOTED.sub(lambda entry: _word(entry[0]), found['choices'])}"


def _bounded(found: re.Match[str]) -> str:
    return f"--{found['flag'].replace('_', '-')} must be {found['what']};"


def _word(quoted: str) -> str:
    """As a shell takes it: in quotes only where it needs them."""
    return shlex.quote(quoted[1:-1])


QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
ENTRY = f"(?:{QUOTED.pattern})"
FLAGS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b(?P<flag>layers|probes)=\[(?:\.\.\.)?\]"), r"--\g<flag>"),
    (re.compile(rf"\b(?P<flag>layers|probes)=\[(?P<entries>{ENTRY}(?:, {ENTRY})*)\]"), _listed),
    (
        re.compile(rf"\b(?P<flag>layers|probes|pool|repeats|variant)=(?P<choices>{ENTRY}(?:(?:, | or ){ENTRY})*)"),
        _chosen,
    ),
    (re.compile(r"\b(?P<flag>rank|max_samples) must be (?P<what>[^;]*), or None[^;]*;"), _bounded),
    (re.compile(r"Draw it with lines\(\), or read it with report\.values\('[^']*'\)"), "`deepnrc report` shows it"),
    (re.compile(r"Report\.save\(\) or `deepnrc probe"), "`deepnrc probe"),
)


def _since(frames: list[FrameType], function: Any) -> list[FrameType]:
    """The frames from a call of `function` on; none if it was not running."""
    found = [i for i, frame in enumerate(frames) if frame.f_code is function.__code__]
    return frames[found[-1] :] if found else []


def _where(calls: list[FrameType]) -> str:
    model, x = calls[0].f_locals["model"], calls[0].f_locals["x"]
    running = [frame.f_locals.get("self") for frame in calls[1:]]
    module = next((m for m in reversed(running) if isinstance(m, nn.Module)), model)
    name = next((name for name, m in model.named_modules() if m is module), "")
    kind = type(module).__name__ if any(True for _ in module.children()) else repr(module)
    inputs = ", ".join(map(_described, batches.tensors(x))) or type(x).__name__
    return f" in layer '{name}', {kind}, on the input {inputs}" if name else f" on the input {inputs}"


def _described(x: Tensor) -> str:
    return f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}"


def _said(error: Exception) -> str:
    """The error's type and first line; of one that a DataLoader's worker brings as a whole traceback, its last line."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()] or ["(no message)"]
    brought = any("Traceback" in line for line in lines)
    return lines[-1] if brought else f"{type(error).__name__}: {lines[0]}"
