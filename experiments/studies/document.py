"""`make results`: run every study on its default budget and write what came out into docs/results.md."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from PIL import Image
from tyro.conf import arg

from deepnrc._version import __version__
from deepnrc.errors import DataError, UsageError
from deepnrc.table import write_whole
from deepnrc.wording import listing
from experiments.claims import STANDINGS
from experiments.pages import left_settings, saved
from experiments.runner import plan
from experiments.studies import catalog
from experiments.studies.family import Family

PICTURES = 3  # of each study, in the order of its page
COLOURS = 96
COLUMNS = ("claim", "source", "measured", "threshold", "published", "verdict", "left out")
HEADINGS = {"measured": "effect", "threshold": "our threshold", "published": "published curves give"}
HEAD = """# What the studies show

Made by `make results` with deepnrc {version} and torch {torch} on {cores} cores; not written by hand. Each study was
run on its default budget. A verdict holds a paper's claim against what was measured here, seed by seed: the effect is
the mean over the seeds that can be judged, with its 95 % interval by bootstrap over them (of two or three seeds their
range), of a single seed by the probe's intervals where it has any. Thresholds are ours; beside each stands what
the paper's own curves give, where there are any, and whether that would hold. A seed that has not learned is left out
by name, and with fewer than two of several seeds a claim cannot be judged. Below the claims stands what is known of why
one does not hold. In the first table stands beside the number
of claims, over all their seeds, how often they hold of how often they were judged. Times are what the cells took when
they were trained, longer beside other work.
"""


@dataclass(frozen=True, kw_only=True)
class Document:
    """Run every study on its default budget and write docs/results.md from what they left."""

    takes: ClassVar[str] = "an hour and a half"

    only: Annotated[
        tuple[str, ...],
        arg(
            help="Run these studies; the document tells of all that were run with their defaults.",
            help_behavior_hint="",
        ),
    ] = ()
    run_studies: Annotated[bool, arg(help="Run what is missing; without it, only write the document.")] = True
    out: Annotated[Path, arg(help="Folder of all studies.")] = Path("runs/studies")
    document: Annotated[
        Path, arg(help="The document. Its pictures come into a folder 'figures' beside it, whose other PNGs go.")
    ] = Path("docs/results.md")

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
        for line in [*write(self.out, self.document, defaults(known)), *unexplained(self.out, defaults(known))]:
            print(f"! {line}")
        print(f"\nOpen:\n  {self.document}  verdicts, figures and run times\n  {self.out / 'index.html'}  all studies")
        if failed:
            raise DataError(f"{listing(list(failed))} failed; the document tells of the others.")


@dataclass(frozen=True)
class Default:
    """A study on its default budget: the command that runs it, what it then leaves in its settings.json, and of a sweep
    what it trains."""

    command: str
    settings: Mapping[str, Any]
    plan: str = ""


def defaults(commands: Mapping[str, catalog.Command]) -> dict[str, Default]:
    """The studies that commands leave, by their folders' names, in order."""
    found: dict[str, Default] = {}
    for name, command in commands.items():
        sweeps = command.inquiries() if isinstance(command, Family) else ()
        plans = {inquiry.study.name: plan(inquiry.study) for inquiry in sweeps} or {name: ""}
        found |= {left: Default(name, saved(command), planned) for left, planned in plans.items()}
    return found


def write(studies: Path, document: Path, expected: Mapping[str, Default]) -> list[str]:
    """Write the document from the folders of the expected studies, in their order, and remove PNGs beside its own.

    Returns: a sentence for each study that is left out because it was run with other flags.
    Errors: DataError if no study was run with its defaults.
    """
    run = {studies / name: default for name, default in expected.items() if (studies / name / "summary.json").is_file()}
    apart = {folder: _apart(folder, default) for folder, default in run.items()}
    left_out = [sentence for sentence in apart.values() if sentence]
    folders = [folder for folder, sentence in apart.items() if not sentence]
    if not folders:
        missing = (
            f"There is no study on its defaults in '{studies}' yet. Run one: python -m experiments list names them."
        )
        raise DataError(" ".join([missing, *left_out]))
    summaries = {folder: json.loads((folder / "summary.json").read_text(encoding="utf-8")) for folder in folders}
    figures = document.parent / "figures"
    document.parent.mkdir(parents=True, exist_ok=True)
    lines = [HEAD.format(version=__version__, torch=torch.__version__, cores=os.cpu_count()), *_overview(summaries)]
    lines += [line for sentence in left_out for line in ("", f"> {_cell(sentence)}")]
    for folder, summary in summaries.items():
        lines += ["", *_section(folder, summary, figures)]
    write_whole({document: "\n".join([*lines, ""]).encode()}, "The document")
    _tidy(figures, {_figure(folder, shown) for folder, summary in summaries.items() for shown in _shown(summary)})
    return left_out


def unexplained(studies: Path, expected: Collection[str]) -> list[str]:
    """A sentence for each claim that was judged, does not hold in every seed, and of which nothing says why."""
    found = []
    for path in (studies / name / "summary.json" for name in expected):
        summary = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"verdicts": ()}
        told = (v for v in summary["verdicts"] if v["standing"] in STANDINGS[1:3] and not v.get("why"))
        found += [f"{path.parent.name}: nothing says why: {v['claim']} ({v['verdict']})." for v in told]
    return found


def _apart(folder: Path, default: Default) -> str:
    """What to say of a study that was not run with its defaults; nothing of one that was."""
    left = left_settings(folder)
    remedy = f"is left out: run it with its defaults (make results ARGS='--only {default.command}')."
    if left == default.settings:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        same = summary.get("plan", "") == default.plan
        return "" if same else f"{folder.name} was run when its defaults meant other settings, and {remedy}"
    found, missing = left or {}, object()
    names = [n for n in {**default.settings, **found} if found.get(n, missing) != default.settings.get(n, missing)]
    how = "left no settings.json that can be read" if left is None else f"was run with other flags ({listing(names)})"
    return f"{folder.name} {how} and {remedy}"


def _tidy(figures: Path, kept: Collection[str]) -> None:
    """Remove the pictures that the document does not show."""
    for picture in figures.glob("*.png"):
        if picture.name not in kept:
            picture.unlink()


def _overview(summaries: Mapping[Path, Mapping[str, Any]]) -> Iterator[str]:
    yield f"| study | networks | time of all cells | claims | {' | '.join(STANDINGS)} |"
    yield "|---|---|---|---" + "|---" * len(STANDINGS) + "|"
    for summary in summaries.values():
        verdicts, name = summary["verdicts"], summary["name"]
        counts = " | ".join(_counted([v for v in verdicts if v["standing"] == one]) for one in STANDINGS)
        row = f"| [{name}](#{name}) | {summary['cells']} | {summary['seconds']:.0f} s | {len(verdicts)}"
        yield f"{row} | {counts} |"


def _counted(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """How many there are, and where they were judged seed by seed, in how many of those judgements they hold."""
    held, judged = (sum(v[name] for v in verdicts) for name in ("held", "judged"))
    return f"{len(verdicts)} ({held} of {judged})" if judged else str(len(verdicts))


def _section(folder: Path, summary: Mapping[str, Any], figures: Path) -> Iterator[str]:
    yield f"## {summary['name']}\n\n{summary['about']}\n"
    yield from (f"> {_cell(warning)}\n" for warning in summary["warnings"])
    columns = COLUMNS if any(v["left out"] for v in summary["verdicts"]) else COLUMNS[:-1]
    yield from _table(
        [HEADINGS.get(name, name) for name in columns], [[v[n] for n in columns] for v in summary["verdicts"]]
    )
    yield from _reasons(summary["verdicts"])
    for table in summary.get("tables", ()):
        yield f"\n{table['caption']}\n"
        yield from _table(table["columns"], table["rows"])
    for shown in _shown(summary):
        figures.mkdir(parents=True, exist_ok=True)
        name = _figure(folder, shown)
        with Image.open(folder / shown["file"]) as picture:  # line art: a palette takes a third of the space
            picture.convert("RGB").quantize(COLOURS).save(figures / name, optimize=True)
        yield f"\n![{shown['caption']}]({figures.name}/{name})\n\n*{shown['caption']}*"


def _reasons(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is known of why claims do not hold, each reason once."""
    claims: dict[str, list[str]] = {}
    for v in verdicts:
        if v.get("why"):
            claims.setdefault(v["why"], []).append(v["claim"])
    if claims:
        yield "\nWhy, where a claim does not hold, as far as is known:\n"
        yield from (f"- {'; '.join(dict.fromkeys(map(_cell, those)))}. *{_cell(why)}*" for why, those in claims.items())


def _shown(summary: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The pictures that the document takes from a study."""
    pictures: list[Mapping[str, str]] = summary["pictures"]
    return pictures[:PICTURES]


def _figure(folder: Path, shown: Mapping[str, str]) -> str:
    """A picture's name in the document's folder."""
    return f"{folder.name}-{shown['file']}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    if rows:
        yield "| " + " | ".join(columns) + " |"
        yield "|" + "---|" * len(columns)
        yield from ("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)


def _cell(value: object) -> str:
    """Text that a Markdown table can hold."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|")
