"""Whose turn it is to start."""

import asyncio

from modelctl.local.servers.starts import Starts, Turn


def test_few_at_a_time() -> None:
    """No more start at a time than may, and each end lets the next one begin."""

    async def story() -> None:
        starts = Starts(at_once=2)
        turns = [starts.ask(lambda: (0,)) for _ in range(4)]
        assert [True, True, False, False] == [turn.granted.done() for turn in turns]

        turns[1].over()
        turns[1].over()
        assert [True, True, True, False] == [turn.granted.done() for turn in turns]

    asyncio.run(story())


def test_the_most_urgent_first() -> None:
    """The lowest rank goes first, as it is when a place is free; of equals the older."""

    async def story() -> None:
        starts = Starts(at_once=1)
        first = starts.ask(lambda: (0,))
        ranks = {"a": 1, "b": 1, "c": 1}
        turns = {name: starts.ask(lambda name=name: (ranks[name],)) for name in ranks}
        ranks["c"] = 0

        order: list[str] = []
        turn: Turn = first
        for _ in ranks:
            turn.over()
            name = next(n for n, t in turns.items() if t.granted.done() and n not in order)
            order.append(name)
            turn = turns[name]

        assert ["c", "a", "b"] == order

    asyncio.run(story())


def test_who_leaves_the_queue_is_passed_over() -> None:
    """A turn that is over before it began is nobody's."""

    async def story() -> None:
        starts = Starts(at_once=1)
        first, second, third = (starts.ask(lambda: (0,)) for _ in range(3))
        second.over()
        first.over()

        assert not second.granted.done()
        assert third.granted.done()

    asyncio.run(story())


def test_a_long_start_keeps_nobody_waiting() -> None:
    """After a while a start no longer counts, and the next one begins beside it."""

    async def story() -> None:
        starts = Starts(at_once=1, hold_s=0.01)
        starts.ask(lambda: (0,))

        await asyncio.wait_for(starts.ask(lambda: (0,)).granted, 60)

    asyncio.run(story())
