"""`python -m experiments verdicts`: networks whose standing is known beforehand, and what is said of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

import joblib
import pandas as pd
import torch
from tyro.conf import arg

import deepnrc
from deepnrc.data import progress_bar
from deepnrc.errors import UsageError
from deepnrc.table import VERDICTS, collapse_onset, to_csv, verdicts, write_whole
from experiments.soundness.constructed import collapsed
from experiments.soundness.untrained import Stranger, fitted_head, untrained

KINDS = {
    "untrained, random targets": (untrained, False),
    "random body, fitted head": (fitted_head, False),
    "collapsed by construction": (lambda seed: list(collapsed())[seed], True),
}
COLLAPSED = VERDICTS[0]
HEAD = """# Whether verdicts can be trusted

Made by `python -m experiments verdicts`: what `report.verdicts()` says of networks whose standing is known. Untrained \
ones have widths of 3 to 256, 2 to 6 layers, and 200 to 2,000 samples of 1 to 10 targets that nothing tells; random \
bodies have a least-squares head on targets that can be learned. None of these may have a layer that is called \
collapsed. Forty networks are collapsed by construction, closed forms of linear networks of 1 to 6 layers, planted \
ones, and perfect classifiers of 2 to 10 classes: all must be called so up to their last layer.
"""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Networks that are collapsed by construction, and ones that are not: how many are called so."""

    takes: ClassVar[str] = "3 minutes"

    count: Annotated[int, arg(help="Networks of each random kind.")] = 1000
    seed: Annotated[int, arg(help="Of the first network; each has one of its own.")] = 0
    jobs: Annotated[int, arg(help="Networks probed side by side.")] = os.cpu_count() or 1
    out: Annotated[Path, arg(help="Folder for verdicts.md and verdicts.csv; it is made.")] = Path("runs/soundness")
    document: Annotated[
        Path | None, arg(metavar="FILE", help="Write the counts there too, such as docs/verdicts.md.")
    ] = None
    progress: Annotated[bool, arg(help="Show a progress bar.")] = True

    def run(self) -> None:
        """Probe them all, print the counts, and name every network that was called wrong."""
        if self.count < 1 or self.jobs < 1:
            raise UsageError(f"--count and --jobs must be at least 1; they are {self.count} and {self.jobs}.")
        read = self._read()
        text = counts(read)
        wrong = read[read["called"] != read["collapsed"]]
        lines = [f"WRONG: {row.kind}, seed {row.seed}: {row.words}: {row.said}" for row in wrong.itertuples()]
        print("\n".join([text, *lines]))
        told = {"verdicts.csv": to_csv(read), "verdicts.md": f"{text}\n"}
        write_whole({self.out / name: content.encode() for name, content in told.items()}, "What was read")
        if self.document is not None:
            write_whole({self.document: "\n".join([HEAD, text, *lines, ""]).encode()}, "The document")
        print(f"Every network: {self.out / 'verdicts.csv'}")

    def _read(self) -> pd.DataFrame:
        seeds = range(self.seed, self.seed + self.count)
        wanted = [
            (kind, seed)
            for kind, (_, standing) in KINDS.items()
            for seed in (range(len(list(collapsed()))) if standing else seeds)
        ]
        jobs = (joblib.delayed(judged)(kind, seed) for kind, seed in wanted)
        made = joblib.Parallel(n_jobs=self.jobs, return_as="generator")(jobs)
        bar = progress_bar(made, total=len(wanted), desc="verdicts", unit="network", progress=self.progress)
        return pd.DataFrame(list(bar))


def judged(kind: str, seed: int) -> dict[str, object]:
    """What is said of one network: whether it is called collapsed, by any layer where none should be and up to the last
    one where all should, and how many layers were judged."""
    torch.set_num_threads(1)
    draw, standing = KINDS[kind]
    drawn = draw(seed)
    found = verdicts(_table(drawn))
    onset = collapse_onset(found).iloc[0]
    return {
        "kind": kind,
        "seed": seed,
        "words": drawn.words,
        "collapsed": standing,
        "called": bool(onset["layers"]) if standing else bool((found["verdict"] == COLLAPSED).any()),
        "layers": len(found),
        "judged": int(onset["of"]),
        "low noise": int(found["noise"].fillna(False).sum()),
        "said": onset["said"],
    }


def _table(drawn: Stranger) -> pd.DataFrame:
    names = ["deep.noise_fraction", "deep.feature_weight_alignment", "deep.direction_r2*", "rank.numerical", "model.*"]
    return deepnrc.probe(drawn.model, (drawn.X, drawn.Y), probes=names, progress=False).table


def counts(read: pd.DataFrame) -> str:
    """The counts as a table in Markdown, a row a kind."""
    columns: dict[str, Callable[[pd.DataFrame], object]] = {
        "networks": len,
        "layers": partial(_total, column="layers"),
        "layers judged": partial(_total, column="judged"),
        "layers of low noise": partial(_total, column="low noise"),
        "networks called collapsed": partial(_total, column="called"),
        "wrong": lambda part: int((part["called"] != part["collapsed"]).sum()),
    }
    rows: list[Sequence[object]] = [["kind", *columns], ["---"] * (len(columns) + 1)]
    rows += [[kind, *(value(part) for value in columns.values())] for kind, part in read.groupby("kind", sort=False)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _total(part: pd.DataFrame, column: str) -> int:
    return int(part[column].sum())
