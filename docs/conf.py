"""The documentation: Sphinx, for autodoc, for the gallery that runs what it shows, and for links that are checked."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]
os.environ.setdefault("MPLBACKEND", "Agg")

from sphinx_gallery.sorting import FileNameSortKey  # noqa: E402

from deepnrc import __version__  # noqa: E402

project = "DeepNRC"
author = "The DeepNRC authors"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "plain_docstrings",
    "executed",
    "measure_pages",
    "notebooks",
]
exclude_patterns = ["_build", "gallery/*.rst", "howto/*.rst", "extensions"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]  # the gallery's sort key cannot be kept between builds, which costs nothing

html_theme = "furo"
html_title = "DeepNRC"
html_static_path: list[str] = []
html_show_sphinx = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures hold them
autodoc_default_options = {"members": True, "inherited-members": False}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Errors", "Raises")]

sphinx_gallery_conf: dict[str, Any] = {
    "examples_dirs": ["howto", "gallery"],
    "gallery_dirs": ["_made/howto", "_made/gallery"],
    "filename_pattern": r"\.py",
    "within_subsection_order": FileNameSortKey,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "capture_repr": (),
    "min_reported_time": 10_000,
    "write_computation_times": False,
    "matplotlib_animations": False,
    "doc_module": ("deepnrc", "probes"),
    "backreferences_dir": None,
}
warnings.filterwarnings("error", module=r"deepnrc|probes")
