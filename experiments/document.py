"""`make results`: run every study on its default budget and write what came out into docs/results.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from PIL import Image
from tyro.conf import arg

from deepnrc._version import __version__
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import listing
from experiments import catalog

PICTURES = 3  # of each study, in the order of its page
COLOURS = 96
HEAD = """# What the studies show

Made by `make results` with deepnrc {version} and torch {torch} on {cores} cores; not written by hand. Each study was
run on its default budget. A verdict holds a paper's claim against what was measured here: thresholds are ours, and a
claim that does not hold is reported as such.
"""


@dataclass(frozen=True, kw_only=True)
class Document:
    """Run every study on its default budget and write docs/results.md from what they left."""

    takes: ClassVar[str] = "1 hour"

    only: Annotated[tuple[str, ...], arg(help="Run these studies; the document still tells of all that were run.")] = ()
    run_studies: Annotated[bool, arg(help="Run what is missing; without it, only write the document.")] = True
    out: Annotated[Path, arg(help="Folder of all studies.")] = Path("runs/studies")
    document: Annotated[Path, arg(help="The document; its pictures come into a folder 'figures' beside it.")] = Path(
        "docs/results.md"
    )

    def run(self) -> None:
        """Run, then write; a study that fails is said at the end and takes no other with it."""
        known = catalog.invocations(self.out)
        strange = [name for name in self.only if name not in known]
        if strange:
            raise UsageError(f"There is no study {listing(strange)} to run. There are: {listing(list(known), 30)}.")
        failed = {}
        for name, command in known.items() if self.run_studies else ():
            if not self.only or name in self.only:
                print(f"\n== {name}")
                try:
                    command.run()
                except (ValueError, RuntimeError, OSError) as error:
                    failed[name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
                    print(f"{name} failed: {failed[name]}")
        write(self.out, self.document, [*known])
        print(f"\nOpen:\n  {self.document}  verdicts, figures and run times\n  {self.out / 'index.html'}  all studies")
        if failed:
            raise DataError(f"{listing(list(failed))} failed; the document tells of the others.")


def write(studies: Path, document: Path, order: Sequence[str] = ()) -> None:
    """Write the document from the folders of studies, in the order of the commands that made them.

    Errors: DataError if no study was run.
    """
    folders = [path.parent for path in studies.glob("*/summary.json")]
    if not folders:
        raise DataError(f"There is no study in '{studies}' yet. Run one: python -m experiments list names them.")
    folders.sort(key=lambda folder: (_place(folder.name, order), folder.name))
    summaries = {folder: json.loads((folder / "summary.json").read_text(encoding="utf-8")) for folder in folders}
    figures = document.parent / "figures"
    document.parent.mkdir(parents=True, exist_ok=True)
    lines = [HEAD.format(version=__version__, torch=torch.__version__, cores=os.cpu_count()), *_overview(summaries)]
    for folder, summary in summaries.items():
        lines += ["", *_section(folder, summary, figures)]
    document.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _place(name: str, order: Sequence[str]) -> int:
    """Where the command stands that made a study: its own name, or the longest that the study's begins with."""
    fitting = [i for i, known in enumerate(order) if name == known or name.startswith(f"{known}-")]
    return max(fitting, key=lambda i: len(order[i]), default=len(order))


def _overview(summaries: Mapping[Path, Mapping[str, Any]]) -> Iterator[str]:
    yield "| study | networks | time of all cells | claims that hold |"
    yield "|---|---|---|---|"
    for summary in summaries.values():
        verdicts = summary["verdicts"]
        held = sum(v["verdict"] == "holds" for v in verdicts)
        name = summary["name"]
        yield f"| [{name}](#{name}) | {summary['cells']} | {summary['seconds']:.0f} s | {held} of {len(verdicts)} |"


def _section(folder: Path, summary: Mapping[str, Any], figures: Path) -> Iterator[str]:
    yield f"## {summary['name']}\n\n{summary['about']}\n"
    yield from (f"> {_cell(warning)}\n" for warning in summary["warnings"])
    columns = ("claim", "source", "measured", "threshold", "verdict")
    yield from _table(columns, [[v[name] for name in columns] for v in summary["verdicts"]])
    for table in summary.get("tables", ()):
        yield f"\n{table['caption']}\n"
        yield from _table(table["columns"], table["rows"])
    for shown in summary["pictures"][:PICTURES]:
        figures.mkdir(parents=True, exist_ok=True)
        name = f"{folder.name}-{shown['file']}"
        with Image.open(folder / shown["file"]) as picture:  # line art: a palette takes a third of the space
            picture.convert("RGB").quantize(COLOURS).save(figures / name, optimize=True)
        yield f"\n![{shown['caption']}]({figures.name}/{name})\n\n*{shown['caption']}*"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    if rows:
        yield "| " + " | ".join(columns) + " |"
        yield "|" + "---|" * len(columns)
        yield from ("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)


def _cell(value: object) -> str:
    """Text that a Markdown table can hold."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|")
