"""A document followed as its reader would: every block in its order, in one folder; what it shows against what comes.

Each line of a `sh` block is a command; `ictc ...` runs in this process, others in a shell. What installs ictc itself is
not run, but must name files and extras that there are; a package in a folder (`pip install -e FOLDER`) is built and
unpacked where this process finds it; any other must be here, as must a repository that is cloned. A `python` block is
run, unless the line before it ends with "`FILE`:", which makes a block of any language that file. A `text` block is
what the last `sh` or `python` block printed: its lines in a row, where a line `...` stands for any lines, `...` within
a line for any words, a decimal number for one that is near, and seconds for any. So no document can show what is not
so, and none depends on the clock.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

from tests.conftest import invoke

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w./-]+\.\w+)`[^`\n]*:\n\n?$")
SECONDS = re.compile(r"\b\d+(\.\d+)? s\b|\b\d+(\.\d+)?/s\b")
NEAR = 0.05
"""How far a shown decimal may lie from the real one: another processor rounds otherwise, another result is farther."""


@dataclass(frozen=True, slots=True)
class Block:
    """`file`: what it is the content of, "" where it is something to run or to compare. `line` is of its first line."""

    language: str
    text: str
    file: str
    line: int

    @property
    def commands(self) -> list[tuple[int, str]]:
        """The lines of a `sh` block with their numbers; one that ends with a backslash goes on in the next."""
        found, begun = [], ""
        for number, line in enumerate(self.text.splitlines(), self.line):
            begun += line.removesuffix("\\")
            if not line.endswith("\\"):
                if begun.strip() and not begun.startswith("#"):
                    found.append((number, begun))
                begun = ""
        return found


def blocks(document: Path) -> list[Block]:
    text = document.read_text("utf-8")
    found = []
    for match in BLOCK.finditer(text):
        named = FILE.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(match[1], match[2], named[1] if named and match[1] not in ("sh", "text") else "", line))
    return found


@dataclass
class Reader:
    """Follows commands in `folder`. `instead`: what stands in documents, such as the address of a server, and what this
    reader has in its place; it comes back in what is printed."""

    folder: Path
    patch: pytest.MonkeyPatch
    instead: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.patch.chdir(self.folder)
        for name, value in {"COLUMNS": "80", **self.env}.items():
            self.patch.setenv(name, value)
        bin_folder = str(Path(sys.executable).parent)
        self.patch.setenv("PATH", os.pathsep.join([bin_folder, os.environ["PATH"]]))

    def follow(self, document: Path) -> None:
        """Raises AssertionError where something does not work or comes out otherwise than shown."""
        printed = ""
        for block in blocks(document):
            where = f"{document.name}:{block.line}"
            match block.language:
                case _ if block.file:
                    target = self.folder / block.file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(self._mine(block.text), "utf-8")
                case "sh":
                    printed = "".join(self.command(line, f"{document.name}:{n}") for n, line in block.commands)
                case "python":
                    printed = self.python(block.text, where)
                case "text":
                    missing = not_shown(block.text, printed)
                    assert not missing, f"{where}: {missing}\n--- printed:\n{printed}"
                case other:
                    raise AssertionError(f"{where}: nobody runs or compares a block of `{other}`.")

    def command(self, line: str, where: str) -> str:
        """What the command prints, all of it."""
        words = shlex.split(self._mine(line), comments=True)
        if words[0] == "ictc":
            done = invoke(*words[1:])
            code, printed = done.exit_code, done.output
            if done.exception and not isinstance(done.exception, SystemExit):
                raise done.exception
        elif "pip" in words:
            return self._install(words, where)
        elif "venv" in words:
            return ""
        elif words[:2] == ["git", "clone"]:
            assert (self.folder / Path(words[-1]).name).is_dir(), f"{where}: nobody put that repository here"
            return ""
        else:
            ran = subprocess.run(self._mine(line), shell=True, capture_output=True, text=True, check=False)
            code, printed = ran.returncode, ran.stdout + ran.stderr
        assert code == 0, f"{where}: {line}\nended with {code}:\n{printed[-3000:]}"
        return self._theirs(printed)

    def python(self, text: str, where: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(self._mine(text), where, "exec"), {"__name__": "__main__"})
        return self._theirs(out.getvalue())

    def _install(self, words: list[str], where: str) -> str:
        what = words[-1]
        if what.partition("[")[0] in (".", "ictc"):
            known = set(metadata("ictc").get_all("Provides-Extra") or ())
            extras = {e for e in re.sub(r".*\[|\]|^[^\[]*$", "", what).split(",") if e}
            assert extras <= known, f"{where}: no such extra: {extras - known}"
            assert "-c" not in words or (ROOT / words[words.index("-c") + 1]).is_file(), f"{where}: no such constraints"
        elif (self.folder / what).is_dir():
            self._unpack(self.folder / what)
        else:
            assert version(what), f"{where}: no such package here: {what}"
        return ""

    def _unpack(self, package: Path) -> None:
        """As pip does, without a network: by the setuptools that comes with torch, into a folder of this reader."""
        site = self.folder / ".site"
        options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "install", "-q", *options, "--target", site, package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.patch.syspath_prepend(str(site))
        self.patch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
        importlib.invalidate_caches()

    def _mine(self, text: str) -> str:
        for theirs, mine in self.instead.items():
            text = text.replace(theirs, mine)
        return text

    def _theirs(self, text: str) -> str:
        for theirs, mine in self.instead.items():
            text = text.replace(mine, theirs)
        return text


def not_shown(shown: str, printed: str) -> str:
    """Which line of `shown` is not in `printed` where it should be; "" where all are."""
    real = [words for words in map(_words, printed.splitlines()) if words]
    at, anywhere = 0, True
    for line in shown.splitlines():
        wanted = _words(line)
        if wanted in ([], ["..."]):
            anywhere = anywhere or bool(wanted)
            continue
        ahead = range(at, len(real) if anywhere else min(at + 1, len(real)))
        found = next((i for i in ahead if _fits(wanted, real[i])), None)
        if found is None:
            return f"“{line.strip()}” was not printed" + ("." if anywhere else " in this place.")
        at, anywhere = found + 1, False
    return ""


def _words(line: str) -> list[str]:
    return SECONDS.sub("... ", line).split()


def _fits(wanted: list[str], real: list[str]) -> bool:
    if not wanted or not real:
        return not real and all(w == "..." for w in wanted)
    if wanted[0] == "...":
        return _fits(wanted[1:], real) or _fits(wanted, real[1:])
    return _alike(wanted[0], real[0]) and _fits(wanted[1:], real[1:])


def _alike(wanted: str, real: str) -> bool:
    decimal = re.compile(r"[-+]?\d*\.\d+")
    if wanted == real:
        return True
    if not (decimal.fullmatch(wanted) and decimal.fullmatch(real)):
        return False
    return abs(float(wanted) - float(real)) <= NEAR


@contextlib.contextmanager
def imported_anew() -> Iterator[None]:
    """What is imported within is forgotten after: packages of a tutorial are nobody else's."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in _under(set(sys.modules) - before, str(Path.cwd())):
            del sys.modules[name]


def _under(names: Iterable[str], folder: str) -> list[str]:
    return [n for n in names if str(getattr(sys.modules[n], "__file__", None) or "").startswith(folder)]
