"""The oldest versions that setup.cfg admits, one a line, as constraints for pip."""

import re
from configparser import ConfigParser
from pathlib import Path

OURS = "deepnrc["


def oldest(setup: str) -> list[str]:
    """``name==version`` of every package, of its highest lower bound where there are several.

    Errors: ValueError for a package without one.
    """
    config = ConfigParser()
    config.read_string(setup)
    wanted = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    found: dict[str, str] = {}
    for line in filter(None, "\n".join(wanted).split("\n")):
        if line.startswith(OURS):
            continue
        bound = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)", line)
        if bound is None:
            raise ValueError(f"setup.cfg names {line!r}, which is no package with a lower bound alone (name>=1.2).")
        name, version = bound.groups()
        found[name] = max(version, found.get(name, "0"), key=lambda v: [int(part) for part in v.split(".")])
    return [f"{name}=={version}" for name, version in found.items()]


if __name__ == "__main__":
    print("\n".join(oldest(Path("setup.cfg").read_text(encoding="utf-8"))))
