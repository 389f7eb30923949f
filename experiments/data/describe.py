"""The table of the shipped files, read from the files: ``python -m experiments.data.describe``."""

import numpy as np

from experiments.data.shipped import FOLDER, load, names


def rows() -> list[str]:
    """One Markdown row per recording; the eigenvalues are those of the population covariance of y, largest first."""
    table = []
    for name in names():
        path = FOLDER / f"{name}.npz"
        x, y = (part.numpy() for part in load(name))
        with np.load(path, allow_pickle=False) as file:
            environment, returns = str(file["environment"]), file["returns"]
        spectrum = np.linalg.eigvalsh(np.cov(y.astype(np.float64), rowvar=False, bias=True))[::-1]
        eigenvalues = ", ".join(f"{value:.3g}" for value in spectrum)
        table.append(
            f"| `{path.name}` | {environment} | {tuple(x.shape)} | {tuple(y.shape)} | {len(returns)} "
            f"| {returns.mean():.2f} | {eigenvalues} | {path.stat().st_size / 1000:.0f} kB |"
        )
    return table


HEAD = (
    "| file | environment | x (N, d) | y (N, n) | episodes | mean return | eigenvalues of cov(y) | size |",
    "|---|---|---|---|---|---|---|---|",
)

if __name__ == "__main__":
    print("\n".join([*HEAD, *rows()]))
