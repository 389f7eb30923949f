"""The commands of `deepnrc`: each a dataclass whose fields are its flags and whose `run` returns the exit code."""

from deepnrc.commands.allocator import keep_freed
from deepnrc.commands.main import main
from deepnrc.commands.pipes import reader_left, while_read

__all__ = ["keep_freed", "main", "reader_left", "while_read"]
