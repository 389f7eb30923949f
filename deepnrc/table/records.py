"""Records of where numbers came from, as plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: object) -> Any:
    """A value as JSON can hold it; types, callables and other objects by their names, never by their addresses."""
    if not isinstance(value, type) and callable(listed := getattr(value, "tolist", None)):  # an array or a tensor
        value = listed()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    name = getattr(value, "__qualname__", None) or getattr(value, "name", None)
    if isinstance(name, str):
        return name
    return type(value).__qualname__ if " at 0x" in repr(value) else str(value)


def labelled(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A provenance record with its run's label as words, as it stands in the table."""
    return record if isinstance(record.get("run", ""), str) else {**record, "run": str(record["run"])}
