"""One server process, from its start to its exit code."""

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from modelserver.codec.calls import Codec
from modelserver.errors import GraceExceeded, StartError
from modelserver.grpc.service import service
from modelserver.http import transport
from modelserver.http.front import front, infer_paths
from modelserver.http.listeners import Listeners
from modelserver.inference import admission
from modelserver.inference.guard import Guard
from modelserver.inference.lifecycle import Lifecycle, Serving
from modelserver.inference.pace import Pace
from modelserver.inference.scheduler import Scheduler
from modelserver.inference.shared import Inference
from modelserver.observe import logs, tracing
from modelserver.observe.metrics import Metrics
from modelserver.settings import Settings
from modelserver.start import memory_bound, steps
from modelserver.start.footprint import free_axes, has_rows
from modelserver.start.steps import Loaded
from modelserver.start.warmup import Profile

_SOFTWARE = 70  # EX_SOFTWARE of sysexits.h: a fault that no `StartError` names
_KILLED = 128 + signal.SIGTERM  # as a shell says of a process that the signal ended
_CLOSE_S = 1.0  # for connections and spans, where nothing is in flight


async def run(settings: Settings) -> int:
    """Serve until a signal comes or the start fails; the code to exit with.

    Raises:
        AddressUnavailable: The address cannot be bound.
    """
    process = _Process(settings)
    try:
        return await process.run()
    finally:
        if process.tracer is not None:
            await asyncio.wait({asyncio.create_task(_flush(process.tracer))}, timeout=_CLOSE_S)


@dataclass(frozen=True, slots=True)
class _Stop:
    """The first signal asks the process to stop, the second one ends it."""

    asked: asyncio.Event

    def on_signal(self, name: str) -> None:
        if self.asked.is_set():
            logs.error("killed", signal=name, detail="second signal: ending at once")
            end(_KILLED)
        logs.info("stopping", signal=name)
        self.asked.set()


class _Process:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._began = time.perf_counter()
        self._metrics = Metrics(model=settings.model, release=settings.release)
        self._lifecycle = Lifecycle(self._metrics)
        inference = Inference(
            lifecycle=self._lifecycle,
            metrics=self._metrics,
            limits=settings.limits().without_memory(),
            access_log_sample=settings.access_log_sample,
            tracer=tracing.tracer(model=settings.model, release=settings.release),
        )
        self._inference = inference
        self.tracer = inference.tracer
        app = front(
            model=settings.model,
            release=settings.release,
            contract=settings.promised(),
            inference=inference,
        )
        answers, calls = service(
            app,
            inference,
            model=settings.model,
            release=settings.release,
            contract=settings.promised(),
        )
        paths = infer_paths(settings.model, settings.release) | calls
        self._listeners = Listeners()
        self._http = transport.server(
            answers, inference, paths, release=settings.release, listeners=self._listeners
        )
        self._joined = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        stop = _Stop(asyncio.Event())
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stop.on_signal, each.name)
        settings = self._settings
        self._listeners.bind(
            settings.host, settings.port, settings.mirror_port, shared=settings.share_port
        )
        if not settings.share_port:
            self._join()
        http = asyncio.create_task(self._answer())
        asked = asyncio.create_task(stop.asked.wait())
        loading = asyncio.ensure_future(_in_thread(self._load))
        await asyncio.wait({asked, loading, http}, return_when=asyncio.FIRST_COMPLETED)
        if http.done():
            http.result()  # it only ends by itself by an error, which ends the process
        code = self._started(loading) if loading.done() else 0
        if loading.done() and code == 0:
            await asyncio.wait({asked, http}, return_when=asyncio.FIRST_COMPLETED)
            return await self._drain(http)
        self._http.should_exit = True
        if not self._joined.is_set():
            http.cancel()
        await asyncio.wait({http}, timeout=_CLOSE_S)
        logs.info("stopped", exit_code=code)
        return code

    def _join(self) -> None:
        """Let the kernel bring connections."""
        logs.info("listening", **self._listeners.accept())
        self._joined.set()

    async def _answer(self) -> None:
        await self._joined.wait()
        await self._http.serve(sockets=self._listeners.sockets)

    def _load(self) -> Loaded:
        return steps.load(self._settings.wanted(), self._lifecycle.step)

    def _started(self, loading: "asyncio.Future[Loaded]") -> int:
        """Begin to serve, or say why not: 0, or the exit code.

        A shared port is joined only now; until then the others that listen there answer.
        """
        try:
            loaded = loading.result()
            if not self._joined.is_set():
                self._join()
        except StartError as error:
            return self._give_up(error, error.exit_code)
        except Exception as error:  # noqa: BLE001 - the outermost handler of the start
            logs.LOGGER.error("start-crashed", exc_info=error)
            return self._give_up(error, _SOFTWARE)
        self._serve(loaded)
        return 0

    def _give_up(self, error: Exception, exit_code: int) -> int:
        step = self._lifecycle.reason
        self._lifecycle.fail(f"{type(error).__name__}: {error}")
        logs.error(
            "start-failed",
            error=type(error).__name__,
            step=step,
            exit_code=exit_code,
            detail=str(error),
        )
        return exit_code

    def _serve(self, loaded: Loaded) -> None:
        serving = self._serving(loaded)
        metrics = self._metrics
        metrics.batch_limit_rows = loaded.profile.useful_rows
        metrics.warm_up_s = loaded.profile.curve
        metrics.load_s = load_s = time.perf_counter() - self._began
        metrics.model_info = {
            "sha256": self._settings.artifact_sha256,
            "provider": ",".join(loaded.model.providers),
        }
        gc.freeze()  # what was loaded stays: collections need not walk it, a pause of milliseconds
        self._lifecycle.ready(serving)
        self._say_ready(loaded, serving, load_s)

    def _serving(self, loaded: Loaded) -> Serving:
        """What answers, of what was loaded; the limits of requests hold from here."""
        settings, profile, model = self._settings, loaded.profile, loaded.model
        self._inference.limits = bounds = admission.limits(loaded, settings.limits(), self._metrics)
        pace = Pace(
            free_axes(model.contract),
            loaded.footprint.quick,
            never=profile.is_long or not profile.ends,
            rows_tell=has_rows(model.contract),
            most_rows=bounds.rows,
        )
        codec = Codec(
            model=settings.model,
            release=settings.release,
            contract=model.contract,
            shared=loaded.shared_sizes,
            takes_no_rows=profile.takes_no_rows,
        )
        return Serving(
            model=model,
            profile=profile,
            codec=codec,
            scheduler=self._scheduler(loaded, pace),
            guard=Guard(settings.guard(), model.contract, self._metrics, self._lifecycle.doubt),
            batching=_batching(settings, profile),
            independence=str(loaded.independence),
            pace=pace,
            rows=admission.rows(loaded.footprint),
        )

    def _scheduler(self, loaded: Loaded, pace: Pace) -> Scheduler:
        return Scheduler(
            loaded.model,
            self._metrics,
            pace,
            max_rows=loaded.profile.useful_rows,
            max_delay_s=self._settings.batching_max_delay_ms / 1000,
        )

    def _say_ready(self, loaded: Loaded, serving: Serving, load_s: float) -> None:
        logs.info(
            "ready",
            load_s=round(load_s, 3),
            run_s=round(loaded.profile.run_s, 6),
            inline=serving.pace.any_quick,
            batching=serving.batching,
            independence=serving.independence,
            threads=loaded.threads,
            memory_bound_bytes=self._tighten(loaded),
            memory=self._metrics.memory,
            limits=self._metrics.limits,
            providers=list(loaded.model.providers),
            event_loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
        )

    def _tighten(self, loaded: Loaded) -> int | None:
        """The bound on what this process may map from now on, None where a GPU's driver maps."""
        if not loaded.model.on_cpu:
            return None
        return memory_bound.tighten(loaded.plan.limit_bytes)

    async def _drain(self, http: "asyncio.Task[None]") -> int:
        """Be unready at once, accept for `DRAIN_DELAY_S`, then finish what is in flight."""
        settings = self._settings
        self._lifecycle.drain()
        await asyncio.wait({http}, timeout=settings.drain_delay_s)
        self._http.should_exit = True
        await asyncio.wait({http}, timeout=settings.grace_s - settings.drain_delay_s)
        if not http.done():
            logs.error(
                "grace-exceeded",
                in_flight=self._metrics.in_flight + self._metrics.receiving,
                detail=f"requests were still in flight after {settings.grace_s:g} s",
            )
            return GraceExceeded.exit_code
        logs.info("stopped", exit_code=0)
        return 0


async def _flush(tracer: tracing.Tracer) -> None:
    await asyncio.to_thread(tracer.close)


def end(code: int) -> None:
    """End the process now: a thread may be in a download, or in ONNX Runtime, for ever."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _batching(settings: Settings, profile: Profile) -> str:
    """Whether and how calls are batched, in words."""
    if settings.batching_max_size is None:
        return "off"
    if profile.unbatched_because:
        return f"off: {profile.unbatched_because}"
    delay, rows = settings.batching_max_delay_ms, profile.useful_rows
    waits = f"waits up to {delay:g} ms" if delay else "never waits"
    fewer = "" if rows == settings.batching_max_size else " (more gain nothing)"
    return f"up to {rows} rows{fewer}, {waits}"


async def _in_thread(work: Callable[[], Loaded]) -> Loaded:
    """The result of `work`, done in a thread that does not keep the process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Loaded] = loop.create_future()

    def target() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised again where it is awaited
            loop.call_soon_threadsafe(future.set_exception, error)
        else:
            loop.call_soon_threadsafe(future.set_result, result)

    threading.Thread(target=target, name="start", daemon=True).start()
    return await future
