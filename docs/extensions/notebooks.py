"""The how-to's notebooks, which readers download, are run in a kernel of their own and show every picture."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.util import logging

RUN = ("read_a_heatmap", "train_against_test")  # the others need folders, packages or a cluster
HERE = Path(__file__).parent


class NotebookError(Exception):
    """A notebook did not show what its page shows."""


def run(app: Sphinx, failure: Exception | None) -> None:
    """Run them after a build that ended well.

    Errors: NotebookError if a notebook shows other pictures than the gallery drew of the same code; nbclient's own for
        a cell that fails.
    """
    if failure is not None:
        return
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")])
    drawing = os.environ.pop("MPLBACKEND", None)  # a kernel's own shows pictures; ours only draws them
    try:
        for name in RUN:
            _run(Path(app.srcdir) / "_made" / "howto", name)
    finally:
        if drawing is not None:
            os.environ["MPLBACKEND"] = drawing


def _run(folder: Path, name: str) -> None:
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    drawn = len(list((folder / "images").glob(f"sphx_glr_{name}_[0-9]*.png")))
    if pictures != drawn or not drawn:
        raise NotebookError(f"The notebook {name} shows {pictures} pictures; its page shows {drawn}.")
    logging.getLogger(__name__).info("notebook %s: %s pictures", name, pictures)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", run)
    return {"parallel_read_safe": True}
