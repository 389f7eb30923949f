"""A driver seen through a camera: steering and speed from images, where the published recordings are not at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from deepnrc.errors import UsageError
from experiments.data.cache import Arrays, cached
from experiments.data.images.frames import image_split, shrunk
from experiments.data.images.rendering import NoContextError, need, rendered
from experiments.data.splitting import Split

DRAWN = 96  # pixels
REMEDY = "Install the simulator with: pip install 'gymnasium[box2d]'."


@dataclass(frozen=True)
class Driving:
    """Frames (3, size, size) of CarRacing-v3 with a scripted driver's steering in [-1, 1] and the speed in m/s.

    The driver steers for a point ahead (pure pursuit); what the car does has noise in it, and the label has not. The
    speed can be read off the bar at the foot of the picture. Neighbouring frames are alike, and the split is over
    frames: the held-out error says nothing of other tracks.

    Attributes:
        frames: how many, drawn once and kept.
        size: side of the frames, a divisor of the 96 pixels at which they are drawn and kept.
        noise: standard deviation of what each step adds to the executed steering.
        targets: "none", "centre", "standardise" or "positive".
        share: of the frames that are trained on.
        tracks: seed of the tracks and of the noise.
        cache: folder for the frames; None for deepnrc in the user's cache.
    Errors: UsageError without the simulator, and where it cannot draw; ValueError for numbers that make no sense.
    """

    frames: int = 5000
    size: int = DRAWN
    noise: float = 0.1
    targets: str = "standardise"
    share: float = 0.8
    tracks: int = 0
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.frames < 2 or self.tracks < 0 or not 0 <= self.noise < float("inf"):
            raise ValueError(
                f"Frames must be 2 or more ({self.frames}), the seed of the tracks 0 or more ({self.tracks}), and the "
                f"noise 0 or more and finite ({self.noise:g})."
            )
        if self.size < 1 or DRAWN % self.size:
            raise ValueError(f"Frames are drawn {DRAWN} pixels wide: the size must divide that, not {self.size}.")

    def load(self, seed: int) -> Split:
        """Drive or read the frames, and split them; the seed draws the split."""
        arrays = cached(f"driving-{self.frames}-noise{self.noise:g}-{self.tracks}", self._drive, self.cache)
        labels = torch.from_numpy(arrays["labels"])
        images = shrunk(arrays["images"], self.size)
        return image_split(images, labels, targets=self.targets, share=self.share, seed=seed)

    def _drive(self) -> Arrays:
        for package in ("gymnasium", "Box2D", "pygame"):
            need(package, REMEDY)
        arguments = {"frames": self.frames, "seed": self.tracks, "noise": self.noise}
        try:
            return rendered("experiments.data.images.tracks", arguments, {"SDL_VIDEODRIVER": "dummy"}, self.frames)
        except NoContextError as error:
            raise UsageError(
                f"The simulator cannot draw without a screen on this machine ({error}). Its pictures come from pygame; "
                "install that anew: pip install --force-reinstall pygame."
            ) from error
