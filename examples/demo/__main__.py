"""`make demo`: serve, introduce, shift, promote, break, roll back and kill, and measure it all."""

import argparse
import asyncio
import sys

from examples.demo.engine import DemoError, Scratch, Up, new_scratch
from examples.demo.story import tell
from examples.demo.timeline import Timeline


def main() -> int:
    """Tell the story; 0 only if every expectation held."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running until interrupted")
    keep: bool = parser.parse_args().keep
    timeline = Timeline()
    scratch = new_scratch()
    scratch.create()
    up = Up(scratch)
    print(f"scratch clone {scratch.repository}\nstatus page   {up.page}")
    try:
        _tell(timeline, scratch, up)
        if keep:
            _wait(up)
    finally:
        code = up.stop()
    timeline.chapter("Result")
    timeline.expect(held=code == 0, what=f"modelctl up drained and ended with {code}")
    if timeline.broken:
        print(f"  kept for a look: {scratch.folder}")
    else:
        scratch.remove()
    print(f"\n{len(timeline.broken)} expectations did not hold")
    return 1 if timeline.broken else 0


def _tell(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    try:
        asyncio.run(tell(timeline, scratch, up))
    except DemoError as error:
        timeline.expect(held=False, what=str(error))


def _wait(up: Up) -> None:
    print(f"\nstill running: {up.page} (end it with Ctrl-C)", flush=True)
    try:
        up.process.wait()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    sys.exit(main())
