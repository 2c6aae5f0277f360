"""A contestant's processes are found, measured and ended as one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.bench import processes
from serving.bench.errors import ContestantError
from serving.bench.processes import Command, Stat, Tree
from waiting import until

CORE = min(os.sched_getaffinity(0))

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
print("up", flush=True)
time.sleep(60)
"""


def _tree(program: str, folder: Path) -> Tree:
    command = Command((sys.executable, "-c", program), {"GREETING": "hello"})
    return Tree(command, cores=(CORE,), folder=folder)


def _until_says(tree: Tree, text: str) -> None:
    until(tree.log.read_text, lambda told: text in told)


def test_a_stat_line_is_read_behind_the_commands_name() -> None:
    """A command may be called anything, brackets and spaces included."""
    line = "7 (a) b (c) S 3 7 5 0 -1 0 0 0 0 0 100 50 0 0 20 0 1 0 0"

    stat = processes.parse_stat(line)

    expected = Stat(parent=3, session=5, cpu_s=150 / processes.TICKS_PER_S)
    assert expected == stat


def test_descendants_are_found_at_any_depth() -> None:
    """Children of children belong to the tree, siblings do not."""
    parents = {1: 0, 2: 1, 3: 2, 4: 1, 5: 0}
    known = {pid: Stat(parent, 1, 0) for pid, parent in parents.items()}

    assert {2, 3} == set(processes.descendants(known, 2))
    assert {1, 2, 3, 4} == set(processes.descendants(known, 1))


def test_own_cpu_leaves_out_other_trees(tmp_path: Path) -> None:
    """Of two trees beside each other the busy one alone is charged."""
    for name in ("busy", "idle"):
        (tmp_path / name).mkdir()
    with (
        _tree("while True: pass", tmp_path / "busy") as busy,
        _tree("import time; time.sleep(60)", tmp_path / "idle") as idle,
    ):
        until(busy.own_cpu_s, lambda spent_s: spent_s > 0.5)

        assert idle.own_cpu_s() < 0.5
        assert busy.cpu_s() >= 0.5


def test_a_tree_ends_whole(tmp_path: Path) -> None:
    """Processes that ignore SIGTERM and moved to a session of their own are killed all the same."""
    with _tree(STUBBORN, tmp_path) as tree:
        _until_says(tree, "up\nup")
        members = tree.members()
        usage = tree.usage()
        took_s = tree.stop(patience_s=0.2)

    assert 2 == len(members) == usage.processes
    assert usage.held_bytes <= usage.rss_bytes
    assert took_s is None
    assert [] == tree.members()


def test_a_tree_runs_where_and_with_what_it_is_told(tmp_path: Path) -> None:
    """Cores, environment and log are the given ones, and an orderly end is timed."""
    program = "import os, time; print(os.environ['GREETING'], flush=True); time.sleep(60)"

    with _tree(program, tmp_path) as tree:
        _until_says(tree, "hello")
        tree.require_pinned()
        tree.require_alive()
        took_s = tree.stop()

    assert took_s is not None
    with pytest.raises(ContestantError, match="ended with -15; its log ends: hello"):
        tree.require_alive()


def test_a_thread_on_another_core_is_found(tmp_path: Path) -> None:
    """A contestant that moves itself to a core of the client is not measured."""
    with _tree("import time; print('up', flush=True); time.sleep(60)", tmp_path) as tree:
        _until_says(tree, "up")
        tree.cores = (CORE + 1,)

        with pytest.raises(ContestantError, match=f"may run on cores \\[{CORE}\\]"):
            tree.require_pinned()


def test_what_has_ended_runs_nowhere(tmp_path: Path) -> None:
    """A child of the harness that nobody has waited for is no contestant on a wrong core."""
    with (
        _tree("import time; print('up', flush=True); time.sleep(60)", tmp_path) as tree,
        subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as ended,
    ):
        _until_says(tree, "up")
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)

        tree.require_pinned()
