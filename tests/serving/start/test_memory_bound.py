"""A model that does not fit into memory is refused in words, whatever the kernel promises."""

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelserver import errors
from modelserver.start.memory_bound import memory_bytes
from tests.serving import control_group, onnx_models
from tests.serving.conftest import Server, start_server, write_release
from tests.serving.control_group import Group
from tests.serving.kernel_files import tree
from tests.serving.memory import MIB

if TYPE_CHECKING:
    from tests.serving.conftest import Start

SMALL_BYTES = 768 * MIB
"""Enough for a server of a tiny model, and for nothing more."""

ELEMENTS = 1 << 31
"""Of 4 bytes: many times as much, yet less than most machines have, so that a kernel promises it
even where it looks first (`vm.overcommit_memory` 0)."""

UNLIMITED = "9223372036854771712\n"
"""What version 1 says of a group without a limit."""


Serve = Callable[[str, Mapping[str, str]], Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers whose process does something else first: a piece of Python."""
    started: list[Server] = []

    def one(first: str, environment: Mapping[str, str]) -> Server:
        program = f"{first}\nfrom modelserver.__main__ import main\nmain()"
        started.append(start_server(environment, tmp_path / "server.log", ("-c", program)))
        return started[-1]

    yield one
    for each in started:
        each.close()


@pytest.fixture
def small_group() -> Iterator[Group]:
    """A control group of little memory."""
    with control_group.of(SMALL_BYTES) as group:
        yield group


def assert_refused(server: Server) -> None:
    """The start ended in words, and not by the kernel's hand."""
    code = server.exit_code()
    (failure,) = server.events("start-failed")

    assert errors.ModelOutOfMemory.exit_code == code
    assert "ModelOutOfMemory" == failure["error"]
    assert "resources.memory" in failure["detail"]


def test_model_larger_than_its_control_group(
    tmp_path: Path, serve: Serve, small_group: Group
) -> None:
    """A model that a container has no room for ends the start, before the memory is filled."""
    assert_refused(
        serve(small_group.joining, write_release(tmp_path, onnx_models.enormous(ELEMENTS)))
    )


def test_model_larger_than_the_memory(tmp_path: Path, serve: Serve) -> None:
    """The same where the bound alone stands in the way, and no control group."""
    first = (
        "from modelserver.start import memory_bound\n"
        f"memory_bound.memory_bytes = lambda: {SMALL_BYTES}"
    )

    assert_refused(serve(first, write_release(tmp_path, onnx_models.enormous(ELEMENTS))))


def test_input_larger_than_the_memory(tmp_path: Path, start: "Start") -> None:
    """Where already the input of the warm-up has no room the start ends in the same words."""
    assert_refused(start(write_release(tmp_path, onnx_models.identity("FP32", ("N", 1 << 40)))))


def test_bound_follows_the_memory(tmp_path: Path, start: "Start") -> None:
    """What is mapped already, and four fifths of the memory without what is in use."""
    server = start(write_release(tmp_path, onnx_models.affine(), THREADS=2))
    bound = server.until("ready")["memory_bound_bytes"]
    soft, _ = resource.prlimit(server.process.pid, resource.RLIMIT_DATA)

    assert bound == soft
    assert abs(bound - 0.8 * memory_bytes()) < 1024 * MIB


def test_lower_bound_stays(tmp_path: Path, serve: Serve) -> None:
    """Who starts the server may bound it more narrowly."""
    narrow = 512 * MIB
    first = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({narrow}, {narrow * 2}))"
    server = serve(first, write_release(tmp_path, onnx_models.affine()))
    server.until("ready")

    found = resource.prlimit(server.process.pid, resource.RLIMIT_DATA)

    assert (narrow, narrow * 2) == found


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": f"{5 * MIB}\n", "a/memory.max": "max\n"}, 5 * MIB),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": f"{3 * MIB}\n"}, 3 * MIB),
        ("0::/a\n", {"memory.max": f"{2 * MIB}\n"}, 2 * MIB),
        (
            "4:memory:/a\n1:cpu:/\n",
            {
                "memory/a/memory.limit_in_bytes": UNLIMITED,
                "memory/memory.limit_in_bytes": f"{7 * MIB}\n",
            },
            7 * MIB,
        ),
    ],
    ids=["own", "around", "mount", "version 1"],
)
def test_smallest_limit_around_counts(
    tmp_path: Path, groups: str, files: dict[str, str], expected: int
) -> None:
    """The control group of the process counts, and each one around it."""
    visible = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    root = tree(tmp_path, {"proc/self/cgroup": groups} | visible)

    assert expected == memory_bytes(root)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {
            "proc/self/cgroup": "4:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED,
        },
    ],
    ids=["no groups", "no limit"],
)
def test_machine_counts_where_no_group_limits(tmp_path: Path, files: dict[str, str]) -> None:
    """Without a limit it is the memory of the machine."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    assert machine == memory_bytes(tree(tmp_path, files))
