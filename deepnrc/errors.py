"""The errors that reach a user: each carries the exit code with which the command ends."""

from __future__ import annotations


class DeepNRCError(Exception):
    """Any refusal by this library; `exit_code` is what the command returns."""

    exit_code: int = 2


class UsageError(DeepNRCError, ValueError):
    """What was asked for cannot be done: a wrong name, option, shape or combination (exit code 2)."""


class DataError(DeepNRCError, ValueError):
    """A data set, table or checkpoint is missing, unreadable or not what it should be (exit code 3)."""

    exit_code: int = 3
