"""Options: each also by environment and by file, wrong ones named, help that loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ictc.cli.app import COMMANDS, app, flat

GROUP: Any = get_command(app)
FLAT = flat(GROUP)


def invoke(*words: str, env: dict[str, str] | None = None) -> Any:
    return CliRunner().invoke(app, list(words), env=env)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom ictc.cli.app import app\n"
        "for words in (['--help'], ['run', '--help'], ['score', '--help']):\n"
        "    assert CliRunner().invoke(app, words).exit_code == 0\n"
        "heavy = ('numpy', 'torch', 'sklearn', 'transformers', 'scipy', 'matplotlib', 'PIL')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_all_of_the_papers_steps_are_commands() -> None:
    wanted = {
        "run",
        "step1",
        "step2a",
        "step2b",
        "step3",
        "score",
        "report",
        "show",
        "import",
        "doctor",
        "prompts show",
    }
    assert wanted <= set(FLAT) == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_parameter_has_an_environment_variable_and_help(command: str) -> None:
    for parameter in FLAT[command].params:
        if parameter.name != "help":
            assert str(parameter.envvar).startswith("ICTC_"), parameter.name
            assert parameter.help, parameter.name


def test_a_command_that_prints_a_result_has_json() -> None:
    assert all("json_output" in {p.name for p in c.params} for c in FLAT.values())


@pytest.mark.parametrize("k", ["many", "2.5", "", "0", "-3", "²", "+-3", "9" * 5000])
def test_a_k_that_is_none_is_a_usage_error(tmp_path: Path, k: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"image": "a", "text": "a cat"}\n')
    result = invoke("run", f"recorded:{tmp_path / 'd.jsonl'}", "-c", "x", f"--k={k}", "-o", str(tmp_path / "run"))
    assert result.exit_code == 2
    assert "auto" in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("criterion", ["", "   ", "\n"])
def test_an_empty_criterion_is_a_usage_error(tmp_path: Path, criterion: str) -> None:
    result = invoke("run", str(tmp_path), "-c", criterion, "-o", str(tmp_path / "run"), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "The criterion is empty."


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--reasoner", "openai:m@http://127.0.0.1:9/v1")])
def test_open_without_names_is_a_usage_error(captions: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    run = tmp_path / "run"
    words = ("run", f"recorded:{captions}", "-c", "object", "-k", "2", "--no-report", "-o", str(run))
    result = invoke(*words, "--open", *more)
    assert result.exit_code == 2 and "--names FILE" in result.output
    assert not run.exists()
    assert invoke(*words, "--closed").exit_code == 0
    assert invoke("step2b", str(run), "-k", "2", "--open", *more).exit_code == 2


def test_the_file_gives_options_and_the_environment_comes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ictc.toml").write_text('criterion = ""\n[run]\nk = 3\nfail-on-error = 1.0\n')
    from_file = invoke("run", str(tmp_path))
    assert "The criterion is empty" in from_file.output
    from_env = invoke("run", str(tmp_path), env={"ICTC_CRITERION": "mood"})
    assert from_env.exit_code == 2
    assert "The criterion is empty" not in from_env.output


def test_keys_of_the_file_are_the_options_as_typed(captions: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('json = true\n[run]\nreport = false\nk = 2\nfail-on-error = 0.1\ncriterion = "object"\n')
    words = ("--config", str(file), "run", f"recorded:{captions}", "-o", str(tmp_path / "run"))
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) | {"k": 2, "report": None} == json.loads(result.stdout)
    assert json.loads(invoke(*words, "-k", "3").stdout)["k"] == 3, "the command line comes first"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("criterium = 'x'", "unknown key 'criterium'"),
        ("[run]\nkk = 3", r"[run] has an unknown key 'kk'"),
        ("not toml at all", "cannot be read as TOML"),
        ("[walk]\nk = 3", "unknown key 'walk'"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "other.toml"
    file.write_text(content)
    result = invoke("--config", str(file), "doctor")
    assert result.exit_code == 2
    assert said in result.output
    assert str(file) in result.output.replace("\n", "")


def test_a_missing_config_file_is_named(tmp_path: Path) -> None:
    result = invoke("--config", str(tmp_path / "none.toml"), "doctor")
    assert result.exit_code == 2
    assert "none.toml" in result.output


def test_a_folder_that_is_no_run_says_how_to_make_one(tmp_path: Path) -> None:
    for command in (["show"], ["report"], ["step2a"], ["step2b", "-k", "2"], ["step3"], ["score", "--truth", "folder"]):
        result = invoke(command[0], str(tmp_path), *command[1:])
        assert result.exit_code == 2, command
        assert "ictc run IMAGES" in result.output


def test_doctor_says_what_works() -> None:
    facts = json.loads(invoke("doctor", "--json").stdout)
    assert facts["specs"]["offline"].startswith("works")
    assert facts["packages"]["torch"].startswith("2.")
    assert "recorded:FILE" in facts["specs"]
