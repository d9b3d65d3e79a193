"""Prompts are files: `prompts/` at the top of the project, carried inside the package in a wheel (docs/prompts.md).

STEP/general.txt     describe, label, merge, assign, for any criterion
STEP/TOPIC.txt       the paper's wording for object, action, location, mood, instrument (`topic_of`)
merge/round.txt      groups a part of a list of labels that is too long for one request
merge/attach.txt     places single labels under names that stand
merge/groups.txt     merges names into broader groups (`--levels 2`)
describe/together.txt  one look for several criteria
name/general.txt     names the clusters of the embedding lane (`ictc cluster --reasoner`)
suggest/general.txt  says what would make clusters better (`ictc refine --suggest`)
repair/general.txt   asks again, quoting what was wrong
parts/*.txt          pieces that the others include
offline/*.txt        no templates: what is embedded for a cluster's name (step 3, broader groups); {name} is the name
offline/criterion.txt  none either: the prompt of a name under a criterion, in the embedding lane

A template is Jinja2 in two parts, cut at a line `--- user ---`: above, the system message, the same for all items of a
step, so that servers can reuse it; below, the user message with the item's data.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.errors import UsageError

if TYPE_CHECKING:
    from jinja2 import Environment

_INSTALLED = Path(__file__).parent / "_prompts"
_CHECKOUT = Path(__file__).parent.parent / "prompts"
_EMBEDDED = "offline/"
_PARTS = "parts/"
SEPARATOR = "--- user ---"

SHARED: Mapping[str, Mapping[str, Any]] = {
    "describe": {"criterion": "mood", "language": ""},
    "describe/together": {"criteria": '[{"id": "1", "criterion": "mood"}]', "language": ""},
    "label": {"criterion": "mood", "language": "", "pack": False},
    "merge": {
        "criterion": "mood",
        "language": "",
        "k": 2,
        "least": 2,
        "most": 20,
        "attach": True,
        "given": "",
        "finer": False,
    },
    "merge/groups": {
        "criterion": "mood",
        "language": "",
        "k": 2,
        "least": 2,
        "most": 2,
        "attach": True,
        "given": "",
        "finer": False,
    },
    "merge/round": {"criterion": "mood", "language": "", "most": 30},
    "merge/attach": {"criterion": "mood", "names": '[{"name": "calm"}]'},
    "assign": {"criterion": "mood", "names": '[{"name": "calm"}]', "pack": False},
    "name": {"criterion": "mood", "language": "", "k": 2},
    "suggest": {"criterion": "mood", "language": "", "k": 2},
    "repair": {},
}
"""Per step, the variables of both parts of its template, with a value to try them with."""

ITEM: Mapping[str, Mapping[str, str]] = {
    "describe": {},
    "describe/together": {},
    "label": {"data": '{"description": "A quiet lake."}'},
    "merge": {"data": '{"labels": [{"id": 1, "label": "calm", "images": 3}]}'},
    "merge/groups": {"data": '{"labels": [{"id": 1, "label": "calm", "images": 3}]}'},
    "merge/round": {"data": '{"labels": [{"id": 1, "label": "calm", "images": 3}]}'},
    "merge/attach": {"data": '{"labels": [{"id": 1, "label": "calm"}]}'},
    "assign": {"data": '{"description": "A quiet lake."}'},
    "name": {"data": '{"groups": [{"id": 1, "images": 3, "words": ["calm"], "typical": ["A quiet lake."]}]}'},
    "suggest": {"data": '{"clusters": [{"name": "calm", "images": 3, "labels": ["calm"], "show": ["A quiet lake."]}]}'},
    "repair": {"question": '{"description": "A quiet lake."}', "answer": '"?"', "fault": "It is no JSON."},
}
"""Per step, the variables that only the part below the separator has; `data` is JSON."""

TOPICS: Mapping[str, frozenset[str]] = {
    "object": frozenset(["object", "objects", "thing", "things"]),
    "action": frozenset(["action", "actions", "activity", "activities", "doing"]),
    "location": frozenset(["location", "locations", "place", "places", "where"]),
    "mood": frozenset(["mood", "moods", "atmosphere", "emotion", "emotions", "feeling"]),
    "instrument": frozenset(["instrument", "instruments"]),
}
_NEEDED = frozenset(["data", "names", "criteria", "question"])
"""Variables without which an answer can only be made up."""
_ASKING = """
    a an the this that of in on at by is are be being was were been taken shown seen played playing happening what
    which who kind kinds type types sort main musical person people someone somebody they he she his her their it
    its image images picture pictures photo photos photograph scene there s does do
"""
"""Words of asking, which leave a criterion's topic as it is."""


@cache
def load(name: str) -> str:
    """The text of a built-in prompt file such as `offline/assign.txt`, without the line break at its end.

    Raises:
        UsageError: there is no such prompt.
    """
    try:
        return (_folder() / name).read_text("utf-8").removesuffix("\n")
    except OSError as e:
        raise UsageError(f"The prompt {name} is missing from {_folder()}.", "Install ictc again.") from e


@cache
def built_in() -> tuple[str, ...]:
    """The relative names of all templates, sorted; `offline/` holds none."""
    names = sorted(file.relative_to(_folder()).as_posix() for file in _folder().rglob("*.txt"))
    return tuple(name for name in names if not name.startswith(_EMBEDDED))


def topic_of(criterion: str) -> str:
    """The topic that a criterion asks for and nothing else (`what the person is doing` -> `action`), or ""."""
    words = set(re.findall(r"[^\W_]+", criterion.casefold())).difference(_ASKING.split())
    return next((topic for topic, known in TOPICS.items() if words and words <= known), "")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A step's prompt with all that its items share filled in: `system`, and `user(data=...)` for one item."""

    system: str
    user: Callable[..., str]


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a run: those of `folder`, where it holds a file of that name, before the built-in ones.

    A general file of `folder` also comes before a built-in one for the criterion's topic.

    Raises:
        UsageError: `folder` is none, holds a file of another name, or one that is no template of its step; the
            message names the file and the line.
    """

    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise UsageError(f"There is no folder of prompts {self.folder}.", "Make one with: ictc prompts copy DIR")
        own = self._own()
        for name in own:
            if name not in built_in():
                raise UsageError(
                    f"{self.folder / name} is the name of no prompt.", f"Those there are: {', '.join(built_in())}."
                )
        for name in built_in() if own else ():  # a part may break what includes it
            if not name.startswith(_PARTS):
                self._try(name, _step_of(name))

    def open(self, step: str, **shared: Any) -> Prompt:
        """The prompt of `step` (a key of `SHARED`) with the variables given; the others are "".

        Raises:
            UsageError: the template cannot be filled in with them.
        """
        name = self.name_of(step, str(shared.get("criterion", "")))
        return self._prompt(name, step, {**dict.fromkeys(SHARED[step], ""), **shared})

    def name_of(self, step: str, criterion: str) -> str:
        """The relative name of the file in effect."""
        if "/" in step:
            return f"{step}.txt"
        special = f"{step}/{topic_of(criterion)}.txt"
        return self._in_effect(special) if special in built_in() else f"{step}/general.txt"

    def _in_effect(self, name: str) -> str:
        """The file used in place of a built-in one: that of the same name, or a person's general one for a topic."""
        step, _, stem = name.removesuffix(".txt").partition("/")
        general = f"{step}/general.txt"
        return general if stem in TOPICS and general in self._own() and name not in self._own() else name

    def digest(self, *steps: str) -> str:
        """Short SHA-256 of the texts of `steps` that are in effect, and of all parts: wherever they come from."""
        names = [n for n in built_in() if n.startswith((_PARTS, *(f"{step}/" for step in steps)))]
        texts = [f"{n}\0{self.text(self._in_effect(n))}" for n in names]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]

    def text(self, name: str) -> str:
        """The template under a relative name as it stands in its file, without the line break at its end."""
        if name not in self._own():
            return load(name)
        file = self._path(name)
        try:
            return file.read_text("utf-8-sig").removesuffix("\n")  # as `load` does
        except (OSError, UnicodeDecodeError) as e:
            raise UsageError(f"{file} cannot be read: {e}.", "Save it as UTF-8 text.") from e

    def _own(self) -> frozenset[str]:
        return frozenset() if self.folder is None else _files(self.folder)

    def _path(self, name: str) -> Path:
        return (self.folder if self.folder and name in self._own() else _folder()) / name

    def _try(self, name: str, step: str) -> None:
        """Raises UsageError where the template cannot be filled in, or says nothing of what it is about."""
        prompt = self._prompt(name, step, SHARED[step])
        text = prompt.system + prompt.user(**ITEM[step])
        for variable in _NEEDED & {*SHARED[step], *ITEM[step]}:
            if {**SHARED[step], **ITEM[step]}[variable] not in text:
                raise UsageError(
                    f"{self._path(name)} leaves out {{{{ {variable} }}}}, without which an answer is made up.",
                    "Put it back; `ictc prompts show` has the built-in text.",
                )

    def _prompt(self, name: str, step: str, shared: Mapping[str, Any]) -> Prompt:
        lines = self.text(name).splitlines()
        if SEPARATOR not in lines:
            raise UsageError(
                f"{self._path(name)} has no line `{SEPARATOR}`.",
                "Above it stands what is the same for all items, below it the item's data.",
            )
        cut = lines.index(SEPARATOR)
        above, below = "\n".join(lines[:cut]), "\n" * (cut + 1) + "\n".join(lines[cut + 1 :])  # lines keep their number
        environment = _environment(self)
        fill_system = self._filler(environment, name, above, {*shared})
        fill_user = self._filler(environment, name, below, {*shared, *ITEM[step]})
        return Prompt(fill_system(**shared), lambda **item: fill_user(**shared, **item))

    def _filler(self, environment: Environment, name: str, source: str, known: set[str]) -> Callable[..., str]:
        """Renders one part of the template `name`; every fault names its file and line."""
        from jinja2 import TemplateError, TemplateSyntaxError

        file = str(self._path(name))

        def faulty(error: Exception, line: int | None, where: str = file) -> UsageError:
            what = getattr(error, "message", None) or str(error)
            at = f"{where}, line {line}" if line else where
            return UsageError(f"{at}: {what}.", f"Variables of this prompt: {', '.join(sorted(known)) or 'none'}.")

        try:
            code = environment.compile(source, name, file)
            template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        except TemplateSyntaxError as e:
            raise faulty(e, e.lineno) from e

        def fill(**values: Any) -> str:
            try:
                return template.render(values).strip()
            except TemplateSyntaxError as e:  # of a part that is included
                raise faulty(e, e.lineno, e.filename or file) from e
            except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as e:
                frames = [f for f in traceback.extract_tb(e.__traceback__) if f.filename.endswith(".txt")]
                raise faulty(e, frames[-1].lineno if frames else None, frames[-1].filename if frames else file) from e

        return fill


def _environment(prompts: Prompts) -> Environment:
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def part(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        if name not in built_in() or not name.startswith(_PARTS):
            return None
        return prompts.text(name), str(prompts._path(name)), lambda: True

    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(part), autoescape=False
    )


def _folder() -> Path:
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


@cache
def _files(folder: Path) -> frozenset[str]:
    """The files of a person's folder, hidden ones apart; read once a process, as the built-in ones are."""
    names = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return frozenset(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))


def _step_of(name: str) -> str:
    """`label/mood.txt` -> `label`, `merge/round.txt` -> `merge/round`."""
    return stem if (stem := name.removesuffix(".txt")) in SHARED else stem.partition("/")[0]
