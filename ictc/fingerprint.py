"""Digests of code and prompts: they change with every edit, so that no old answer passes for a new one."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ictc.prompts import load

_LENGTH = 12  # hexadecimal digits: enough to tell versions of one package apart


@cache
def code_digest(*names: str) -> str:
    """Short SHA-256 of the Python files of packages or modules such as `ictc.reasoners`, by name and content.

    Imports none of them (only the packages they are in). Read once a process: an edit shows in the next one.

    Raises:
        ModuleNotFoundError: there is no such package or module.
    """
    digest = hashlib.sha256()
    for name in names:
        for relative, file in _sources(name):
            content = file.read_bytes()
            digest.update(f"{name}/{relative} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:_LENGTH]


def prompt_digest(*names: str) -> str:
    """Short SHA-256 of the texts of prompt files.

    Raises:
        UsageError: one of them is missing.
    """
    return hashlib.sha256("\0".join(load(name) for name in names).encode()).hexdigest()[:_LENGTH]


def _sources(name: str) -> list[tuple[str, Path]]:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"There is no package or module {name}.", name=name)
    if not spec.submodule_search_locations:
        return [("", Path(spec.origin))]
    folder = Path(spec.origin).parent
    return sorted((file.relative_to(folder).as_posix(), file) for file in folder.rglob("*.py"))
