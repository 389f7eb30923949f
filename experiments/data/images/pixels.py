"""Reacher seen by a camera: images from which a network tells what the expert would do, or where things are."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from deepnrc.errors import UsageError
from experiments.data.cache import Arrays, cached
from experiments.data.images.frames import image_split
from experiments.data.images.rendering import NoContextError, need, rendered
from experiments.data.policy import Policy
from experiments.data.shipped import FOLDER
from experiments.data.splitting import Split

BACKENDS = ("egl", "osmesa")
SIMULATOR = "Install it with: pip install 'gymnasium[mujoco]'."
LABELS = ("actions", "positions")


@dataclass(frozen=True)
class ReacherPixels:
    """Frames of MuJoCo's Reacher from above, arm and goal anywhere and at rest, drawn once and kept.

    At rest a frame determines everything: the action (2) of the shipped expert, and the positions (4) of fingertip and
    goal in metres.

    Attributes:
        label: "actions" or "positions".
        frames: how many.
        size: side in pixels.
        targets: "none", "centre", "standardise" or "positive".
        share: of the frames that are trained on.
        scenes: seed of the poses.
        cache: folder for the frames; None for deepnrc in the user's cache.
    Errors: UsageError where nothing can be drawn, with the packages that are missing; ValueError for numbers and labels
        that make no sense.
    """

    label: str = "actions"
    frames: int = 5000
    size: int = 64
    targets: str = "standardise"
    share: float = 0.8
    scenes: int = 0
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"There is no label {self.label!r}; choose from {', '.join(LABELS)}.")
        if self.frames < 2 or not 1 <= self.size <= 480 or self.scenes < 0:
            raise ValueError(
                f"Frames must be 2 or more ({self.frames}), 1 to 480 pixels wide ({self.size}), and the seed of the "
                f"scenes 0 or more ({self.scenes})."
            )

    def load(self, seed: int) -> Split:
        """Draw or read the frames, and split them; the seed draws the split."""
        arrays = cached(f"reacher-{self.frames}-{self.size}px-{self.scenes}", self._draw, self.cache)
        if self.label == "actions":
            policy = Policy.load(FOLDER / "reacher.policy.npz")
            # in float64, for how many threads multiply shows in the last digit of float32, by which cells are found
            y = policy.clip(policy.mean(policy.normalise(arrays["observations"]).astype(np.float64)))
        else:
            y = arrays["positions"]
        labels = torch.from_numpy(y).float()
        return image_split(arrays["images"], labels, targets=self.targets, share=self.share, seed=seed)

    def _draw(self) -> Arrays:
        need("gymnasium", SIMULATOR)
        need("mujoco", SIMULATOR)
        arguments = {"frames": self.frames, "size": self.size, "seed": self.scenes}
        reasons = []
        for backend in backends():
            try:
                return rendered("experiments.data.images.scenes", arguments, {"MUJOCO_GL": backend}, self.frames)
            except NoContextError as error:
                reasons.append(f"{backend}: {error}")
        raise UsageError(
            "MuJoCo cannot draw without a screen on this machine. Install one of the libraries that it draws with, on "
            f"Debian `apt-get install libegl1` or `apt-get install libosmesa6`. Tried: {'; '.join(reasons)}"
        )


def backends() -> tuple[str, ...]:
    """What MuJoCo may draw with, as its MUJOCO_GL names it: the user's own choice, or those that need no screen."""
    own = os.environ.get("MUJOCO_GL")
    if own:
        return (own,)
    return BACKENDS if sys.platform.startswith("linux") else ("glfw",)
