"""Which step of a training each of several checkpoints is of, by the numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from deepnrc.errors import UsageError
from deepnrc.wording import Remedy, listing, shown

ENDINGS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".zip")
COUNTED = ("step", "steps", "iter", "iteration", "global_step", "it")  # words in front of a number that is a step


def checkpoint_files(given: str | Path | Sequence[str | Path]) -> list[Path]:
    """The files that a glob ('ck/*.pt'), a folder, or several paths name.

    Errors: UsageError if there are none.
    """
    if not isinstance(given, str | Path):
        found = [Path(path) for path in given]
    elif Path(given).is_dir():
        found = sorted(path for path in Path(given).iterdir() if path.suffix in ENDINGS and path.is_file())
    elif any(mark in str(given) for mark in "*?["):
        pattern = Path(given)
        root = Path(pattern.anchor) if pattern.is_absolute() else Path()
        found = sorted(path for path in root.glob(str(pattern.relative_to(root))) if path.is_file())
    else:
        found = [Path(given)]
    if not found:
        raise UsageError(
            f"There is no checkpoint at '{shown(str(given))}' (looked from {Path.cwd()}). Name a folder of "
            f"{listing(ENDINGS, 6)} files, or a pattern such as ",
            Remedy("checkpoint", "ck/*.pt"),
            ".",
        )
    return found


def steps_of(files: Sequence[Path]) -> list[int]:
    """The step of each file, from the number by which their names differ.

    Where several numbers differ (epoch=3-step=1200.ckpt), the one behind a word such as "step" counts.

    >>> steps_of([Path("net-2.pt"), Path("net-10.pt")])
    [2, 10]
    >>> steps_of([Path("epoch=1-step=100.ckpt"), Path("epoch=2-step=200.ckpt")])
    [100, 200]

    Errors: UsageError where names have no such number, or it cannot be told which it is.
    """
    names = [path.name.removesuffix(path.suffix) for path in files]
    numbers = [[(word.lower(), int(digits)) for word, digits in _NUMBER.findall(name)] for name in names]
    if len({len(found) for found in numbers}) > 1:
        raise _untold(files, "they have not the same number of numbers")
    columns = list(zip(*numbers, strict=True))
    telling = [column for column in columns if len({number for _, number in column}) == len(files)]
    if len(telling) > 1:
        telling = [column for column in telling if column[0][0] in COUNTED] or telling
    if not telling:
        raise _untold(files, "none of their numbers is another in each")
    if len(telling) > 1:
        raise _untold(files, f"{len(telling)} numbers differ")
    return [number for _, number in telling[0]]


_NUMBER = re.compile(r"([A-Za-z_]*?)[=_\-.]*(\d+)")


def _untold(files: Sequence[Path], why: str) -> UsageError:
    return UsageError(
        f"Which step each checkpoint is of cannot be told from names such as '{shown(files[0].name)}' and "
        f"'{shown(files[-1].name)}': {why}. Give the steps: ",
        Remedy("steps", list(range(1, min(len(files), 3) + 1))),
        ".",
    )
