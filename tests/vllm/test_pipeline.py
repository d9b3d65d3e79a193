"""Steps 2a, 2b and 3 through the whole command line, with a real vLLM: every image gets one of the names."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.prompts import Prompts
from ictc.reasoners.llm import LlmReasoner
from ictc.registry import model
from ictc.types import Assignment, Cluster, Description, Taxonomy
from tests.conftest import ictc
from tests.vllm.conftest import NAMES


def _run(reasoner: str, captions: Path, folder: Path) -> list[dict[str, object]]:
    """The lines of step 3 of a run with given names.

    A label is free text, so a random model gives one only now and then; whoever has one is assigned.
    """
    names = folder / "names.txt"
    names.write_text("\n".join(NAMES))
    out = folder / "run"
    words = ("run", f"recorded:{captions}", "-c", "object", "--names", names, "--reasoner", reasoner, "-o", out)
    done = ictc(*words, "--fail-on-error", 1, "--no-report")
    assert done.returncode == 3, done.stderr[-4000:]
    lines = [json.loads(line) for line in (out / "001" / "step3_result.jsonl").read_text().splitlines()]
    failures = [json.loads(line) for line in (out / "001" / "failures.jsonl").read_text().splitlines()]
    assert {f["stage"] for f in failures} == {"label"}
    assert len(lines) + len(failures) == 24
    return lines


def _assigned(model: Model) -> set[str | None]:
    """What 40 descriptions are assigned to."""
    reasoner = LlmReasoner(model, Prompts(), "test")
    descriptions = [Description(f"{i}.png", f"Picture {i} is very odd.", "test") for i in range(40)]
    taxonomy = Taxonomy("object", [Cluster(name) for name in NAMES])
    answers = reasoner.assign(descriptions, taxonomy, "object")
    assert len(answers) == 40
    assert all(isinstance(answer, Assignment) for answer in answers), answers
    return {answer.cluster for answer in answers if isinstance(answer, Assignment)}


def test_in_process_every_assignment_is_on_the_list(engine: Model) -> None:
    assert _assigned(engine) <= set(NAMES)


def test_through_the_server_every_assignment_is_on_the_list(vllm_server: str, tiny_llama: Path) -> None:
    assert _assigned(model(f"openai:{tiny_llama}@{vllm_server}", ModelOptions())) <= set(NAMES)


def test_the_command_line_in_process(tiny_llama: Path, captions: Path, tmp_path: Path) -> None:
    lines = _run(f"vllm:{tiny_llama}", captions, tmp_path)
    assert lines
    assert {line["cluster"] for line in lines} <= set(NAMES)


def test_the_command_line_through_the_server(
    vllm_server: str, tiny_llama: Path, captions: Path, tmp_path: Path
) -> None:
    lines = _run(f"openai:{tiny_llama}@{vllm_server}", captions, tmp_path)
    assert lines
    assert {line["cluster"] for line in lines} <= set(NAMES)


def test_the_server_holds_answers_to_a_schema(vllm_server: str, tiny_llama: Path) -> None:
    """What the two tests above rest on, asked without ictc."""
    schema = {"type": "object", "properties": {"a": {"enum": ["zebra"]}}, "required": ["a"]}
    body = {
        "model": str(tiny_llama),
        "messages": [{"role": "user", "content": "Two and two?"}],
        "max_tokens": 60,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    }
    request = urllib.request.Request(
        f"{vllm_server}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = json.load(answer)["choices"][0]["message"]["content"]
    assert json.loads(content) == {"a": "zebra"}


def test_doctor_says_what_the_server_can_do(vllm_server: str, tiny_llama: Path) -> None:
    done = ictc("doctor", f"openai:{tiny_llama}@{vllm_server}", "--json")
    assert done.returncode == 0, done.stderr[-4000:]
    facts = json.loads(done.stdout)
    assert facts["schema"]["state"] == "enforced"
    assert facts["images"]["state"] in ("refused", "not seen")
    assert facts["tokens_per_second"] > 0
