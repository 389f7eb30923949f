"""Targets of low rank in a larger space, from three kinds of teacher."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from experiments.data.splitting import Split, split

TEACHERS = ("spectrum", "network", "linear")
DRAWS = 100


@dataclass(frozen=True)
class LowRank:
    """Inputs N(0, I) and targets of rank r in R^n.

    Attributes:
        rank, target_dim, input_dim: r, n, d_in.
        samples: N in all, of which a fifth is held out.
        spectrum: relative eigenvalues of S_Y for the teacher "spectrum"; shorter than r, the last one is repeated. All
            targets are scaled together to a mean variance of 1 an output, which leaves the ratios as they are.
        teacher: "spectrum" (a random network whose last hidden layer has r ReLU units, mapped linearly so that S_Y has
            the spectrum exactly), "network" (a random ReLU network with two hidden layers of width r, as published,
            drawn anew where dead units cost it its rank; its own spectrum is nearly of rank 1), or "linear" (a random
            linear map of rank r). Targets of the first two are linear in r nonnegative features, which a ReLU network
            can learn; signed ones of rank r take it more than r directions, and its noise stays near 0.2 for r = 2.
        noise: standard deviation of isotropic target noise, beside targets of mean variance 1. Without
            it the targets have exact rank r, and the covariance alignment says nothing.
        targets: "none"; "centre", which makes them signed; or "standardise", as published: unit variance each, which
            changes the spectrum too.
        drawn: seed of inputs, teacher, noise and split, where all networks are to learn the same; None: each seed its
            own.
    Errors: ValueError for a rank above the target width, or one that the teacher does not reach; for an unknown
        teacher, and sizes, eigenvalues or noise that make no sense.
    """

    rank: int = 2
    target_dim: int = 10
    input_dim: int = 20
    samples: int = 2500
    spectrum: tuple[float, ...] = (1.0, 0.49)
    teacher: str = "spectrum"
    noise: float = 0.0
    targets: str = "none"
    drawn: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.rank <= self.target_dim:
            raise ValueError(f"The rank must lie between 1 and the target width {self.target_dim}; it is {self.rank}.")
        if self.teacher not in TEACHERS:
            raise ValueError(f"There is no teacher {self.teacher!r}; choose from {', '.join(TEACHERS)}.")
        if min(self.input_dim, self.samples) < 1:
            raise ValueError(f"Inputs need a width ({self.input_dim}) and samples ({self.samples}) of at least 1.")
        if not self.spectrum or not all(0 < value < float("inf") for value in self.spectrum):
            raise ValueError(f"The spectrum must be one or more positive eigenvalues; it is {self.spectrum}.")
        if not 0 <= self.noise < float("inf"):
            raise ValueError(f"The target noise must be 0 or more and finite; it is {self.noise:g}.")

    def load(self, seed: int) -> Split:
        """Draw inputs, teacher and noise from the seed, or from the one that is set."""
        seed = seed if self.drawn is None else self.drawn
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(self.samples, self.input_dim, dtype=torch.float64, generator=generator)
        signal = self._signal(x, generator)
        signal = signal / signal.var(0, correction=0).mean().sqrt()
        y = signal + self.noise * torch.randn(signal.shape, dtype=torch.float64, generator=generator)
        return split(x.float(), y.float(), inputs="none", targets=self.targets, seed=seed)

    def _signal(self, x: Tensor, generator: torch.Generator) -> Tensor:
        widths = {"network": (self.rank, self.rank, self.target_dim), "spectrum": (64, self.rank)}
        for _ in range(DRAWS):
            if self.teacher == "linear":
                signal = x @ _draw(self.input_dim, self.rank, generator) @ _draw(self.rank, self.target_dim, generator)
            else:
                signal = _layers(x, widths[self.teacher], generator)
                signal = signal.relu() if self.teacher == "spectrum" else signal
            centred = signal - signal.mean(0)
            reached = int(torch.linalg.matrix_rank(centred))
            if reached == self.rank:
                return self._shaped(signal, centred, generator) if self.teacher == "spectrum" else signal
        raise ValueError(
            f"The teacher '{self.teacher}' reached only rank {reached} of {self.rank} on {len(x)} samples of width "
            f"{self.input_dim}. Take a smaller rank, more samples, wider inputs, or another teacher."
        )

    def _shaped(self, latent: Tensor, centred: Tensor, generator: torch.Generator) -> Tensor:
        """Map the latent features (N, r) to R^n so that their covariance has the wanted spectrum."""
        to_white = torch.linalg.inv(torch.linalg.qr(centred).R) * len(centred) ** 0.5
        wanted = torch.tensor([*self.spectrum, *[self.spectrum[-1]] * self.rank][: self.rank], dtype=torch.float64)
        directions = torch.linalg.qr(_draw(self.target_dim, self.rank, generator)).Q
        return latent @ (to_white * wanted.sqrt()) @ directions.T


def _draw(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return torch.randn(rows, columns, dtype=torch.float64, generator=generator) / rows**0.5


def _layers(x: Tensor, widths: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """A random network without biases, ReLU between its layers."""
    for i, (a, b) in enumerate(pairwise((x.shape[1], *widths))):
        x = (x if i == 0 else x.relu()) @ _draw(a, b, generator)
    return x
