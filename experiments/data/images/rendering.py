"""Frames rendered in a process of their own: what draws them is chosen by variables that must be set before imports."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import experiments
from deepnrc.data import progress_bar
from deepnrc.errors import UsageError
from experiments.data.cache import Arrays

NO_CONTEXT = 3  # exit code of a renderer that cannot draw at all
CHECKOUT = Path(experiments.__file__).parents[1]


class NoContextError(UsageError):
    """There is nothing to draw with; the message is the renderer's own."""


def need(package: str, remedy: str) -> None:
    """Refuse where a package is absent, without importing it here. Errors: UsageError with the remedy."""
    if find_spec(package) is None:
        raise UsageError(f"This needs the package {package!r}, which is not installed. {remedy}")


def rendered(module: str, arguments: Mapping[str, object], surroundings: Mapping[str, str], total: int) -> Arrays:
    """The arrays that ``python -m module`` makes.

    The module takes its arguments as --name value and the file to write as --out, prints a line for each frame, and
    ends with NO_CONTEXT where it cannot draw.

    Args:
        module: such as "experiments.data.images.scenes".
        arguments: by name.
        surroundings: environment variables.
        total: frames, for the progress bar.
    Errors: NoContextError with the module's last words; UsageError with those and what to do if it fails otherwise.
    """
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "frames.npz"
        flags = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
        command = [sys.executable, "-m", module, *flags, "--out", str(out)]
        with (Path(scratch) / "words").open("w+") as words:
            code = _watched(command, os.environ | surroundings | {"PYTHONPATH": path}, words.fileno(), total)
            words.seek(0)
            said = words.read().strip().splitlines()
        if code:
            last = said[-1] if said else "without a word"
            if code == NO_CONTEXT:
                raise NoContextError(last)
            told = _by_itself(surroundings, [*command[:-1], out.name])
            raise UsageError(f"Rendering ended with exit code {code}: {last.rstrip('.')}. {_remedy(code)} {told}")
        with np.load(out, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}


def _remedy(code: int) -> str:
    if code < 0:  # a signal
        return "It was killed, as happens when memory runs out: ask for fewer frames."
    return "If it names an environment or an argument that is unknown, update the simulator: pip install -U gymnasium."


def _by_itself(surroundings: Mapping[str, str], command: list[str]) -> str:
    """How to see everything that a renderer says."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in surroundings.items()]
    return f"To see all that it says, run: {' '.join([*variables, shlex.join(command)])}"


def _watched(command: list[str], environment: dict[str, str], words: int, total: int) -> int:
    """Run to the end; interrupted, the renderer ends too."""
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=words, text=True) as child,
        progress_bar(total=total, desc="rendering", unit="frame") as bar,
    ):
        try:
            for _ in child.stdout or ():
                bar.update()
        except BaseException:
            child.kill()
            raise
    return child.returncode
