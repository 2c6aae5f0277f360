"""The load client: wrk, closed loop, one thread."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from serving.bench.dialects import Body
from serving.bench.errors import BenchError, ContestantError

SCRIPT = Path(__file__).with_name("wrk.lua")
MISSING = "wrk is missing: install it (Debian: apt-get install wrk)"
TIMEOUT_S = 30
"""Above the longest queue of any cell; with wrk's own 2 s slow answers would count as lost."""


@dataclass(frozen=True)
class Target:
    """Where one request goes, again and again."""

    port: int
    path: str
    body: Body


@dataclass(frozen=True)
class Load:
    """What one run of the client saw; `lost` counts connections and answers that failed."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    lost: int


def version() -> str:
    """First line of what wrk says about itself. Raises `BenchError` when it is missing."""
    if not shutil.which("wrk"):
        raise BenchError(MISSING)
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return re.sub(r"\s*Copyright.*", "", said.splitlines()[0])


def run(target: Target, *, concurrency: int, seconds: float, cores: tuple[int, ...]) -> Load:
    """Send the same request over `concurrency` connections, each as soon as it was answered.

    Raises `ContestantError` when the client itself fails.
    """
    with NamedTemporaryFile() as content:
        content.write(target.body.content)
        content.flush()
        command = _command(target, Path(content.name), concurrency, cores=cores, seconds=seconds)
        limit_s = seconds + 2 * TIMEOUT_S
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=limit_s
            )
        except subprocess.TimeoutExpired as error:
            raise ContestantError(f"wrk did not end within {limit_s:g} s") from error
    if ended.returncode:
        raise ContestantError(f"wrk ended with {ended.returncode}: {ended.stderr.strip()[-300:]}")
    return parse(ended.stdout)


def parse(output: str) -> Load:
    """The line of JSON that the script prints at the end."""
    said = json.loads(output.splitlines()[-1])
    return Load(
        requests=said["requests"],
        seconds=said["duration_us"] / 1e6,
        p50_ms=said["p50_us"] / 1e3,
        p99_ms=said["p99_us"] / 1e3,
        refused=said["status"],
        lost=said["connect"] + said["read"] + said["write"] + said["timeout"],
    )


def _command(
    target: Target, content: Path, concurrency: int, *, cores: tuple[int, ...], seconds: float
) -> list[str]:
    headers = [f"{name}: {value}" for name, value in target.body.headers.items()]
    return [
        *("taskset", "--cpu-list", ",".join(map(str, cores))),
        *("wrk", "--threads", "1", "--connections", str(concurrency)),
        *("--duration", f"{max(1, round(seconds))}s", "--timeout", f"{TIMEOUT_S}s"),
        *(part for header in headers for part in ("--header", header)),
        *("--script", str(SCRIPT), f"http://127.0.0.1:{target.port}{target.path}"),
        *("--", str(content)),
    ]
