"""`python -m experiments.data.images.scenes`: draw Reacher from above, its arm and goal anywhere, at rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.data.images.rendering import NO_CONTEXT

CAMERA = {"distance": 0.62, "elevation": -90.0, "azimuth": 90.0}  # the whole reach of the arm, from above
SECOND_JOINT = 3.0  # its range in the model, in radians
REACH = 0.2  # radius of the disc in which the task puts its goals


def main(frames: int, size: int, seed: int, out: Path) -> None:
    """Write images (N, size, size, 3), observations (N, d) and positions (N, 4) of fingertip and goal."""
    env, renderer = _opened(size)
    camera = _above()
    draw = np.random.default_rng(seed)
    images = np.empty((frames, size, size, 3), np.uint8)
    observations, positions = [], []
    for image in images:
        env.set_state(_pose(draw), np.zeros(4))
        observations.append(env._get_obs())
        positions.append(np.concatenate([env.get_body_com(body)[:2] for body in ("fingertip", "target")]))
        renderer.update_scene(env.data, camera)
        image[:] = renderer.render()
        print(flush=True)
    renderer.close()
    env.close()
    np.savez(
        out,
        images=images,
        observations=np.array(observations, np.float32),
        positions=np.array(positions, np.float32),
    )


def _pose(draw: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Two joint angles and a goal, uniform over the circle, the joint's range and the disc."""
    radius, angle = REACH * np.sqrt(draw.uniform()), draw.uniform(-np.pi, np.pi)
    first, second = draw.uniform(-np.pi, np.pi), draw.uniform(-SECOND_JOINT, SECOND_JOINT)
    return np.array([first, second, radius * np.cos(angle), radius * np.sin(angle)])


def _opened(size: int) -> tuple[Any, Any]:
    """The simulator and a renderer; where nothing can be drawn the process ends with NO_CONTEXT."""
    import gymnasium

    with _drawing():
        import mujoco  # already looks for the library to draw with
    env: Any = gymnasium.make("Reacher-v5").unwrapped
    with _drawing():
        return env, mujoco.Renderer(env.model, size, size)


@contextmanager
def _drawing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each library fails in its own way: missing files, no display, no device
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(NO_CONTEXT)


def _above() -> Any:
    import mujoco

    camera = mujoco.MjvCamera()
    for name, value in CAMERA.items():
        setattr(camera, name, value)
    camera.lookat[:] = 0
    return camera


if __name__ == "__main__":
    tyro.cli(main)
