"""ictc.toml: options by file. Top-level keys hold for every command, `[run]`-like tables for one.

criterion = "mood"
[run]
k = 8
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ictc.errors import UsageError

FILE = Path("ictc.toml")


def default_map(path: Path | None, commands: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Any]]:
    """Option defaults per command, from `path` or, when None, from ./ictc.toml where there is one.

    `commands` maps each command to its keys (the options as one types them, without `--`) and what the parameter is
    called inside. Dashes and underscores in keys are the same.

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
    own = {c: {_name(k): v for k, v in table.pop(c).items()} for c in commands if isinstance(table.get(c), dict)}
    every = {key for known in commands.values() for key in known}
    for where, keys, known in [("", table, every), *((f"[{c}] ", own[c], set(commands[c])) for c in own)]:
        for key in keys:
            if key not in known:
                raise UsageError(f"{file}: {where}has an unknown key '{key}'.", f"Known: {', '.join(sorted(known))}.")
    return {
        c: {name: (table | own.get(c, {}))[key] for key, name in known.items() if key in table | own.get(c, {})}
        for c, known in commands.items()
    }


def as_lists(defaults: dict[str, dict[str, Any]], repeated: Mapping[str, Iterable[str]]) -> None:
    """Options that may be repeated take one value in the file, too: `criterion = "mood"`."""
    for command, names in repeated.items():
        for name in names:
            if (value := defaults.get(command, {}).get(name)) is not None and not isinstance(value, list):
                defaults[command][name] = [value]


def keys_of(parameters: Iterable[Any]) -> dict[str, str]:
    """Key in the file to name inside, for the parameters of a command: `--fail-on-error` is `fail_on_error`."""
    return {_name(max(p.opts, key=len).lstrip("-")): p.name for p in parameters if p.name != "help"}


def _name(key: str) -> str:
    return key.replace("-", "_")
