"""The streams of the status pages."""

import asyncio

from modelctl.local.observe.live import Live


class Page:
    """A page whose text a test changes; counts how often it was made."""

    def __init__(self) -> None:
        self.text = "one"
        self.made = 0
        self.made_often = asyncio.Event()

    async def render(self, name: str) -> str:
        """The page of a name."""
        self.made += 1
        if self.made > 3:
            self.made_often.set()
        await asyncio.sleep(0)
        return f"{name}: {self.text}"


def test_page_is_sent_at_once_and_when_it_has_changed() -> None:
    """A stream begins with the page as it is, and sends it again only after a change."""
    page = Page()

    async def look() -> tuple[str, str]:
        stream = Live(page.render, period_s=0.001).stream("m")
        first = await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await page.made_often.wait()  # it was looked at, and there was nothing to send
        assert not waiting.done()
        page.text = "two"
        second = await waiting
        await stream.aclose()
        return first, second

    assert ('data: "m: one"\n\n', 'data: "m: two"\n\n') == asyncio.run(look())


def test_nothing_is_made_while_nobody_looks() -> None:
    """A stream that its reader has left asks for nothing more, and makes room for another."""
    page = Page()

    async def look() -> list[object]:
        live = Live(page.render, streams=1, period_s=0.001)
        assert page.made == 0
        stream = live.stream("")
        await anext(stream)
        was_full = live.full
        await stream.aclose()
        return [was_full, live.full, live.open]

    assert [True, False, 0] == asyncio.run(look())
    assert 1 == page.made


def test_page_that_several_look_at_is_made_once() -> None:
    """Streams of the same page share what was made for one of them."""
    page = Page()

    async def look() -> None:
        live = Live(page.render, period_s=3600)
        streams = [live.stream("m") for _ in range(8)]
        await asyncio.gather(*(anext(stream) for stream in streams))
        for stream in streams:
            await stream.aclose()

    asyncio.run(look())

    assert 1 == page.made


def test_close_ends_every_stream() -> None:
    """When the server ends, no stream keeps it from ending."""

    async def look() -> list[str]:
        live = Live(Page().render, period_s=3600)
        stream = live.stream("m")
        first = await anext(stream)
        live.close()
        return [first, *[event async for event in stream]]

    assert ['data: "m: one"\n\n'] == asyncio.run(look())
