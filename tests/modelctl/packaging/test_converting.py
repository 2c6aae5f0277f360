"""The runner of converters: what reaches them, what comes back, and what they cannot do."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from modelctl.errors import ConversionError
from modelctl.packaging import converters, converting
from modelctl.packaging.converters import Converter
from modelctl.packaging.converting import Converted, convert

SAVE = """
import sys, numpy as np
from conversion import save, Refused
def convert(request):
    {body}
    save(request, b"model", {{"x": np.zeros((1, 2))}}, {{"y": np.array(["a", "b"], dtype=object)}})
    return {{"environment": {{"python": "3"}}, "notes": notes}}
"""


class Written(Converter):
    """A converter whose program is in a test's folder."""

    where: Path

    @property
    def folder(self) -> Path:
        """The test's folder."""
        return self.where


def run(tmp_path: Path, body: str, **arguments: object) -> Converted:
    """What becomes of a converter whose function has this body."""
    (tmp_path / "convert.py").write_text(SAVE.format(body=body))
    converter = Written("mine", ("mine",), needs_trust=False, has_environment=False)
    object.__setattr__(converter, "where", tmp_path)
    return convert(tmp_path / "source", converter, **arguments)  # type: ignore[arg-type]


def test_gives_what_the_converter_leaves(tmp_path: Path) -> None:
    """Model, rows, answers, versions and notes come back; text needs no pickle."""
    made = run(tmp_path, "notes = ['seen']")

    assert b"model" == made.model
    assert (1, 2) == made.samples["x"].shape
    assert ["a", "b"] == made.expected["y"].tolist()
    assert "U" == made.expected["y"].dtype.kind
    assert {"python": "3"} == made.environment
    assert "seen" == made.notes[-1]


def test_passes_the_request(tmp_path: Path) -> None:
    """Paths reach the converter as absolute ones, options as they are."""
    made = run(
        tmp_path,
        "notes = [repr(request)]",
        samples=Path("some.npz"),
        options={"opset": 21},
        trust=True,
    )

    request = eval(made.notes[-1])  # noqa: S307 - a literal of this test
    assert str(tmp_path / "source") == request["source"]
    assert str(Path.cwd() / "some.npz") == request["samples"]
    assert [True, {"opset": 21}] == [request["trust"], request["options"]]


def test_keeps_what_a_framework_prints_out_of_the_answer(tmp_path: Path) -> None:
    """Printing, by Python or below it, does not break the answer."""
    made = run(tmp_path, "import os; print('{'); os.write(1, b'{}'); notes = ['whole']")

    assert "whole" == made.notes[-1]


def test_tells_a_refusal_with_its_remedy(tmp_path: Path) -> None:
    """A converter's refusal becomes an error with the source, the finding and what to do."""
    with pytest.raises(ConversionError) as caught:
        run(tmp_path, "raise Refused('found a teapot', 'bring a kettle')")

    assert f"{tmp_path}/source: mine: found a teapot: bring a kettle" == str(caught.value)


def test_tells_an_error_that_nobody_foresaw(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The type and words of any other error are told, its traceback goes to stderr."""
    with pytest.raises(ConversionError, match="mine: KeyError: 'w': the converter knows no more"):
        run(tmp_path, "print('last words'); {}['w']")

    told = capfd.readouterr().err
    assert "last words" in told
    assert "Traceback" in told


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "more processor time"),
    ],
)
def test_survives_a_framework_that_ends_the_process(tmp_path: Path, body: str, cause: str) -> None:
    """A crash is an error with its cause."""
    with pytest.raises(ConversionError, match=f"ended without an answer .{cause}"):
        run(tmp_path, body)


def test_bounds_memory(tmp_path: Path) -> None:
    """A model that wants more memory than a conversion may have is refused; nothing is killed."""
    with pytest.raises(ConversionError, match="MemoryError"):
        run(tmp_path, "notes = [len(bytearray(20 << 30))]")


def test_ends_what_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A converter that hangs is ended, and so is what it has started."""
    monkeypatch.setattr(converting, "WAIT_S", 1)
    body = f"""
    import subprocess, time
    child = subprocess.Popen(['sleep', '600'])
    open({str(tmp_path / "pid")!r}, 'w').write(str(child.pid))
    time.sleep(600)
    """

    with pytest.raises(ConversionError, match="no answer after 1 s"):
        run(tmp_path, body)

    state = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"


def test_has_no_network(tmp_path: Path) -> None:
    """Neither a host nor this machine's own ports can be reached."""
    body = """
    import socket
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", 0))
        socket.create_connection(("192.0.2.1", 80), timeout=1)
        notes = ["connected"]
    except OSError as error:
        notes = [type(error).__name__]
    """
    made = run(tmp_path, body)

    assert "connected" != made.notes[-1]


def test_refuses_sockets_where_no_namespace_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence refuses to connect and to resolve, and says that it is it."""
    shutil.copytree(converters.CHILD.parent, tmp_path / "support")
    child = tmp_path / "support" / "child.py"
    child.write_text(child.read_text("utf-8").replace("if _leave_network()", "if False"))
    monkeypatch.setattr(converters, "CHILD", child)
    body = """
    import socket
    notes = []
    connect = lambda: socket.create_connection(("127.0.0.1", 1))
    for step in (connect, lambda: socket.getaddrinfo("a", 1)):
        try:
            step()
        except PermissionError as error:
            notes.append(str(error))
    """
    made = run(tmp_path, body)

    assert "sockets of Python are refused" in made.notes[0]
    assert 3 == len(made.notes)


def test_sees_no_setting_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment variables, credentials among them, stay here; hashes do not vary."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    made = run(tmp_path, "import os; notes = [__import__('json').dumps(dict(os.environ))]")

    seen = json.loads(made.notes[-1])
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & seen.keys()
    assert "0" == seen["PYTHONHASHSEED"]


def test_refuses_a_python_that_does_not_run(tmp_path: Path) -> None:
    """An interpreter that is none is refused with an example of one."""
    with pytest.raises(ConversionError, match=r"--python .*expected an interpreter of version 3.9"):
        run(tmp_path, "notes = []", python=Path("/bin/false"))


def test_runs_the_users_own_python(tmp_path: Path) -> None:
    """The interpreter that is named runs the converter, as it is named: a virtual environment's."""
    made = run(tmp_path, "notes = [sys.executable]", python=Path(os.path.relpath(sys.executable)))

    assert os.path.realpath(sys.executable) == os.path.realpath(made.notes[-1])
