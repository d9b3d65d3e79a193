"""The provider's batch interface, against a real server with batch routes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from logging import WARNING
from pathlib import Path

import pytest

from ictc.asking import StoredModel
from ictc.errors import AnswersLater
from ictc.modeloptions import ModelOptions
from ictc.models.openai import batch, batchapi
from ictc.models.openai.batch import BatchModel
from ictc.models.openai.batchapi import BatchError
from ictc.models.openai.model import OpenAIModel
from ictc.models.openai.spec import Server
from ictc.store import Store
from ictc.types import Failure, Item, Reply, Request
from tests.servers import answers as say
from tests.servers.scripted import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda body: body["messages"][-1]["content"].upper()) as running:
        yield running


def made(server: ScriptedServer, *, leave: bool = False) -> BatchModel:
    options = ModelOptions(batch=True, leave=leave, retries=1)
    return BatchModel(OpenAIModel(Server("m", server.url), options, base_delay=0.001), base_delay=0.001)


def asked(n: int) -> list[Request]:
    return [Request("label", f"text {i}") for i in range(n)]


def texts(answers: dict[int, Reply | Failure]) -> list[str]:
    return [a.text if isinstance(a, Reply) else f"!{a.code}" for _, a in sorted(answers.items())]


def test_submits_waits_and_gives_each_its_own(server: ScriptedServer) -> None:
    answers = dict(made(server).generate([*asked(20), *asked(2)]))
    assert texts(answers) == [f"TEXT {i}" for i in [*range(20), 0, 1]]
    assert server.count == 1, "the first, asked at once"
    assert server.batches.lines_answered == 19
    assert len(server.batches.batches) == 1


def test_left_and_collected_by_the_same_command(server: ScriptedServer) -> None:
    got: dict[int, Reply | Failure] = {}
    with pytest.raises(AnswersLater, match="batch_1") as pending:
        for number, answer in made(server, leave=True).generate(asked(20)):
            got |= {number: answer}
    assert pending.value.exit_code == 3
    assert list(got) == [0]
    with pytest.raises(AnswersLater, match=r"batch_1 \(in_progress, 0 of 19 requests done\)"):
        list(made(server, leave=True).generate(asked(20)[1:]))
    server.batches.look_at("batch_1", times=2)
    assert texts(dict(made(server, leave=True).generate(asked(20)[1:]))) == [f"TEXT {i}" for i in range(1, 20)]
    assert (server.count, server.batches.lines_answered, len(server.batches.batches)) == (1, 19, 1)


def test_a_running_batch_is_known_by_any_of_its_lines(server: ScriptedServer) -> None:
    with pytest.raises(AnswersLater):
        list(made(server, leave=True).generate(asked(20)))
    for some in (asked(20)[2:], asked(20)[5:6], [*asked(20)[19:], *asked(20)[7:9]]):  # not its first, the second
        with pytest.raises(AnswersLater, match="batch_1"):
            list(made(server, leave=True).generate(some))
    assert (server.count, len(server.batches.batches)) == (1, 1), "nothing was asked or submitted again"


def test_the_file_of_a_batch_that_is_not_needed_is_not_read(server: ScriptedServer) -> None:
    for start in (0, 100):
        with pytest.raises(AnswersLater):
            list(made(server, leave=True).generate(asked(120)[start : start + 20]))
    server.batches.downloads.clear()
    with pytest.raises(AnswersLater, match="batch_1"):
        list(made(server, leave=True).generate(asked(20)[1:]))
    first, _ = (batch["input_file_id"] for batch in server.batches.batches.values())
    assert server.batches.downloads == [first]


SAID = {"error": {"message": "try later", "code": 503}}
ODD = [{"hello": "world"}, {"object": "list", "data": None}, {"id": "x"}, [1], b"<html>", SAID, {"error": "try later"}]


@pytest.mark.parametrize("body", ODD, ids=str)
@pytest.mark.parametrize("route", ["GET batches", "POST files", "GET batch", "POST batches", "GET files"])
def test_an_answer_of_another_shape_is_tried_again_and_then_told(
    server: ScriptedServer, route: str, body: say.Body
) -> None:
    an_error = isinstance(body, dict) and "error" in body
    if (route == "GET files" and not an_error) or (route == "POST files" and body == {"id": "x"}):
        return  # a file without answers, and one that is there
    odd = say.Scripted(body=body)
    instead = server.batches.instead[route]
    once = route == "POST batches" and not an_error
    if not once:  # that batch may have been made: it is not submitted twice
        instead.append(odd)
        assert texts(dict(made(server).generate(asked(3)))) == ["TEXT 0", "TEXT 1", "TEXT 2"]
    instead.extend([odd] * 2)
    with pytest.raises(BatchError, match="cannot be used") as raised:
        list(made(server).generate([*asked(1), Request("label", "other"), Request("label", "another")]))
    assert raised.value.hint
    assert len(instead) == once


def test_how_far_it_is_is_said(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    server.batches.polls = 4
    dict(made(server).generate(asked(9)))
    said = [record.getMessage() for record in caplog.records if record.levelno >= WARNING]  # shown on standard error
    assert said == [f"batch_1: in_progress, {done} of 8 requests done" for done in (0, 2, 4, 6)]


@pytest.mark.parametrize(("status", "patience"), [("in_progress", "_PROMISED"), ("resting", "_SLACK")])
def test_waiting_ends_where_the_provider_never_does(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, status: str, patience: str
) -> None:
    monkeypatch.setattr(batchapi, "_PROMISED", 60.0)
    monkeypatch.setattr(batchapi, "_SLACK", 60.0)
    with monkeypatch.context() as soon:
        soon.setattr(batchapi, patience, 0.3 if patience == "_SLACK" else -59.7)
        _never_ends(server, status)
    server.batches.batches["batch_1"]["status"] = "cancelled"
    server.batches.polls, server.batches.running = 2, "in_progress"
    assert texts(dict(made(server).generate(asked(5)))) == [f"TEXT {i}" for i in range(5)]


def _never_ends(server: ScriptedServer, status: str) -> None:
    server.batches.polls, server.batches.running = 10**9, status
    with pytest.raises(BatchError, match=f"batch_1 is still {status}") as raised:
        list(made(server).generate(asked(5)))
    assert f"curl -X POST {server.url}/batches/batch_1/cancel" in raised.value.hint
    with pytest.raises(BatchError):
        list(made(server).generate(asked(5)))
    assert len(server.batches.batches) == 1, "nothing was submitted twice"


def test_a_batch_that_is_late_already_is_told_at_once(server: ScriptedServer) -> None:
    with pytest.raises(AnswersLater):
        list(made(server, leave=True).generate(asked(5)))
    server.batches.polls = 10**9
    server.batches.batches["batch_1"]["created_at"] -= 26 * 3600
    with pytest.raises(BatchError, match="was to be done within 24 hours"):
        list(made(server).generate(asked(5)))


def test_more_than_a_batch_holds_is_all_submitted_by_the_first_command(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST", 10)
    with Store(None) as store:
        with pytest.raises(AnswersLater, match=r"batch_1 .*, batch_2 .*, batch_3 "):
            list(StoredModel(made(server, leave=True), store, 10).generate(asked(25)))
        assert len(server.batches.batches) == 3
        for name in server.batches.batches:
            server.batches.look_at(name, times=2)
        answers = dict(StoredModel(made(server, leave=True), store, 10).generate(asked(25)))
    assert texts(answers) == [f"TEXT {i}" for i in range(25)]
    assert server.count + server.batches.lines_answered == 25


def test_killed_while_collecting_it_pays_for_nothing_twice(server: ScriptedServer, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        answers = StoredModel(made(server), store).generate(asked(30))
        list(islice(answers, 11))
        answers.close()  # type: ignore[attr-defined]
        assert len(list(StoredModel(made(server), store).generate(asked(30)))) == 30
        assert texts(dict(StoredModel(made(server), store).generate(asked(31)))) == [f"TEXT {i}" for i in range(31)]
    assert server.batches.lines_answered == 29
    assert server.count == 2, "the first, and the one that came later"


def test_lines_that_fail_are_failures_and_the_passing_ones_are_submitted_again_next_time(
    server: ScriptedServer,
) -> None:
    wrong = {"TEXT 3": say.error(500), "TEXT 4": say.REFUSAL, "TEXT 5": say.error(400, "no")}
    usual = server.respond
    server.respond = lambda body: wrong.get(str(usual(body)), usual(body))
    got = texts(dict(made(server).generate(asked(7))))
    assert got[3:] == ["!server-error", "!refused", "!bad-request", "TEXT 6"]
    server.respond = usual
    again = texts(dict(made(server).generate(asked(7))))
    assert again[3:] == ["TEXT 3", "!refused", "!bad-request", "TEXT 6"]


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_what_an_expired_batch_did_answer_counts(server: ScriptedServer, end: str) -> None:
    server.batches.end = end
    answers = dict(made(server).generate(asked(9)))
    failed = [a for a in answers.values() if isinstance(a, Failure)]
    assert len(failed) == 4
    assert all(a.retryable and end in a.message for a in failed)


def test_a_failed_batch_is_told_and_submitted_again(server: ScriptedServer) -> None:
    server.batches.end = "failed"
    with pytest.raises(BatchError, match="batch_1 failed: scripted failure"):
        dict(made(server).generate(asked(3)))
    server.batches.end = "completed"
    assert texts(dict(made(server).generate(asked(3)))) == ["TEXT 0", "TEXT 1", "TEXT 2"]


def test_a_wrong_key_is_told_before_anything_is_submitted() -> None:
    with ScriptedServer(key="right") as server, pytest.raises(BatchError, match="401"):
        list(made(server).generate(asked(3)))


@pytest.mark.parametrize("leave", [False, True])
def test_a_spent_account_is_told_by_the_first_and_nothing_is_submitted(server: ScriptedServer, leave: bool) -> None:
    server.then(say.INSUFFICIENT_QUOTA)
    assert texts(dict(made(server, leave=leave).generate(asked(3)))) == ["!quota"] * 3
    assert not server.batches.files


def test_parameters_the_model_refuses_are_found_out_before_a_day_is_lost(server: ScriptedServer) -> None:
    server.then(say.unsupported("temperature"))
    assert texts(dict(made(server).generate(asked(4)))) == [f"TEXT {i}" for i in range(4)]
    [file, *_] = server.batches.files.values()
    assert "temperature" not in file


def test_an_image_that_cannot_be_read_keeps_no_other_waiting(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    bad = Request("describe", "what is it", image=Item("bad.png", tmp_path / "bad.png", "0"))
    assert texts(dict(made(server).generate([*asked(2), bad]))) == ["TEXT 0", "TEXT 1", "!zero-bytes"]
