"""Specs of OpenAI-compatible servers."""

from __future__ import annotations

import pytest

from ictc.errors import SpecError
from ictc.models.openai.spec import OPENAI, parse


@pytest.mark.parametrize(
    ("argument", "model", "url"),
    [
        ("gpt-4o", "gpt-4o", OPENAI),
        ("org/model:7b@http://h:1/v1", "org/model:7b", "http://h:1/v1"),
        ("a@b@https://h/v1/", "a@b", "https://h/v1"),
        ("claude@20250101", "claude@20250101", OPENAI),
        ("accounts/a@b/models/c", "accounts/a@b/models/c", OPENAI),
        ("model@v1.2", "model@v1.2", OPENAI),
        ("/models/x@HTTP://[::1]:8000/v1", "/models/x", "HTTP://[::1]:8000/v1"),
    ],
)
def test_only_an_address_at_the_end_is_the_server(argument: str, model: str, url: str) -> None:
    server = parse(argument, {})
    assert (server.model, server.base_url) == (model, url)


def test_the_environment_says_the_rest_and_the_spec_comes_first() -> None:
    environ = {"OPENAI_BASE_URL": "http://e/v1", "OPENAI_API_KEY": " k \n"}
    assert parse("m", environ).base_url == "http://e/v1"
    assert parse("m@http://s/v1", environ).base_url == "http://s/v1"
    assert parse("m", environ).key == "k"


@pytest.mark.parametrize("argument", ["", "@http://h/v1", " ", "m@http://", "m@http://h:port/v1", "m@http://h /v1"])
def test_what_names_nothing_is_told(argument: str) -> None:
    with pytest.raises(SpecError) as told:
        parse(argument, {})
    assert "openai:MODEL" in told.value.hint


@pytest.mark.parametrize(
    "argument", ["m@localhost:8000/v1", "m@localhost", "m@10.0.0.7", "m@gpu-box:8000", "m@my.host/v1"]
)
def test_an_address_without_its_scheme_is_no_name(argument: str) -> None:
    with pytest.raises(SpecError, match="without its http://"):
        parse(argument, {})


@pytest.mark.parametrize("url", ["http://u:secret@h/v1", "http://h/v1?key=secret", "http://h/v1#secret"])
def test_an_address_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SpecError) as told:
        parse(f"m@{url}", {})
    assert "secret" not in str(told.value)


def test_the_key_is_in_no_repr() -> None:
    assert "canary" not in repr(parse("m", {"OPENAI_API_KEY": "canary"}))
