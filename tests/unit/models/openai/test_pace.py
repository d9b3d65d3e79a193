"""Slots that adapt, and limits a minute."""

from __future__ import annotations

import asyncio

import pytest

from ictc.models.openai.pace import Rate, Slots
from ictc.models.openai.reach import Reach


async def full(slots: Slots) -> list[int]:
    return [await slots.take() for _ in range(int(slots.limit))]


def test_one_crowd_cuts_once_and_answers_raise_again() -> None:
    async def run() -> None:
        slots = Slots(10)
        taken = await full(slots)
        for number in taken:
            slots.crowded(number)
        assert slots.limit == pytest.approx(7)
        for _ in taken:
            slots.free()
        await full(slots)
        slots.served()
        assert 7 < slots.limit < 7.2

    asyncio.run(run())


def test_before_the_first_crowd_it_grows_fast_and_never_above_the_most() -> None:
    async def run() -> None:
        slots = Slots(200)
        assert slots.limit == 16
        waiting = [asyncio.create_task(slots.take()) for _ in range(1000)]
        for limit in (32, 64, 128, 200, 200):
            await asyncio.sleep(0)
            for _ in range(slots.active):  # a round trip, whose answers all come at once
                slots.served()
                slots.free()
            assert slots.limit == limit
        for task in waiting:
            task.cancel()

    asyncio.run(run())


def test_idle_slots_are_no_reason_to_grow() -> None:
    async def run() -> None:
        slots = Slots(200)
        await slots.take()
        slots.served()
        assert slots.limit == 16

    asyncio.run(run())


def test_it_never_falls_below_one() -> None:
    async def run() -> None:
        slots = Slots(2)
        for _ in range(20):
            slots.crowded(await slots.take())
            slots.free()
        assert slots.limit == 1

    asyncio.run(run())


def test_who_waits_gets_the_slot_that_another_gives_up() -> None:
    async def run() -> None:
        slots = Slots(1)
        await slots.take()
        first, second = asyncio.create_task(slots.take()), asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        slots.free()
        first.cancel()
        await asyncio.wait_for(second, 1)
        assert slots.active == 1

    asyncio.run(run())


def test_a_rate_spreads_and_is_corrected() -> None:
    now = [100.0]
    rate = Rate(60, lambda: now[0])
    assert [rate.reserve(1) for _ in range(4)] == pytest.approx([0, 0, 1, 2])
    rate.correct(3)
    assert rate.reserve(1) == pytest.approx(6)
    now[0] = 200.0
    assert rate.reserve(1) == 0
    assert Rate(None, lambda: 0).reserve(1e9) == 0


def test_a_server_that_never_answered_is_given_up_sooner() -> None:
    now = [0.0]
    never = Reach(lambda: now[0], patience=2)
    assert [never.silent() for _ in range(5)] == [False] * 5
    now[0] = 3.0
    assert never.silent()
    once = Reach(lambda: now[0], patience=2)
    once.answered()
    assert not any(once.silent() for _ in range(5))
    now[0] = 60.0
    assert not once.silent()


def test_three_that_used_up_their_tries_without_an_answer_between_them() -> None:
    reach = Reach(lambda: 0.0)
    assert [reach.gave_up(0, refused=False) for _ in range(2)] == [False, False]
    reach.answered()
    assert not reach.gave_up(0, refused=True), "somebody was answered meanwhile"
    assert [reach.gave_up(1, refused=False) for _ in range(3)] == [False, False, True]
    assert Reach(lambda: 0.0).gave_up(0, refused=True)
