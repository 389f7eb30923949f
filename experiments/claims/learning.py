"""Whether networks learned their targets, which claims on collapse ask first."""

from __future__ import annotations

import numpy as np

from experiments.runner import Results

NOTHING = "there is nothing to read it off"
FITTED = 0.5  # share of a target direction's variance; below, a network has not learned it


def learned(results: Results, setting: int = -1) -> bool:
    """Whether the networks of a setting explain half of the targets' strongest direction, in the mean over the seeds
    that did not diverge: features of one that does not are as low-dimensional as they like. False if all diverged;
    classifiers are not judged so."""
    found = _explained(results, setting)
    return found is not None and all(share >= FITTED for share in found[:1])


def learned_every_direction(results: Results, setting: int = -1) -> bool:
    """As ``learned``, for each target direction up to the signal rank."""
    found = _explained(results, setting)
    return found is not None and all(share >= FITTED for share in found)


def _explained(results: Results, setting: int) -> list[float] | None:
    """R^2 by target direction, the strongest first, in the mean over the seeds that did not diverge and have that
    direction; empty for classifiers, None if all diverged."""
    label = results.swept[setting]
    seeds = [r["explained"] for r in results.records if r["label"] == label and not r["diverged"]]
    longest = max(map(len, seeds), default=0)
    means = [float(np.mean([shares[at] for shares in seeds if len(shares) > at])) for at in range(longest)]
    return means if seeds else None


def why_unread(results: Results) -> str:
    """Why a claim could not be read off the results of one seed, by the setting that is the cause."""
    for record in results.records:
        if record["diverged"]:
            return f"{record['label']} diverged"
    for position, label in enumerate(results.swept):
        if not learned(results, position):
            return f"{label} has not learned the targets"
    for position, label in enumerate(results.swept):
        if not learned_every_direction(results, position):
            return f"{label} has dropped a target direction"
    return NOTHING
