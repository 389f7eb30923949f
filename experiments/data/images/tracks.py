"""`python -m experiments.data.images.tracks`: a scripted driver on random tracks, seen as the task shows them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.data.images.rendering import NO_CONTEXT

AHEAD = 5  # track tiles, of 3.5 m each, to the point that is steered for
CRUISE = 45.0  # m/s on a straight, less in a bend
WAIT = 50  # steps in which the view zooms in on the car at the start of a track
STEPS = 1000  # to the next track


def main(frames: int, seed: int, noise: float, out: Path) -> None:
    """Write images (N, 96, 96, 3) and labels (N, 2): the driver's steering in [-1, 1] and the speed in m/s.

    What the car does is the driver's steering with ``noise`` added, so that it leaves the middle of the road and the
    driver is seen coming back.
    """
    import gymnasium

    env: Any = gymnasium.make("CarRacing-v3", max_episode_steps=STEPS + 1).unwrapped
    draw = np.random.default_rng(seed)
    images = np.empty((frames, 96, 96, 3), np.uint8)
    labels = np.empty((frames, 2), np.float32)
    done, taken, off, step = True, 0, 0.0, 0
    while taken < frames:
        if done or step == STEPS:
            image = _picture(env, int(draw.integers(2**31)))
            off, step = 0.0, 0
        steer, gas, brake, speed = _driver(env)
        if step >= WAIT:
            images[taken], labels[taken] = image, (steer, speed)
            taken += 1
            print(flush=True)
        # noise with a memory: the car drifts for about ten steps rather than trembles
        off = 0.9 * off + noise * float(draw.normal())
        image, _, done, _, _ = env.step(np.array([np.clip(steer + off, -1, 1), gas, brake]))
        step += 1
    env.close()
    np.savez(out, images=images, labels=labels)


def _driver(env: Any) -> tuple[float, float, float, float]:
    """Steering, gas and brake of pure pursuit: steer for a point of the middle line ahead, slowly where it bends."""
    hull, track = env.car.hull, np.array([tile[2:4] for tile in env.track])
    here, velocity = np.array(hull.position), np.array(hull.linearVelocity)
    nearest = int(np.argmin(((track - here) ** 2).sum(1)))
    goal = track[(nearest + AHEAD) % len(track)]
    beyond = track[(nearest + 3 * AHEAD) % len(track)]
    bearing = _angle(goal - here, hull.angle)
    bend = abs(_angle(beyond - goal, hull.angle))
    speed = float(np.hypot(*velocity))
    wanted = CRUISE / (1 + 2 * bend)
    return (
        float(np.clip(-1.5 * bearing, -1, 1)),
        float(np.clip(0.05 * (wanted - speed), 0, 0.6)),
        float(np.clip(0.03 * (speed - wanted - 3), 0, 0.5)),
        speed,
    )


def _angle(direction: np.ndarray[Any, np.dtype[np.float64]], heading: float) -> float:
    """From the car's heading to a direction, in (-pi, pi]: positive to the left."""
    angle = np.arctan2(direction[1], direction[0]) - (heading + np.pi / 2)
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _picture(env: Any, seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first picture of a new track; where nothing can be drawn the process ends with NO_CONTEXT."""
    import pygame

    try:
        image: np.ndarray[Any, np.dtype[np.uint8]] = env.reset(seed=seed)[0]
    except pygame.error as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(NO_CONTEXT)
    return image


if __name__ == "__main__":
    tyro.cli(main)
