"""Requests to a model: order, one answer for equal requests, and what the store keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from ictc.asking import StoredModel, ask
from ictc.store import Store
from ictc.types import Failure, Item, Reply, Request


class Echo:
    """Answers in twos, the later one first; fails where the request says so."""

    fingerprint = "echo/1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        held: list[tuple[int, Reply | Failure]] = []
        for number, request in enumerate(requests):
            self.asked.append(request.user)
            code = request.user.partition("!")[2]
            failed = Failure("", request.stage, code, "no", retryable=code == "timeout")
            held.append((number, failed if code else Reply(request.user.upper())))
            if len(held) == 2:
                yield from reversed(held)
                held.clear()
        yield from held


def requests(*texts: str) -> list[Request]:
    return [Request("label", t) for t in texts]


def test_answers_come_in_the_order_of_the_requests() -> None:
    answers = list(ask(Echo(), requests("a", "b", "c", "d", "e")))
    assert [a.text for a in answers if isinstance(a, Reply)] == ["A", "B", "C", "D", "E"]


def test_equal_requests_are_asked_once_and_a_repeat_asks_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        model = Echo()
        for _ in range(2):
            answers = list(ask(StoredModel(model, store), requests("a", "b", "a", "c", "b", "a")))
            assert [a.text for a in answers if isinstance(a, Reply)] == ["A", "B", "A", "C", "B", "A"]
        assert model.asked == ["a", "b", "c"]


@pytest.mark.parametrize(("code", "again"), [("refused", False), ("timeout", True), ("unauthorized", True)])
def test_only_failures_that_would_fail_again_are_kept(code: str, again: bool) -> None:
    with Store(None) as store:
        model = Echo()
        for _ in range(2):
            (answer,) = ask(StoredModel(model, store), requests(f"x!{code}"))
            assert isinstance(answer, Failure) and answer.code == code
        assert len(model.asked) == (2 if again else 1)


def test_an_answer_is_on_disk_before_it_is_passed_on(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        answers = StoredModel(Echo(), store).generate(requests("a", "b", "c", "d"))
        next(answers)
        next(answers)
    with Store(tmp_path / "s.sqlite") as store:
        model = Echo()
        list(ask(StoredModel(model, store), requests("a", "b", "c", "d")))
        assert model.asked == ["c", "d"]


def test_a_picture_is_its_content_not_its_path() -> None:
    one, same, other = (
        Request("describe", "what?", image=Item("n", Path(p), sha256=h))
        for p, h in [("a.jpg", "1"), ("b.jpg", "1"), ("a.jpg", "2")]
    )
    with Store(None) as store:
        model = Echo()
        list(ask(StoredModel(model, store), [one, same, other]))
        assert len(model.asked) == 2


def test_a_failure_from_the_store_stands_for_the_stage_that_asks() -> None:
    with Store(None) as store:
        list(ask(StoredModel(Echo(), store), [Request("label", "x!refused")]))
        (answer,) = ask(StoredModel(Echo(), store), [Request("assign", "x!refused")])
        assert isinstance(answer, Failure) and answer.stage == "assign"


def test_pictures_that_could_not_be_read_are_not_one_and_are_not_kept() -> None:
    unread = [Request("describe", f"x!refused{i}", image=Item(f"{i}", Path(f"{i}.jpg"))) for i in range(2)]
    same = [Request("describe", "x!refused", image=i.image) for i in unread]
    with Store(None) as store:
        model = Echo()
        for _ in range(2):
            assert len(list(ask(StoredModel(model, store), [*unread, *same]))) == 4
        assert len(model.asked) == 8


def test_a_failure_of_the_picture_stays_one() -> None:
    class Blind(Echo):
        def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
            yield from ((i, Failure("", "image", "truncated", "cut off")) for i, _ in enumerate(requests))

    request = Request("describe", "what?", image=Item("a", Path("a.jpg"), "1"))
    with Store(None) as store:
        first, again = (list(ask(StoredModel(Blind(), store), [request])) for _ in range(2))
    assert first == again
