"""ictc.toml: options by file. Top-level keys hold for every command, `[run]`-like tables for one.

criterion = "mood"
[run]
k = 8
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ictc.errors import UsageError

FILE = Path("ictc.toml")


def default_map(path: Path | None, commands: Mapping[str, set[str]]) -> dict[str, dict[str, Any]]:
    """Option defaults per command, from `path` or, when None, from ./ictc.toml where there is one.

    `commands` maps each command to the names of its options. Dashes and underscores in keys are the same.

    Raises:
        UsageError: the file is missing or malformed, or has a key that no command knows.
    """
    if path is None and not FILE.exists():
        return {}
    file = path or FILE
    try:
        table = {_name(k): v for k, v in tomllib.loads(file.read_text("utf-8")).items()}
    except (OSError, ValueError) as e:
        raise UsageError(f"{file} cannot be read as TOML: {e}", "Mend it, or name another with --config FILE.") from e
    by_command = {c: {_name(k): v for k, v in table.pop(c).items()} for c in commands if isinstance(table.get(c), dict)}
    every = set().union(*commands.values())
    for where, keys, known in [("", table, every), *((f"[{c}] ", by_command[c], commands[c]) for c in by_command)]:
        for key in keys:
            if key not in known:
                raise UsageError(f"{file}: {where}has an unknown key '{key}'.", f"Known: {', '.join(sorted(known))}.")
    shared = {c: {k: v for k, v in table.items() if k in known} for c, known in commands.items()}
    return {c: shared[c] | by_command.get(c, {}) for c in commands}


def _name(key: str) -> str:
    return key.replace("-", "_")
