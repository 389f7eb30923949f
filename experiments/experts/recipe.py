"""What each expert is trained on, with which settings, and what it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PpoRecipe:
    """A task, its PPO settings and the mean return that admits its expert."""

    name: str
    environment: str
    steps: int
    gamma: float
    trace: float
    """Lambda of the generalised advantage estimate."""
    horizon: int
    """Steps gathered before each update."""
    minibatch: int
    rate: float
    log_std: float
    """Where the logarithm of the exploration's standard deviation starts."""
    threshold: float
    """Smallest mean return that makes an expert."""
    gate_episodes: int
    watch_episodes: int
    """Episodes of each evaluation during training, the best of which is kept."""
    tries: int
    """Seeds to try before giving up."""
    recordings: tuple[int, ...]
    """Numbers of pairs to record, one file each."""


REACHER = PpoRecipe(
    name="reacher",
    environment="Reacher-v5",
    steps=600_000,
    gamma=0.95,
    trace=0.95,
    horizon=2000,
    minibatch=100,
    rate=1e-3,
    log_std=-1.0,
    threshold=-4.5,
    gate_episodes=300,
    watch_episodes=100,
    tries=3,
    recordings=(1_000, 10_000),
)

SWIMMER = PpoRecipe(
    name="swimmer",
    environment="Swimmer-v5",
    steps=800_000,
    gamma=0.9999,
    trace=0.98,
    horizon=4096,
    minibatch=128,
    rate=6e-4,
    log_std=-0.5,
    threshold=330.0,
    gate_episodes=20,
    watch_episodes=3,
    tries=3,
    recordings=(1_000, 10_000),
)

HOPPER = PpoRecipe(
    name="hopper",
    environment="Hopper-v5",
    steps=1_100_000,
    gamma=0.99,
    trace=0.95,
    horizon=2048,
    minibatch=64,
    rate=3e-4,
    log_std=-0.5,
    threshold=3000.0,
    gate_episodes=20,
    watch_episodes=5,
    tries=3,
    recordings=(10_000,),
)

RECIPES = {recipe.name: recipe for recipe in (REACHER, SWIMMER, HOPPER)}
