"""The shortest way to say which layers to leave out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from itertools import takewhile


def leaving_out(names: Collection[str], others: Collection[str]) -> list[str]:
    """Entries of ``layers`` that leave out all ``names`` and none of the ``others``: one glob, where one does.

    >>> leaving_out(["critic.0", "critic.2", "critic_target.0"], ["actor.0"])
    ['!critic*']
    """
    tops = list(dict.fromkeys(_top(name, others) for name in names))
    start = "".join(a for a, *_ in takewhile(lambda same: len({*same}) == 1, zip(*tops, strict=False)))
    if len(tops) > 1 and start and not any(taken(other, f"{start}*") for other in others):
        return [f"!{start}*"]
    return [f"!{top}" for top in tops]


def _top(name: str, others: Collection[str]) -> str:
    """The outermost module around a name that holds none of the others."""
    parts = name.split(".")
    around = (".".join(parts[:i]) for i in range(1, len(parts) + 1))
    return next(top for top in around if top == name or not any(taken(other, top) for other in others))


def taken(name: str, pattern: str) -> bool:
    """Whether a pattern leaves a name out, by itself or with a module around it."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[:i]), pattern) for i in range(1, len(parts) + 1))


def entries(layers: object) -> list[object]:
    """What was asked for as a list that further entries may follow."""
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        return [layers] if isinstance(layers, str) else [...]
    return list(layers) if all(isinstance(entry, str) for entry in layers) else [...]
