"""The entry point: `python -m modelserver`, or the script `modelserver`."""

import gc

gc.disable()  # what is imported stays; to look for garbage in it makes imports a twentieth slower

import asyncio
import sys
from types import SimpleNamespace

from modelserver.start import reclaim

reclaim.share_heap()  # before numpy's threads begin

# FastAPI would import it to ask whether a response is a model of that version: none is.
sys.modules["pydantic.v1"] = None  # type: ignore[assignment]  # how Python marks what is not there
# uvicorn's command line, which its package imports: it brings click and multiprocessing, and only
# the server is used.
sys.modules["uvicorn.main"] = SimpleNamespace(Server=None, main=None, run=None)  # type: ignore[assignment]  # as good as a module

from modelserver import process, settings
from modelserver.errors import StartError
from modelserver.observe import logs

try:
    from uvloop import new_event_loop
except ImportError:  # the extra of this name is not installed
    from asyncio import new_event_loop  # type: ignore[assignment]  # uvloop's is one, too

gc.freeze()
gc.enable()


def main() -> None:
    """Serve one release until asked to stop; the process ends with a documented exit code."""
    logs.configure("info")
    try:
        chosen = settings.read()
        logs.configure(chosen.log_level, model=chosen.model, release=chosen.release)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            code = runner.run(process.run(chosen))
            process.end(code)
    except StartError as error:
        logs.error(
            "start-failed",
            error=type(error).__name__,
            exit_code=error.exit_code,
            detail=str(error),
        )
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
