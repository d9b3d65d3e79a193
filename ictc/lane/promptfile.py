"""The prompts file of the embedding lane: TOML that names the classes and, per strategy, their prompts.

classes = ["cat", "dog", "car"]            # needed; all else has a default

[groups]                                   # for grouped and hierarchical; then every class needs one
cat = "animal"
dog = "animal"
car = "vehicle"

[prompts.task]
template = "This is a {class}"             # one wording for all classes, and
dog = "This is a dog or a puppy"           # other words for a single one; without a template: for every class

[prompts.grouped]
template = "This is a {group}"

[prompts.hierarchical]
template = "This is a {class} {group}"

[prompts.generic]
prompt = "This is an image"

[prompts.criterion]
template = "{criterion}: {name}"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ictc.errors import InputError
from ictc.jsonl import read_text
from ictc.lane.strategies import (
    CRITERION,
    GENERIC,
    GROUPED,
    HIERARCHICAL,
    IMAGE_ONLY,
    STRATEGIES,
    SWAPPED,
    TASK,
)
from ictc.promptset import PromptSet
from ictc.text import printable

TEMPLATES: Mapping[str, str] = {
    TASK: "This is a {class}",
    GROUPED: "This is a {group}",
    HIERARCHICAL: "This is a {class} {group}",
}
GENERIC_PROMPT = "This is an image"
_TOP = ("classes", "groups", "prompts")
_TEMPLATE = "template"
_FILLED: Mapping[str, tuple[str, ...]] = {
    TASK: ("class",),
    GROUPED: ("group",),
    HIERARCHICAL: ("class", "group"),
    CRITERION: ("criterion", "name"),
}
"""What a template may have in braces; it needs the first."""
_MADE = {IMAGE_ONLY: "it has no prompts", SWAPPED: "its prompts are those of task, permuted"}
_BRACES = re.compile(r"\{([^{}]*)\}")

Fault = Callable[[str, str], InputError]


def read_prompts(path: Path) -> PromptSet:
    """The classes and prompts of a file.

    Raises:
        InputError: it cannot be read, is no TOML, names no classes, or has an unknown key or strategy, a class without
            a prompt or group, an empty prompt, or one prompt for two classes; the message says where and what to type.
    """

    try:
        table = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as e:
        hint = 'It begins with a line like: classes = ["cat", "dog"]'
        raise InputError(f"{path}: this is no TOML: {e}.", hint) from e
    return prompts_in(table, str(path))


def prompts_in(table: Mapping[str, Any], where: str) -> PromptSet:
    """The classes and prompts of a table as such a file holds it; `where` begins messages.

    Raises:
        InputError: as `read_prompts`.
    """

    def fault(what: str, hint: str) -> InputError:
        return InputError(f"{where}: {what}", hint)

    for key in table:
        if key not in _TOP:
            raise fault(f"unknown key '{key}'.", _meant(key, _TOP))
    classes = _classes(table.get("classes"), fault)
    groups = _groups(table.get("groups", {}), classes, fault)
    given = _table(table.get("prompts", {}), "[prompts]", fault)
    for strategy, entries in given.items():
        if strategy not in STRATEGIES:
            raise fault(f"[prompts.{strategy}]: there is no such strategy.", _meant(strategy, (*_FILLED, GENERIC)))
        if strategy in _MADE:
            raise fault(f"[prompts.{strategy}] cannot be given: {_MADE[strategy]}.", "Remove the table.")
        _table(entries, f"[prompts.{strategy}]", fault)
    prompts = {GENERIC: (_generic(given.get(GENERIC, {}), fault),) * len(classes)}
    for strategy in (TASK, GROUPED, HIERARCHICAL):
        if groups or strategy == TASK:
            prompts[strategy] = _worded(strategy, given.get(strategy, {}), classes, groups, fault)
        elif strategy in given:
            raise fault(
                f"[prompts.{strategy}] needs groups.", f"Add [groups] with a line like: {_quoted(classes[0])} = 'group'"
            )
    return PromptSet(classes, prompts, groups, _criterion(given.get(CRITERION, {}), fault))


def _classes(found: Any, fault: Fault) -> tuple[str, ...]:
    hint = 'Type a line like: classes = ["cat", "dog"]'
    if not isinstance(found, list) or not found:
        raise fault("it names no classes.", hint)
    for name in found:
        if not isinstance(name, str) or not name.strip() or name != name.strip():
            raise fault(f"classes: {name!r} is no name of a class.", hint)
        if printable(name) != name:
            raise fault(f"classes: {printable(name)} has characters that cannot be shown.", "Write it without them.")
        if name == _TEMPLATE:
            raise fault(f"classes: '{_TEMPLATE}' is a key of this file.", "Give the class another name.")
    _check_twice("classes", found, fault)
    return tuple(found)


def _check_twice(where: str, names: Sequence[str], fault: Fault) -> None:
    """As in lists of names (`ictc.namelist`), upper and lower case are one."""
    seen: dict[str, str] = {}
    for name in names:
        if other := seen.get(name.casefold()):
            also = "" if other == name else f", as {other!r}: upper and lower case are one"
            raise fault(f"{where}: {name!r} is there twice{also}.", "Remove one of the two.")
        seen[name.casefold()] = name


def _groups(found: Any, classes: tuple[str, ...], fault: Fault) -> dict[str, str]:
    groups = _table(found, "[groups]", fault)
    for name, group in groups.items():
        if name not in classes:
            raise fault(f"[groups]: '{name}' is not one of the classes.", _meant(name, classes))
        if not isinstance(group, str) or not group.strip():
            raise fault(f"[groups]: the group of '{name}' is {group!r}.", f'Type: {_quoted(name)} = "its group"')
    _check_twice("[groups]", list(dict.fromkeys(groups.values())), fault)
    missing = [name for name in classes if name not in groups]
    if groups and missing:
        raise fault(
            f"[groups] has no group for the class '{missing[0]}'.", f'Add a line: {_quoted(missing[0])} = "its group"'
        )
    return groups


def _generic(entries: Mapping[str, Any], fault: Fault) -> str:
    for key in entries:
        if key != "prompt":
            raise fault(
                f"[prompts.{GENERIC}]: unknown key '{key}'.", f'It has one prompt for all: prompt = "{GENERIC_PROMPT}"'
            )
    return _text(entries.get("prompt", GENERIC_PROMPT), f"[prompts.{GENERIC}] prompt", fault)


def _criterion(entries: Mapping[str, Any], fault: Fault) -> str:
    for key in entries:
        if key != _TEMPLATE:
            hint = 'It has one template: template = "{criterion}: {name}"'
            raise fault(f"[prompts.{CRITERION}]: unknown key '{key}'.", hint)
    if _TEMPLATE not in entries:
        return ""
    text = _text(entries[_TEMPLATE], f"[prompts.{CRITERION}] {_TEMPLATE}", fault)
    _check_braces(text, CRITERION, "name", fault)
    return text


def _worded(
    strategy: str, entries: Mapping[str, Any], classes: tuple[str, ...], groups: Mapping[str, str], fault: Fault
) -> tuple[str, ...]:
    """One prompt a class: its own, or the template's."""
    where = f"[prompts.{strategy}]"
    for key, text in entries.items():
        if key not in (*classes, _TEMPLATE):
            raise fault(f"{where}: '{key}' is not one of the classes.", _meant(key, (*classes, _TEMPLATE)))
        _text(text, f"{where} {_quoted(key)}", fault)
    template = entries.get(_TEMPLATE, "" if entries else TEMPLATES[strategy])
    if template:
        _check_braces(template, strategy, _FILLED[strategy][0], fault)
    prompts: dict[str, str] = {}
    for name in classes:
        if name not in entries and not template:
            raise fault(
                f"{where} has no prompt for the class '{name}'.",
                f'Add a line: {_quoted(name)} = "..." or: template = "{TEMPLATES[strategy]}"',
            )
        filled = template.replace("{class}", name).replace("{group}", groups.get(name, ""))
        prompts[name] = entries.get(name, filled).strip()
    _check_distinct(strategy, prompts, groups, fault)
    return tuple(prompts.values())


def _check_distinct(strategy: str, prompts: Mapping[str, str], groups: Mapping[str, str], fault: Fault) -> None:
    """Raises where two classes (for `grouped`: two groups) have the same prompt."""
    first: dict[str, str] = {}
    for name, text in prompts.items():
        other = first.setdefault(text, name)
        if other != name and (strategy != GROUPED or groups[other] != groups[name]):
            raise fault(
                f"[prompts.{strategy}]: '{other}' and '{name}' have the same prompt {text!r}.",
                "Give each a prompt of its own.",
            )


def _check_braces(template: str, strategy: str, needed: str, fault: Fault) -> None:
    known = _FILLED[strategy]
    found = _BRACES.findall(template)
    shown = " or ".join(f"{{{name}}}" for name in known)
    if unknown := [name for name in found if name not in known]:
        raise fault(f"[prompts.{strategy}] {_TEMPLATE}: nothing fills in {{{unknown[0]}}}.", f"It may have: {shown}.")
    if needed not in found:
        raise fault(
            f"[prompts.{strategy}] {_TEMPLATE} has no {{{needed}}}, so all its prompts are the same.",
            f"Put {{{needed}}} into it.",
        )


def _text(found: Any, where: str, fault: Fault) -> str:
    if not isinstance(found, str):
        raise fault(f"{where} is no text: {found!r}.", 'Write it in quotes: "This is a cat"')
    if not found.strip():
        raise fault(f"{where} is empty.", "Write what the image shows, or remove the line.")
    return found.strip()


def _table(found: Any, where: str, fault: Fault) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise fault(f"{where} is no table.", 'It holds lines like: cat = "..."')
    return found


def _meant(typed: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(typed, names, 1)
    return f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(names)}."


def _quoted(key: str) -> str:
    """A key as TOML takes it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
