"""Docstrings are plain text with Google's headings: marks that reStructuredText would take for its own are escaped, and
sections that begin on the heading's line are put below it."""

from __future__ import annotations

import re
from typing import Any

SECTION = re.compile(r"^(Args|Returns|Yields|Attributes|Errors|Returns/Errors): *(\S.*)?$")
MARKS = re.compile(r"(``.*?``)|([*|]|(?<=\w)_(?!\w)|`)")


def escaped(line: str) -> str:
    """A line whose marks stand for themselves; what is between double backticks stays as it is."""
    return MARKS.sub(lambda found: found[1] or f"\\{found[2]}", line)


def plain(lines: list[str]) -> list[str]:
    """The lines of a docstring as Napoleon reads them.

    >>> plain(["Share ||W||.", "", "Args:", "    x: rows.", "Returns: a number, in", "    [0, 1]."])
    ['Share \\\\|\\\\|W\\\\|\\\\|.', '', 'Args:', '    x: rows.', '', 'Returns:', '    a number, in', '    [0, 1].']
    """
    found: list[str] = []
    for line in lines:
        heading = SECTION.match(line)
        if line.lstrip().startswith(">>>") or (found and found[-1].lstrip().startswith(">>>")):
            found.append(line)
        elif heading:
            found += [""] if found and found[-1] else []
            found += [f"{heading[1]}:"] + ([f"    {escaped(heading[2])}"] if heading[2] else [])
        else:
            found.append(escaped(line))
    return found


def _rewrite(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = plain(lines)


def setup(app: Any) -> dict[str, bool]:
    """Before Napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", _rewrite, priority=400)
    return {"parallel_read_safe": True}
