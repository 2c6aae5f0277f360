"""A container's HTTP probes, with the meaning that Kubernetes gives them."""

import asyncio
from collections.abc import Callable

from modelctl.local.plan.values import Probe
from modelctl.local.servers.httpget import get


async def until_started(port: int, probe: Probe | None, *, poll_s: float) -> str | None:
    """Wait until the startup probe passes; gives None then, or why the server has to be ended.

    The bound is the probe's own (period times failures); it is asked every `poll_s`, so that
    a quick start is seen quickly.
    """
    if probe is None:
        return None
    limit_s = probe.period_s * probe.failures
    deadline = asyncio.get_running_loop().time() + limit_s
    while (found := await _failure(port, probe)) is not None:
        if asyncio.get_running_loop().time() > deadline:
            return f"not started within {limit_s:g} s: GET {probe.path}: {found}"
        await asyncio.sleep(poll_s)
    return None


async def follow_readiness(
    port: int, probe: Probe | None, report: Callable[[str | None], None], *, poll_s: float
) -> None:
    """Report None whenever the readiness probe passes, and why not once it has failed often enough.

    Until the first success it is asked every `poll_s`, then at its own period.
    """
    if probe is None:
        report(None)
        return
    failures, wait_s = 0, poll_s
    while True:
        found = await _failure(port, probe)
        failures = 0 if found is None else failures + 1
        if found is None:
            wait_s = probe.period_s
            report(None)
        elif failures >= probe.failures:
            report(f"not ready: GET {probe.path}: {found}")
        await asyncio.sleep(wait_s)


async def until_dead(port: int, probe: Probe | None) -> str:
    """Wait until the liveness probe has failed often enough; gives why the server has to end."""
    if probe is None:
        await asyncio.Event().wait()
        raise AssertionError  # nothing sets this event
    failures = 0
    while True:
        await asyncio.sleep(probe.period_s)
        found = await _failure(port, probe)
        failures = 0 if found is None else failures + 1
        if failures >= probe.failures:
            return f"not alive: GET {probe.path}: {found}"


async def _failure(port: int, probe: Probe) -> str | None:
    """What is wrong with one answer, or None if it is a success."""
    try:
        answer = await get(port, probe.path, timeout_s=probe.timeout_s)
    except TimeoutError:
        return f"no answer within {probe.timeout_s:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return None if answer.ok else f"status {answer.status}"
