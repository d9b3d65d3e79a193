"""The parts of a sampled run, each by itself: sizes, the cover, the probe, the audit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ictc.errors import UsageError
from ictc.interfaces import Vectors
from ictc.reasoners.spherical import Index, unit
from ictc.sampling import cover as covering
from ictc.sampling.account import Account
from ictc.sampling.audit import drawn, estimated
from ictc.sampling.carrying import carried
from ictc.sampling.cover import Cover
from ictc.sampling.plan import parse_size, parts
from ictc.sampling.probe import train
from ictc.sampling.seeing import Seen

SIZES = (400, 80, 16, 4)


def groups_of(sizes: tuple[int, ...] = SIZES, spread: float = 0.05, width: int = 12) -> tuple[Vectors, Index]:
    """Unit rows in groups of such sizes, apart from each other."""
    draw = np.random.default_rng(3)
    middles = np.linalg.qr(draw.normal(size=(width, width)))[0][: len(sizes)]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rows = middles[groups] + draw.normal(0, spread, (len(groups), width))
    return unit(rows.astype(np.float32)), groups.astype(np.intp)


def ones(n: int) -> Index:
    return np.ones(n, dtype=np.intp)


@pytest.mark.parametrize(
    ("text", "n", "size"),
    [("5%", 1000, 50), ("0.5 %", 1000, 5), ("60", 1000, 60), ("60", 40, 40), ("AUTO", 1000, 100), ("auto", 30, 30)],
)
def test_a_size_is_a_share_a_number_or_auto(text: str, n: int, size: int) -> None:
    assert parse_size(text).of(n) == size
    assert str(parse_size(str(parse_size(text)))) == str(parse_size(text))


def test_auto_begins_with_enough_for_many_clusters() -> None:
    assert parse_size("auto").of(10_000, 40) == 400


@pytest.mark.parametrize("text", ["0", "0%", "-5", "100.1%", "5%%", "", "all", "5.5", "9" * 40])
def test_a_size_that_is_none_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--sample"):
        parse_size(text)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 57, 1000])
@pytest.mark.parametrize("known", [0, 1, 40])
def test_the_parts_are_the_whole_and_no_more(size: int, known: int) -> None:
    found = parts(size, known)
    assert found.cover + found.uncertain + found.audit == max(0, size - known)
    assert min(found.cover, found.uncertain, found.audit) >= 0


@pytest.mark.parametrize("most", [2000, 60])
def test_few_images_cover_small_groups_too_and_fewer_are_among_them(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "CANDIDATES", most)
    rows, groups = groups_of()
    cover = Cover(rows, ones(len(rows)), seed=0)
    ten = cover.first(10)
    assert {*groups[ten].tolist()} == {0, 1, 2, 3}, "also the four images of five hundred"
    assert cover.first(4) == ten[:4]
    assert len(set(cover.first(100))) == 100


def test_what_is_there_often_counts_often() -> None:
    rows, groups = groups_of((20, 20), spread=0.3)
    often = np.where(groups == 1, 50, 1).astype(np.intp)
    assert np.mean(groups[Cover(rows, often, 0).first(8)] == 1) > 0.7


@pytest.mark.parametrize("most", [2000, 60])
def test_the_doubtful_that_are_chosen_stand_for_all_that_is_in_doubt(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(covering, "CANDIDATES", most)
    rows, groups = groups_of()
    cover = Cover(rows, ones(len(rows)), seed=0)
    taken = cover.first(20)
    doubt = np.where(groups == 1, 0.9, 0.0)
    found = cover.doubtful(doubt, taken, 6)
    assert len(found) == 6 and not {*found} & {*taken}
    assert {*groups[found].tolist()} == {1}
    assert cover.doubtful(np.zeros(len(rows)), taken, 6) == []


def test_the_probe_learns_the_groups_and_knows_how_sure_it_may_be() -> None:
    rows, groups = groups_of((60, 60, 60), spread=0.45)
    some = np.arange(0, 180, 3)
    probe = train(rows[some], groups[some], 4)
    rest = np.setdiff1d(np.arange(180), some)
    shares = probe.shares(rows[rest])
    assert np.allclose(shares.sum(1), 1) and not shares[:, 3].any(), "of a cluster without images nothing is known"
    right = float(np.mean(shares.argmax(1) == groups[rest]))
    assert right > 0.6
    assert abs(np.mean(probe.agreed) - right) < 0.15, "judged by images that it did not learn from"
    assert np.array_equal(train(rows[some], groups[some], 4).shares(rows[rest]), shares)


def test_one_cluster_and_only_images_of_a_class_are_no_reason_to_fail() -> None:
    rows, groups = groups_of((5, 1, 1))
    assert (train(rows[:5], groups[:5], 3).shares(rows)[:, 0] == 1).all()
    lone = train(rows, groups, 3)
    assert len(lone.agreed) == 5, "an only image cannot be judged by the others of its class"
    assert lone.shares(rows).argmax(1).tolist() == groups.tolist()


def test_the_audit_is_drawn_by_lot_from_what_is_left() -> None:
    left = [i for i in range(1000) if i % 4]
    found = drawn(1000, left, 200, seed=1)
    assert len({*found}) == 200 and {*found} <= {*left}
    assert drawn(1000, left, 50, seed=1) == found[:50]
    assert drawn(1000, left, 50, seed=2) != found[:50]
    assert 400 < np.mean(found) < 600


def test_the_estimate_is_of_all_images_and_holds_what_is_true() -> None:
    account = Account("100", "offline", 1000, described=200, probed=800)
    told = estimated(account, [("a", "a")] * 15 + [("a", "b")] * 4 + [(None, "b")])
    assert (told.audited, told.disagreed, told.disagreement) == (20, 5, 0.2)
    assert told.low is not None and told.high is not None
    assert 0.05 < told.low < 0.2 < told.high < 0.45
    assert estimated(account, []).disagreement is None
    assert estimated(replace(account, probed=0), []).disagreement == 0
    assert "20.0 %" in told.line() and "nothing was audited" in estimated(account, []).line()
    assert Account.from_json({**told.to_json(), "later": 1}) == told


def test_the_interval_holds_the_true_share_as_often_as_it_says() -> None:
    wrong = np.arange(1000) < 300
    hits = 0
    for seed in range(200):
        some = drawn(1000, range(1000), 40, seed)
        found = estimated(
            Account("40", "offline", 1000, described=40, probed=960), [("a", "b" if wrong[i] else "a") for i in some]
        )
        assert found.low is not None and found.high is not None
        hits += found.low <= 0.3 * 0.96 <= found.high
    assert hits >= 186


def seen(rows: Vectors) -> Seen:
    n = len(rows)
    return Seen([f"{i}" for i in range(n)], rows, rows, np.arange(n), np.arange(n), ones(n), [])


def test_the_audit_teaches_the_probe_nothing_and_undescribed_images_say_whom_they_are_like() -> None:
    rows, groups = groups_of((30, 30))
    names = ["a", "b"]
    chosen = {f"{i}": "cover" for i in (0, 1, 30, 31)} | {f"{i}": "audit" for i in (5, 6, 35)}
    described: dict[str, str | None] = {i: names[groups[int(i)]] for i in chosen}
    rest = [f"{i}" for i in range(60) if f"{i}" not in chosen]
    found = carried(seen(rows), chosen, described, names, rest)
    assert {i: a.cluster for i, a in found.assignments.items()} == {i: names[groups[int(i)]] for i in rest}
    assert all(a.by == "probe" and a.evidence.removeprefix("like ") in ("0", "1") for a in list(
        found.assignments.values())[:20])  # fmt: skip
    lied = carried(seen(rows), chosen, {**described, "5": "b", "6": "b", "35": None}, names, rest)
    assert {i: a.cluster for i, a in lied.assignments.items()} == {i: a.cluster for i, a in found.assignments.items()}
    assert [p != r for p, r in lied.pairs] == [True] * 3
    sure = [np.mean([a.confidence or 0 for a in x.assignments.values()]) for x in (found, lied)]
    assert sure[1] < sure[0], "it has been caught out"
    none = carried(seen(rows), chosen, described, names, rest, least=1.0)
    assert {a.cluster for a in none.assignments.values()} == {None}
    assert carried(seen(rows), chosen, dict.fromkeys(described), names, rest).assignments["9"].cluster is None
