"""`make demo`: serve, shift, promote, break, roll back, kill, fill and hang, and measure it all."""

import argparse
import asyncio
import signal
import sys

from examples.demo.engine import Up
from examples.demo.scratch import DemoError, Tidying, new_scratch
from examples.demo.stage import Stage
from examples.demo.story import tell
from examples.demo.timeline import Timeline

_INTERRUPTED = 130  # as a shell says that a Ctrl-C ended something


def main() -> int:
    """Tell the story; 0 only if every expectation held."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running until interrupted")
    keep: bool = parser.parse_args().keep
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    scratch = new_scratch()
    tidying = Tidying(scratch)
    stage = Stage(Timeline(), scratch, Up(scratch))
    failed = False
    try:
        scratch.create()
        _tell(stage)
        if keep:
            _wait(stage.up)
        _end(stage)
        failed = bool(stage.timeline.broken)
        if failed:
            scratch.keep_logs()
    except KeyboardInterrupt:
        print("\ninterrupted: ending what runs", flush=True)
        return _INTERRUPTED
    finally:
        tidying.finish(keep=failed)
    if failed:
        print(f"  kept for a look: {scratch.folder}")
    print(f"\n{stage.timeline.result()}")
    return 1 if failed else 0


def _tell(stage: Stage) -> None:
    print(f"scratch clone {stage.scratch.repository}")
    try:
        asyncio.run(tell(stage, stage.scratch.mount()))
    except DemoError as error:
        stage.timeline.expect(held=False, what=str(error))


def _wait(up: Up) -> None:
    print(f"\nstill running: {up.page} (end it with Ctrl-C)", flush=True)
    try:
        up.wait()
    except KeyboardInterrupt:
        print()


def _end(stage: Stage) -> None:
    """End the engine in order, and expect that it leaves nothing."""
    stage.timeline.chapter("End")
    code = stage.up.stop()
    stage.timeline.expect(held=code == 0, what=f"modelctl up drained and ended with {code}")
    left = stage.up.pids()
    names = ", ".join(left) or "nothing"
    stage.timeline.expect(held=not left, what=f"{names} runs on")


if __name__ == "__main__":
    sys.exit(main())
