"""`python -m experiments.benchmark`: what probing costs."""

import tyro

from experiments.benchmark.cost import Bench

if __name__ == "__main__":
    tyro.cli(Bench).run()
