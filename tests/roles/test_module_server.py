"""What test hosts run modules with answers as Python itself would."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.content import TESTS
from plugins.module_server import ask
from waiting import until

SERVER = TESTS / "plugins" / "module_server.py"
STARTED = """
import socket, sys
from pathlib import Path
from plugins.module_server import keep_compiled, serve
keep_compiled(Path(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    serve(listener)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """The socket of a server; its compiled files are in the folder `compiled` beside it."""
    path = tmp_path / "s"
    command = [sys.executable, "-c", STARTED, str(path), str(tmp_path / "compiled")]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        yield path
        process.terminate()


def answered(server: Path, module: str) -> tuple[int, bytes, bytes]:
    """Status, output and error output of a module."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server))
        return ask(client, module.encode())


def test_a_module_answers_with_status_output_and_errors(server: Path) -> None:
    """Both outputs arrive apart, and the status is the one that the module ended with."""
    module = "import sys; print('told'); print('said', file=sys.stderr); sys.exit(3)"

    assert (3, b"told\n", b"said\n") == answered(server, module)


def test_a_module_that_breaks_shows_its_traceback(server: Path) -> None:
    """An exception ends the module with 1 and its traceback; the server goes on."""
    status, _, errors = answered(server, "1 / 0")

    assert 1 == status
    assert errors.endswith(b"ZeroDivisionError: division by zero\n")
    assert (0, b"on\n", b"") == answered(server, "print('on')")


def test_a_module_finds_nothing_of_the_one_before(server: Path) -> None:
    """Names and imports of a module are gone when the next one runs."""
    answered(server, "import sys, colorsys; sys.kept = left = True")
    after = (
        "import sys; print('left' in globals(), hasattr(sys, 'kept'), 'colorsys' in sys.modules)"
    )

    assert b"False False False\n" == answered(server, after)[1]


def test_an_archive_is_compiled_once(server: Path, tmp_path: Path) -> None:
    """The second import of the same source from an archive adds no compiled file."""
    module = (
        "import sys, zipfile\n"
        f"archive = {str(tmp_path / 'a.zip')!r}\n"
        "with zipfile.ZipFile(archive, 'w') as made: made.writestr('inside.py', 'VALUE = 7')\n"
        "sys.path.insert(0, archive)\n"
        "import inside; print(inside.VALUE)"
    )
    first = answered(server, module)[1]
    compiled = list((tmp_path / "compiled").iterdir())
    second = answered(server, module)[1]

    assert b"7\n" == first == second
    assert 1 == len(compiled)
    assert compiled == list((tmp_path / "compiled").iterdir())


def test_a_server_beside_a_playbook_ends_with_it(tmp_path: Path) -> None:
    """It has read the libraries that it was given, stays in its folder, and leaves no socket."""
    path = tmp_path / "s"
    with subprocess.Popen(["sleep", "60"]) as playbook:
        command = [sys.executable, SERVER, path, tmp_path / "compiled", str(playbook.pid)]
        subprocess.run([*command, "colorsys"], cwd=tmp_path, check=True)
        told = answered(path, "import os, sys; print('colorsys' in sys.modules, os.getcwd())")
        playbook.kill()
    until(lambda: not path.exists())

    assert (0, f"True {tmp_path}\n".encode(), b"") == told
