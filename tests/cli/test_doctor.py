"""`ictc doctor` alone, and with a model of a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ictc.models import vllm
from tests.conftest import ictc, invoke
from tests.servers.answers import Body, error
from tests.servers.scripted import ScriptedServer


def enforcing(body: Body) -> str:
    """As a server that holds to schemas and sees pictures."""
    if "response_format" in body:
        schema = body["response_format"]["json_schema"]["schema"]
        return json.dumps({"answer": schema["properties"]["answer"]["enum"][-1]})
    return "A violet square" if "image_url" in json.dumps(body["messages"]) else "one two three four five"


def _facts(spec: str, **env: str) -> tuple[int, dict[str, Any]]:
    result = invoke("doctor", spec, "--json", env=env)
    found: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, found


def test_a_capable_server() -> None:
    with ScriptedServer(enforcing, latency=0.05) as server:
        code, facts = _facts(f"openai:any@{server.url}")
        assert server.count == 3
    assert code == 0
    assert facts["usable"] is True
    assert [facts[key]["state"] for key in ("text", "schema", "images")] == ["answered", "enforced", "seen"]
    assert 0.05 <= facts["latency"] < 5
    assert facts["tokens_per_second"] == pytest.approx(5 / facts["latency"], rel=0.05)


def test_a_server_that_ignores_schemas_and_refuses_pictures() -> None:
    def deaf(body: Body) -> Any:
        return error(400, "This model has no eyes.") if "image_url" in json.dumps(body["messages"]) else "four"

    with ScriptedServer(deaf) as server:
        code, facts = _facts(f"openai:any@{server.url}")
        table = invoke("doctor", f"openai:any@{server.url}").stdout
    assert code == 0
    assert [facts[key]["state"] for key in ("text", "schema", "images")] == ["answered", "ignored", "refused"]
    assert "no eyes" in facts["images"]["detail"]
    assert "ignored" in table


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (error(404, "The model `any` does not exist", code="model_not_found"), "curl http://127.0.0.1"),
        (error(401, "Incorrect API key provided: sk-canary-777"), "OPENAI_API_KEY"),
    ],
)
def test_what_makes_a_model_useless_is_one_message_and_exit_4(answer: Any, hint: str) -> None:
    with ScriptedServer(lambda _: answer) as server:
        result = invoke("doctor", f"openai:any@{server.url}", "--json", env={"OPENAI_API_KEY": "sk-canary-777"})
    assert result.exit_code == 4
    said = json.loads(result.stdout)
    assert hint in said["hint"]
    assert "sk-canary" not in result.output + result.stderr


def test_nobody_there() -> None:
    code, said = _facts("openai:any@http://127.0.0.1:9/v1")
    assert code == 4
    assert "unreachable" in said["error"]


def test_every_spec_works_or_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "DEVICES", ())
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    facts = json.loads(invoke("doctor", "--json").stdout)
    specs = facts["specs"]
    assert {name.partition(":")[0] for name in specs} == {"offline", "recorded", "openai", "hf", "vllm"}
    assert all(text.startswith(("works", "does not work")) for text in specs.values())
    assert "OPENAI_API_KEY is not set" in specs["openai:MODEL[@URL]"]
    assert {"openai", "accelerate", "bitsandbytes", "vllm"} <= facts["packages"].keys()


def test_a_key_is_seen_and_not_shown() -> None:
    result = invoke("doctor", "--json", env={"OPENAI_API_KEY": "sk-canary-778"})
    assert "OPENAI_API_KEY is set" in result.stdout
    assert "sk-canary" not in result.stdout


def test_doctor_alone_loads_no_model_library() -> None:
    done = ictc("doctor", "--json", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "ictc.cli.commands.doctor" in loaded
    assert not loaded & {"torch", "transformers", "vllm", "openai"}
