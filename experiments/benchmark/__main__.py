"""`python -m experiments.benchmark`: what probing costs, in a process that keeps freed memory, as `deepnrc`'s does.

Whether the C library gives it back in between is chance, for a plain pass as for a probed one.
"""

import tyro

from deepnrc.commands import keep_freed
from experiments.benchmark.cost import Bench

if __name__ == "__main__":
    keep_freed()
    tyro.cli(Bench).run()
