"""The commands of `deepnrc`: each a dataclass whose fields are its flags and whose `run` returns the exit code."""

from deepnrc.commands.main import main

__all__ = ["main"]
