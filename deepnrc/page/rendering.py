"""`render`: a template to a page's text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from deepnrc.wording import SPACES, shown

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("map.js", "report.js")


def render(templates: Path, name: str, values: Mapping[str, Any]) -> str:
    """The text of one template: every value escaped, control characters shown, and a name that is missing refused.

    Any template may extend ``page.html``, which has the blocks ``head``, ``title``, ``style`` and ``body``, and import
    the macros ``drawing(picture)``, ``table(caption, columns, rows)`` and ``map(cells, otherwise)``, which the script
    of ``scripted()`` draws, from ``parts.html``.

    Args:
        templates: the folder of the template and of those that it includes, before ours.
        name: its file.
        values: what it may name.
    Errors: jinja2.TemplateError for a template that cannot be found or read, or names what is not given.
    """
    environment = Environment(
        loader=FileSystemLoader([templates, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quoted"] = _quoted
    return environment.get_template(name).render(values)


def scripted() -> dict[str, str]:
    """The values with which a page draws its maps, sorts its tables and saves its figures, and runs no other script."""
    text = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return {"script": Markup(text), "script_hash": base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}


def _quoted(text: str) -> Markup:
    """A text, such as JSON, for an attribute in single quotes: the double ones in it need no five letters each."""
    return Markup(text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;"))


def _shown(value: object) -> object:
    return shown(value, SPACES) if isinstance(value, str) and not isinstance(value, Markup) else value
