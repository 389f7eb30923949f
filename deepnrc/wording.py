"""What messages are made of: arguments, in the library's words and in the command line's, and shortened lists of names.

A message is plain strings with objects between them. An object that names an argument carries what it says as fields,
and is put into words twice from these: ``layers=['!fc']`` for who calls the library, ``--layers '!fc'`` for who types.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Flags = Mapping[str, str]
# control characters, surrogates, ends of lines, and marks that turn the direction of what follows
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
SPACES = "\n\t"


@dataclass(frozen=True)
class Argument:
    """An argument by its name: what a message is about, whose sentence says itself what was given (``value``).

    >>> said([Argument("max_samples", 0), " must be at least 1."], {"max_samples": "--max-samples"})
    '--max-samples must be at least 1.'
    """

    name: str
    value: Any = None

    def told(self, flags: Flags) -> str:
        """In words, with the flag for the name where there is one."""
        return flags.get(self.name, self.name)


@dataclass(frozen=True)
class Given(Argument):
    """An argument with what was given for it: what a message is about.

    >>> given = Given("layers", ["!*"])
    >>> said([given, " leaves nothing."]), said([given, " leaves nothing."], {"layers": "--layers"})
    ("layers=['!*'] leaves nothing.", "--layers '!*' leaves nothing.")
    """

    def told(self, flags: Flags) -> str:
        return _assigned(self.name, self.value, flags)


@dataclass(frozen=True)
class Remedy:
    """An argument with what would do for it; ``...``, also as the one entry of a list, for what only the reader knows.

    >>> parts = [Remedy("probes", [...]), " or ", Remedy("layers", ["!fc"])]
    >>> said(parts), said(parts, {"probes": "--probes", "layers": "--layers"})
    ("probes=[...] or layers=['!fc']", "--probes or --layers '!fc'")
    """

    name: str
    value: Any = ...

    def told(self, flags: Flags) -> str:
        """In words, as the whole assignment or flag."""
        return _assigned(self.name, self.value, flags)


@dataclass(frozen=True)
class OneOf:
    """An argument with the values of which one would do.

    >>> choice = OneOf("repeats", ("first", "last", "each"))
    >>> said([choice]), said([choice], {"repeats": "--repeats"})
    ("repeats='first', 'last' or 'each'", '--repeats first, last or each')
    """

    name: str
    choices: Sequence[Any]

    def told(self, flags: Flags) -> str:
        """In words, all values after the name."""
        flag = flags.get(self.name)
        words = [repr(value) if flag is None else shlex.quote(str(value)) for value in self.choices]
        listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
        return f"{self.name}={listed}" if flag is None else f"{flag} {listed}"


@dataclass(frozen=True)
class Either:
    """Words that only one of the two has a use for.

    >>> said(["it must be at least 1", Either(", or None for all", ""), "."], {})
    'it must be at least 1, or None for all.'
    """

    library: str
    command: str


Phrase = str | Argument | Remedy | OneOf | Either


def said(parts: Iterable[Phrase], flags: Flags | None = None) -> str:
    """A message in words: the library's, or the command line's if that gives its ``flags`` by name of argument.

    An argument without a flag is named as the library does. What a terminal would obey is shown.
    """
    return shown("".join(_said(part, flags or {}) for part in parts), SPACES)


def shown(text: str, kept: str = "") -> str:
    r"""A text of somebody else's as it may be printed: what a terminal or a browser would obey is written out.

    Args:
        kept: characters that stay as they are, such as the ends of our own lines.

    >>> shown("fc\x1b[2J"), shown("a\nb", kept="\n") == "a\nb"
    ('fc\\x1b[2J', True)
    """
    if text.isascii() and text.isprintable():
        return text
    return OBEYED.sub(lambda found: found[0] if found[0] in kept else found[0].encode("unicode_escape").decode(), text)


def _said(part: Phrase, flags: Flags) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Either):
        return part.command if flags else part.library
    return part.told(flags)


def _assigned(name: str, value: Any, flags: Flags) -> str:
    flag = flags.get(name)
    values = value if isinstance(value, list | tuple) else [value]
    if flag is None and value is ...:
        return name
    if flag is None:
        return f"{name}={'[...]' if values == [...] else repr(value)}"
    return " ".join([flag, *(shlex.quote(str(entry)) for entry in values if entry is not ... and entry is not True)])


def listing(names: Collection[str], limit: int = 8) -> str:
    """The first `limit` names in quotes, then how many more there are; "none" if there are no names.

    >>> listing(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    if not names:
        return "none"
    named = ", ".join(f"'{shown(str(name))}'" for name in list(names)[:limit])
    hidden = len(names) - limit
    return f"{named} and {hidden} more" if hidden > 0 else named


def shortened(names: Iterable[str], limit: int = 4) -> str:
    """The first `limit` names as they are, in their order and each once, then how many more there are.

    >>> shortened(["fc2", "fc1", "fc2", "fc3"], limit=2)
    'fc2, fc1 and 1 more'
    """
    each = list(dict.fromkeys(names))
    return ", ".join(each[:limit]) + (f" and {len(each) - limit} more" if len(each) > limit else "")


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """A sentence with up to three of `names` that look like `name`, or nothing if none does.

    >>> did_you_mean("resnet81", ["resnet18", "vit"])
    " Did you mean 'resnet18'?"
    """
    lowered = {known.lower(): known for known in names}
    close = [lowered[match] for match in difflib.get_close_matches(str(name).lower(), lowered, n=3)]
    return f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""


def sized(n: float) -> str:
    """Bytes in words.

    >>> sized(512), sized(2.1e9)
    ('512 B', '2.1 GB')
    """
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
