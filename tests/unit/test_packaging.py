"""What the package needs is said with a version from which on it is known to work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


def test_every_dependency_has_a_version() -> None:
    needed = [*PROJECT["dependencies"], *(x for extra in PROJECT["optional-dependencies"].values() for x in extra)]
    assert [x for x in needed if not re.search(r"[=>]=", x) and not x.startswith("ictc[")] == []
