"""Digests of code and prompts: every edit shows, and nothing is imported to find it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ictc import fingerprint, prompts
from ictc.fingerprint import code_digest, prompt_digest
from ictc.models.minilm import MiniLM
from ictc.reasoners.embedding import EmbeddingReasoner


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that must not be imported."""
    folder = tmp_path / "made_up_package"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError")
    (folder / "inner" / "a.py").write_text("A = 1")
    (folder / "notes.txt").write_text("not code")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def digest() -> str:
    code_digest.cache_clear()  # as a new process would
    return code_digest("made_up_package")


def test_every_edit_shows(package: Path) -> None:
    digests = [digest()]
    (package / "inner" / "a.py").write_text("A = 2")
    digests.append(digest())
    (package / "inner" / "a.py").rename(package / "inner" / "b.py")
    digests.append(digest())
    (package / "new.py").write_text("")
    digests.append(digest())
    assert len(set(digests)) == 4
    assert all(len(d) == 12 for d in digests)


def test_what_is_not_code_does_not(package: Path) -> None:
    before = digest()
    (package / "notes.txt").write_text("other notes")
    assert digest() == before


def test_there_must_be_such_a_package() -> None:
    with pytest.raises(ModuleNotFoundError):
        code_digest("no_such_package_anywhere")


def test_several_packages_and_modules_together(package: Path) -> None:
    assert len({digest(), code_digest("made_up_package", "ictc.english"), code_digest("ictc.english")}) == 3


def test_the_reasoner_is_known_by_its_code_and_its_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    reasoner = EmbeddingReasoner(MiniLM())
    before = reasoner.fingerprint
    assert code_digest("ictc.reasoners", "ictc.english") in before
    assert prompt_digest("offline/assign.txt") in before
    monkeypatch.setattr(fingerprint, "load", lambda name: prompts.load(name) + " now.")
    assert reasoner.fingerprint != before


def test_neither_torch_nor_the_package_is_imported() -> None:
    code = (
        "import sys; from ictc.fingerprint import code_digest; code_digest('ictc.reasoners'); code_digest('step1');"
        "sys.exit(any(m.partition('.')[0] == 'torch' or m.startswith('ictc.reasoners.') for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_only_looks_or_serves_waits_for_no_library_that_computes() -> None:
    """They take longer to load than a result that is there takes to be shown."""
    code = (
        "import sys, ictc.job, ictc.outputs, ictc.serving.server; "
        "print(*{'torch', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
