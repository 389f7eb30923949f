"""Directives for what is run while the pages are built, so that no page shows what does not work.

``executed`` runs Python and shows what it prints; all of one page share their names. With ``:refused:`` it must raise
one of our errors, whose message is shown. ``console`` runs ``deepnrc`` commands and shows what they print; ``:exit:``
is the exit code that they must end with. ``:hidden:`` shows neither code nor output.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from deepnrc.commands import main
from deepnrc.errors import DeepNRCError

WIDTH = 88  # columns of what commands print


class ExampleError(Exception):
    """An example did not do what the page says."""


class Page:
    """What the examples of one page share: their names, and a folder that they run in."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "page"}
        self.folder = tempfile.TemporaryDirectory(prefix="docs-")

    @contextlib.contextmanager
    def entered(self) -> Iterator[io.StringIO]:
        """The folder is the current one, and what is printed is caught."""
        printed, before, columns = io.StringIO(), Path.cwd(), os.environ.get("COLUMNS")
        os.environ["COLUMNS"] = str(WIDTH)
        os.chdir(self.folder.name)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield printed
        finally:
            os.chdir(before)
            os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)


PAGES: defaultdict[str, Page] = defaultdict(Page)


class Executed(SphinxDirective):
    """Python that is run."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"refused": directives.flag, "hidden": directives.flag}

    def run(self) -> list[nodes.Node]:
        code = "\n".join(self.content)
        page, said = PAGES[self.env.docname], ""
        with page.entered() as printed:
            try:
                exec(compile(code, f"{self.env.docname}", "exec", dont_inherit=True), page.names)
            except DeepNRCError as error:
                if "refused" not in self.options:
                    raise ExampleError(f"{self.env.docname}, line {self.lineno}: {error}") from error
                said = f"{type(error).__name__}: {error}"
            else:
                if "refused" in self.options:
                    raise ExampleError(f"{self.env.docname}, line {self.lineno}: nothing was refused")
        return [] if "hidden" in self.options else _shown(code, "python", printed.getvalue() + said)


class Console(SphinxDirective):
    """Commands that are run."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"exit": directives.nonnegative_int, "hidden": directives.flag}

    def run(self) -> list[nodes.Node]:
        with PAGES[self.env.docname].entered() as printed:
            for line in self.content:
                words = shlex.split(line, comments=True)
                if words[:1] == ["deepnrc"]:
                    ended, due = _ended(words[1:]), self.options.get("exit", 0)
                    if ended != due:
                        raise ExampleError(f"{self.env.docname}: `{line}` ended with {ended}: {printed.getvalue()}")
        return [] if "hidden" in self.options else _shown("\n".join(self.content), "bash", printed.getvalue())


def _ended(words: list[str]) -> int:
    """The exit code of a command."""
    try:
        return main(words)
    except SystemExit as end:  # of a flag that is missing or unknown
        return int(end.code or 0)


def _shown(code: str, language: str, printed: str) -> list[nodes.Node]:
    shown: list[nodes.Node] = [nodes.literal_block(code, code, language=language)]
    if printed.strip():
        shown.append(nodes.literal_block(printed.rstrip(), printed.rstrip(), language="text"))
    return shown


def setup(app: Any) -> dict[str, bool]:
    """The two directives."""
    app.add_directive("executed", Executed)
    app.add_directive("console", Console)
    return {"parallel_read_safe": False}
