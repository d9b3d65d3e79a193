"""Everything a server or a network can do to a request, by a real server on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count, islice

import pytest

from ictc.modeloptions import ModelOptions
from ictc.models.openai.model import OpenAIModel
from ictc.models.openai.spec import Server
from ictc.prompts import Prompts
from ictc.reasoners.llm import LlmReasoner
from ictc.types import Description, Failure, Label, Reply, Request
from tests.servers import answers as say
from tests.servers.scripted import ScriptedServer

FAST = 0.01  # seconds before the second try


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def made(url: str, *, key: str = "", timeout: float = 5.0, retries: int = 3, concurrency: int = 8) -> OpenAIModel:
    options = ModelOptions(timeout=timeout, retries=retries, concurrency=concurrency)
    return OpenAIModel(Server("m", url, key), options, base_delay=FAST)


def asked(n: int) -> Iterator[Request]:
    return (Request("label", str(i)) for i in range(n))


def one(model: OpenAIModel, request: Request | None = None) -> Reply | Failure:
    [(number, answer)] = model.generate([request or Request("label", "hello")])
    assert number == 0
    return answer


def failure(model: OpenAIModel, request: Request | None = None) -> Failure:
    answer = one(model, request)
    assert isinstance(answer, Failure), answer
    assert answer.image == ""
    assert answer.stage == "label"
    return answer


PASSING = {
    "429": say.rate_limited(),
    "500": say.error(500),
    "503": say.error(503),
    "408": say.error(408),
    "409": say.error(409),
    "529": say.error(529),
    "dropped": say.DROPPED,
    "dropped mid-body": say.DROPPED_MID_BODY,
    "malformed": say.MALFORMED,
    "nested too deeply": say.NESTED,
    "no completion": say.NOT_A_COMPLETION,
    "html": say.Scripted(body=b"<html>Bad gateway</html>", status=502),
    "error with a 200": say.Scripted(body={"error": {"message": "overloaded", "code": 503}}),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_passing_fault_is_tried_again(server: ScriptedServer, fault: say.Scripted) -> None:
    server.then(fault, fault)
    assert one(made(server.url)) == Reply("ok", "stop", 1, 1)
    assert server.count == 3


LASTING = {
    "429": (say.rate_limited(), "rate-limited"),
    "500": (say.error(500), "server-error"),
    "malformed": (say.MALFORMED, "malformed-reply"),
    "dropped mid-body": (say.DROPPED_MID_BODY, "server-error"),
}


@pytest.mark.parametrize(("fault", "code"), LASTING.values(), ids=LASTING.keys())
def test_a_lasting_fault_is_told_after_all_tries_and_may_be_asked_again(
    server: ScriptedServer, fault: say.Scripted, code: str
) -> None:
    server.respond = lambda _: fault
    model = made(server.url)
    told = failure(model)
    assert (told.code, told.retryable, server.count) == (code, True, 4)
    server.respond = lambda _: "ok"
    assert isinstance(one(model), Reply), "one question that fails is no lost server"


@pytest.mark.parametrize(
    ("header", "value", "least"),
    [
        ("retry-after-ms", "300", 0.3),
        ("Retry-After", "0.3", 0.3),
        ("Retry-After", "date", 0.3),
        ("x-ratelimit-reset-requests", "300ms", 0.3),
        ("x-ratelimit-reset-tokens", "0m0.3s", 0.3),
    ],
)
def test_what_the_server_asks_to_wait_is_waited(server: ScriptedServer, header: str, value: str, least: float) -> None:
    if value == "date":  # whole seconds: between .3 and 1.3 from now
        value = format_datetime((datetime.now(UTC) + timedelta(seconds=1.3)).replace(microsecond=0), usegmt=True)
        least = 0.2
    server.then(say.rate_limited(header, value))
    assert isinstance(one(made(server.url)), Reply)
    first, second = server.times
    assert least <= second - first < least + 1.5


def test_no_other_request_is_sent_while_the_server_wants_to_hear_nothing(server: ScriptedServer) -> None:
    model = made(server.url, concurrency=1)
    server.then("ok", say.rate_limited("retry-after-ms", "400"))
    assert all(isinstance(a, Reply) for _, a in model.generate(Request("label", str(i)) for i in range(4)))
    gaps = [b - a for a, b in zip(server.times, server.times[1:], strict=False)]
    assert len([g for g in gaps if g >= 0.39]) == 1


def test_a_server_that_asks_to_wait_for_hours_is_not_waited_for(server: ScriptedServer) -> None:
    server.respond = lambda _: say.rate_limited("Retry-After", "7200")
    model = made(server.url)
    start = time.monotonic()
    told = failure(model)
    assert (told.code, told.retryable) == ("rate-limited", True)
    assert time.monotonic() - start < 3
    assert failure(model).message == "The server asks to wait 7200 seconds."
    assert server.count == 1, "nor is it asked again before"


@pytest.mark.parametrize("fault", [say.hang(), say.Scripted(trickle=0.05)], ids=["hang", "trickle"])
def test_the_time_limit_is_for_the_whole_try(server: ScriptedServer, fault: say.Scripted) -> None:
    server.then(fault)
    model = made(server.url, timeout=0.4)
    start = time.monotonic()
    assert isinstance(one(model), Reply)
    assert 0.4 <= time.monotonic() - start < 2
    server.respond = lambda _: fault
    assert failure(made(server.url, timeout=0.2, retries=1)).code == "timeout"


FINAL = {
    "bad request": (say.error(400, "no"), "bad-request"),
    "unprocessable": (
        say.Scripted(status=422, body={"detail": [{"loc": ["body", "n"], "msg": "extra"}]}),
        "bad-request",
    ),
    "refusal": (say.REFUSAL, "refused"),
    "content filter": (say.CONTENT_FILTER, "content-filter"),
    "prompt filter": (say.error(400, "filtered", code="content_filter"), "content-filter"),
    "empty": (say.EMPTY, "empty"),
}


@pytest.mark.parametrize(("fault", "code"), FINAL.values(), ids=FINAL.keys())
def test_what_another_try_would_not_mend_is_not_tried_again(
    server: ScriptedServer, fault: say.Scripted, code: str
) -> None:
    server.then(fault)
    told = failure(made(server.url))
    assert (told.code, told.retryable, server.count) == (code, False, 1)


ENDING = {
    "401": (say.UNAUTHORIZED, "unauthorized"),
    "403": (say.error(403, "no access"), "unauthorized"),
    "quota": (say.INSUFFICIENT_QUOTA, "quota"),
    "404": (say.MODEL_NOT_FOUND, "model-not-found"),
    "400 for a model": (say.error(400, "Invalid model name 'm'"), "model-not-found"),
}


@pytest.mark.parametrize(("fault", "code"), ENDING.values(), ids=ENDING.keys())
def test_some_faults_end_the_model(server: ScriptedServer, fault: say.Scripted, code: str) -> None:
    server.respond = lambda _: fault
    model = made(server.url, concurrency=4)
    told = dict(model.generate(Request("label", str(i)) for i in range(200)))
    assert [a.code for a in told.values() if isinstance(a, Failure)] == [code] * 200
    assert 1 <= server.count <= 4, "those under way, and no more"
    asked = server.count
    assert failure(model).code == code
    assert server.count == asked
    assert server.url in failure(model).message


def test_a_server_that_is_not_there_is_told_within_seconds() -> None:
    with ScriptedServer() as gone:
        url = gone.url
    model = OpenAIModel(Server("m", url), ModelOptions())
    start = time.monotonic()
    told = [a.code for _, a in model.generate(Request("label", str(i)) for i in range(1000)) if isinstance(a, Failure)]
    assert told == ["unreachable"] * 1000
    assert time.monotonic() - start < 6


def test_a_server_that_dies_half_way_is_given_up_and_all_answers_given_count() -> None:
    with ScriptedServer(latency=0.01) as server:
        model = made(server.url, concurrency=4, retries=2)
        answers = model.generate(Request("label", str(i)) for i in range(100))
        first = list(islice(answers, 20))
    rest = list(answers)
    assert all(isinstance(a, Reply) for _, a in first)
    assert sorted(n for n, _ in first + rest) == list(range(100))
    codes = [a.code for _, a in rest if isinstance(a, Failure)]
    assert codes[-1] == "unreachable"
    assert set(codes) <= {"unreachable", "server-error"}


def test_an_answer_cut_off_is_told_from_a_whole_one(server: ScriptedServer) -> None:
    server.then(say.TRUNCATED)
    answer = one(made(server.url))
    assert isinstance(answer, Reply)
    assert (answer.text, answer.finish) == ("the begin", "length")


def test_a_model_that_thinks_all_its_tokens_away_gets_more_once_for_all(server: ScriptedServer) -> None:
    server.respond = lambda body: "done" if body["max_tokens"] > 4000 else say.TRUNCATED_EMPTY
    model = made(server.url)
    assert one(model) == Reply("done", "stop", 1, 1)
    assert one(model) == Reply("done", "stop", 1, 1)
    assert server.count == 3
    server.respond = lambda _: say.TRUNCATED_EMPTY
    assert failure(model).code == "truncated"


def test_a_text_too_long_is_told_at_once_and_never_cut_here(server: ScriptedServer) -> None:
    server.respond = lambda _: say.CONTEXT_OVERFLOW
    told = failure(made(server.url), Request("label", "begin " + "x" * 4000 + " end"))
    assert (told.code, told.retryable, server.count) == ("context-overflow", False, 1)


def test_labels_too_many_for_the_context_are_all_shown_in_smaller_requests(server: ScriptedServer) -> None:
    shown: list[str] = []

    def respond(body: say.Body) -> str | say.Scripted:
        asked = body["messages"][-1]["content"]
        if len(asked) > 9000:
            return say.CONTEXT_OVERFLOW
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        if "answers" in properties:
            return json.dumps({"answers": []})
        shown.append(asked)
        least = properties["categories"].get("minItems", 5)
        return json.dumps(
            {"categories": [{"name": f"kind {i}x", "about": "", "labels": [i + 1]} for i in range(least)]}
        )

    server.respond = respond
    labels = [Label(str(i), f"label number {i:04d} of things, " + "x" * 40) for i in range(600)]
    descriptions = [Description(label.image, label.label, "m") for label in labels]
    taxonomy = LlmReasoner(made(server.url), Prompts(None), "m").merge(descriptions, labels, "object", 3)
    assert taxonomy.k == 3
    together = "".join(shown)
    assert [label.image for label in labels if f"number {label.image:0>4} of" not in together] == []


@pytest.mark.parametrize(
    "wording",
    [
        "This model's maximum context length is 512 tokens. However, you requested 9000 tokens",  # OpenAI, vLLM
        "the request exceeds the available context size, try increasing it",  # llama.cpp
        "The number of tokens to keep from the initial prompt is greater than the context length",  # LM Studio
        "The decoder prompt (length 9000) is longer than the maximum model length of 512.",  # vLLM
        "Input length 9000 exceeds the maximum input length",
        "prompt is too long: 9000 tokens > 512 maximum",
    ],
)
def test_context_overflow_is_known_in_every_wording(server: ScriptedServer, wording: str) -> None:
    server.respond = lambda _: say.error(400, wording)
    assert failure(made(server.url)).code == "context-overflow"


@pytest.mark.parametrize(
    ("fault", "gone", "instead"),
    [
        (say.unsupported("response_format"), "response_format", None),
        (say.error(400, "json_schema is not supported by this model"), "response_format", None),
        (say.unsupported("temperature"), "temperature", None),
        (say.unsupported("max_tokens"), "max_tokens", "max_completion_tokens"),
        (say.error(400, "Use 'max_completion_tokens', not 'max_tokens'"), "max_tokens", "max_completion_tokens"),
    ],
)
def test_a_parameter_that_is_refused_is_left_out_from_then_on(
    server: ScriptedServer, fault: say.Scripted, gone: str, instead: str | None
) -> None:
    model = made(server.url)
    request = Request("label", "hello", "be brief", schema={"type": "object"})
    server.then(fault)
    assert isinstance(one(model, request), Reply)
    assert isinstance(one(model, request), Reply)
    first, *later = server.bodies
    assert gone in first
    assert len(later) == 2
    for body in later:
        assert gone not in body
        assert instead is None or body[instead] == 512


def test_a_server_without_a_system_role_is_told_in_the_users_words(server: ScriptedServer) -> None:
    server.then(
        say.error(400, "Unsupported value: 'messages[0].role' does not support 'system'", param="messages[0].role")
    )
    assert isinstance(one(made(server.url), Request("label", "hello", "be brief")), Reply)
    assert server.bodies[1]["messages"] == [{"role": "user", "content": "be brief\n\nhello"}]


def test_one_schema_that_is_refused_costs_the_others_nothing(server: ScriptedServer) -> None:
    model = made(server.url)
    server.then(
        say.error(400, "Invalid schema for response_format 'answer': too many enum values", code="invalid_json_schema")
    )
    for _ in range(2):
        assert isinstance(one(model, Request("label", "hello", schema={"type": "object"})), Reply)
    assert ["response_format" in body for body in server.bodies] == [True, False, True]


def test_refusing_everything_ends(server: ScriptedServer) -> None:
    server.respond = lambda _: say.error(400, "no response_format temperature max_tokens max_completion_tokens")
    told = failure(made(server.url), Request("label", "hello", schema={}))
    assert told.code == "bad-request"
    assert server.count == 3


def test_what_a_model_thinks_apart_is_no_answer(server: ScriptedServer) -> None:
    server.then(say.Scripted("guitar", message={"reasoning_content": "It has strings.", "reasoning": "It has"}))
    answer = one(made(server.url))
    assert isinstance(answer, Reply)
    assert answer.text == "guitar"


def test_the_number_at_once_adapts_to_what_the_server_allows() -> None:
    with ScriptedServer(latency=0.02, allowed=5, busy="refuse") as server:
        model = made(server.url, concurrency=40, retries=5)
        start = time.monotonic()
        answers = [a for _, a in model.generate(Request("label", str(i)) for i in range(400))]
        took = time.monotonic() - start
    assert all(isinstance(a, Reply) for a in answers)
    assert server.most_at_once <= 5
    assert server.count < 800, "most requests were not in vain"
    assert took < 4 * 400 / 5 * 0.02 + 1


@pytest.mark.parametrize("heeds", [True, False])
def test_a_small_server_is_not_drowned(heeds: bool) -> None:
    """As llama.cpp with two slots: 15 requests a time limit, also where it goes on with those that were given up."""
    with ScriptedServer(latency=0.05, allowed=2, heeds=heeds) as server:
        model = OpenAIModel(Server("m", server.url), ModelOptions(timeout=0.75), base_delay=0.25)
        failed = [a for _, a in model.generate(asked(100)) if isinstance(a, Failure)]
        model.close()
    assert not failed


def test_a_large_server_is_soon_used_in_full() -> None:
    with ScriptedServer(latency=0.4, allowed=64) as server:
        answers = list(OpenAIModel(Server("m", server.url), ModelOptions()).generate(asked(300)))
    assert all(isinstance(a, Reply) for _, a in answers)
    assert server.times[16] - server.times[0] >= 0.4, "few before it is known"
    assert server.times[16 + 32 + 64] - server.times[0] < 4 * 0.4, "doubled in every round trip"


def test_closing_the_generator_ends_what_is_under_way(server: ScriptedServer) -> None:
    server.then(*["ok"] * 3)
    server.respond = lambda _: say.hang()
    drawn = count()
    answers = made(server.url, timeout=60).generate(Request("label", str(next(drawn))) for _ in range(1_000_000))
    list(islice(answers, 3))
    start = time.monotonic()
    while server.at_once < 7 and time.monotonic() - start < 3:
        time.sleep(0.01)
    answers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 3
    while server.at_once and time.monotonic() - start < 3:
        time.sleep(0.01)
    assert (server.at_once, server.dropped_by_client) == (0, 7), (
        "the third's slot is taken only when the fourth is asked for"
    )
    assert next(drawn) == 3 + 7


def test_an_exception_where_requests_are_made_comes_out_and_cancels(server: ScriptedServer) -> None:
    server.respond = lambda _: say.hang()

    def requests() -> Iterator[Request]:
        yield Request("label", "a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(made(server.url).generate(requests()))


def test_requests_a_minute_are_kept(server: ScriptedServer) -> None:
    model = OpenAIModel(Server("m", server.url), ModelOptions(rpm=600), base_delay=FAST)  # ten a second
    start = time.monotonic()
    assert len(list(model.generate(Request("label", str(i)) for i in range(25)))) == 25
    assert 1.4 <= time.monotonic() - start < 3


def test_tokens_a_minute_are_kept_by_what_was_really_used(server: ScriptedServer) -> None:
    usage = {"prompt_tokens": 500, "completion_tokens": 500}
    server.respond = lambda _: {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}], "usage": usage}
    options = ModelOptions(tpm=600_000, concurrency=2)  # ten answers a second
    start = time.monotonic()
    model = OpenAIModel(Server("m", server.url), options, base_delay=FAST)
    assert len(list(model.generate(Request("label", str(i)) for i in range(25)))) == 25
    assert 1.0 <= time.monotonic() - start < 4


def test_no_other_host_is_told_what_was_meant_for_this_one(server: ScriptedServer) -> None:
    with ScriptedServer() as other:
        server.respond = lambda _: say.Scripted(
            status=307, headers={"Location": f"{other.url}/chat/completions"}, body={}
        )
        told = failure(made(server.url))
        assert (told.retryable, other.count) == (False, 0)
