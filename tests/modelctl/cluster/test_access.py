"""The way to a cluster: what goes wrong is told in words, with what to do about it."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from modelctl.cluster import lists
from modelctl.cluster.access import connect
from modelctl.cluster.failures import ClusterError
from tests.modelctl.cluster.told_api import Answer, kubeconfig, listing, telling

NAMESPACES = [{"metadata": {"name": "argocd"}}]


def fault(kubeconfig: str, context: str | None = None) -> str:
    """What is said of a cluster that cannot be read."""
    with pytest.raises(ClusterError) as raised:
        _read(kubeconfig, context)
    return str(raised.value)


def _read(kubeconfig: str, context: str | None = None) -> lists.Live:
    access = connect(kubeconfig, context)
    try:
        return lists.live(access)
    finally:
        access.close()


def test_lists(tmp_path: Path) -> None:
    """Five lists are all that is asked, each of a whole cluster but for the Applications."""
    asked: list[str] = []

    def answer(path: str, _: dict[str, str]) -> Answer:
        asked.append(path)
        return listing(namespaces=NAMESPACES, pods=[{"metadata": {"name": "p"}}])(path, {})

    with telling(answer) as url:
        found = _read(kubeconfig(tmp_path, url))

    assert [
        "/api/v1/namespaces",
        "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications",
        "/apis/gateway.networking.k8s.io/v1/httproutes",
        "/apis/apps/v1/deployments",
        "/api/v1/pods",
    ] == asked
    assert ({"argocd"}, ["p"]) == (
        found.namespaces, [each["metadata"]["name"] for each in found.pods],
    )  # fmt: skip


def _paged(path: str, query: dict[str, str], pages: int) -> Answer:
    """One pod a page."""
    if not path.endswith("/pods"):
        return listing(namespaces=NAMESPACES)(path, query)
    page = int(query.get("continue", "0"))
    left = {"continue": str(page + 1)} if page + 1 < pages else {}
    return 200, {"items": [{"metadata": {"name": f"p{page}"}}], "metadata": left}


def test_long_lists_come_in_pages(tmp_path: Path) -> None:
    """Every page of a list is asked for."""
    with telling(lambda path, query: _paged(path, query, 3)) as url:
        found = _read(kubeconfig(tmp_path, url))

    assert ["p0", "p1", "p2"] == [each["metadata"]["name"] for each in found.pods]


def test_a_list_that_was_forgotten_is_begun_anew(tmp_path: Path) -> None:
    """A page that the cluster no longer has makes the list begin anew, and none counts twice."""
    forgotten = iter((True,))

    def answer(path: str, query: dict[str, str]) -> Answer:
        if query.get("continue") == "2" and next(forgotten, False):
            return 410, {"message": "the provided continue parameter is too old"}
        return _paged(path, query, 3)

    with telling(answer) as url:
        found = _read(kubeconfig(tmp_path, url))

    assert ["p0", "p1", "p2"] == [each["metadata"]["name"] for each in found.pods]


def test_a_list_that_is_forgotten_for_ever(tmp_path: Path) -> None:
    """A list that never comes to its end is given up."""

    def answer(path: str, query: dict[str, str]) -> Answer:
        return (410, {}) if query.get("continue") == "1" else _paged(path, query, 3)

    with telling(answer) as url:
        words = fault(kubeconfig(tmp_path, url))

    assert "found no whole list of pods in all namespaces within 30 s" in words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"message": "Unauthorized"}), "found 401 Unauthorized"),
        (
            (403, {"message": 'pods is forbidden: User "eve" cannot list'}),
            'list pods in all namespaces, expected one (pods is forbidden: User "eve" cannot list)',
        ),
        ((503, b"overloaded"), "found 503 when listing pods in all namespaces"),
        ((200, b"<html>Sign in</html>"), "found an answer that is no list of pods"),
        ((200, []), "found an answer that is no list of pods"),
    ],
)  # fmt: skip
def test_answers_that_are_no_list(tmp_path: Path, answer: Answer, words: str) -> None:
    """Each answer but a list is told with what was asked, and what to do."""
    lists_of = listing(namespaces=NAMESPACES)

    with telling(lambda p, q: answer if p.endswith("/pods") else lists_of(p, q)) as url:
        said = fault(kubeconfig(tmp_path, url))

    assert words in said
    assert f"{url} (context here)" in said


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("applications", "applications.argoproj.io: Argo CD is not installed there"),
        ("httproutes", "httproutes.gateway.networking.k8s.io: the Gateway API is not installed"),
    ],
)
def test_missing_kinds(tmp_path: Path, missing: str, words: str) -> None:
    """A kind that the API does not know is told with what brings it."""
    lists_of = listing(namespaces=NAMESPACES)
    gone = (404, {"message": "the server could not find the requested resource"})

    with telling(lambda p, q: gone if p.endswith(missing) else lists_of(p, q)) as url:
        assert words in fault(kubeconfig(tmp_path, url))


def test_everything_that_is_refused_is_told_at_once(tmp_path: Path) -> None:
    """Who lacks several rights need not ask several times."""
    with telling(lambda *_: (403, {"message": "forbidden"})) as url:
        words = fault(kubeconfig(tmp_path, url))

    assert 5 == len(words.splitlines())


def test_no_namespace_of_argo_cd(tmp_path: Path) -> None:
    """An empty list of Applications is no answer where Argo CD's namespace is missing."""
    with telling(listing()) as url:
        assert "found no namespace argocd" in fault(kubeconfig(tmp_path, url))


def test_nothing_listens(tmp_path: Path) -> None:
    """A refused connection is told as what it is, once."""
    words = fault(kubeconfig(tmp_path, "http://127.0.0.1:1"))

    assert "http://127.0.0.1:1 (context here): found no answer (Connection refused)" in words
    assert 1 == len(words.splitlines())


def test_no_such_name(tmp_path: Path) -> None:
    """A name that nobody knows is told."""
    words = fault(kubeconfig(tmp_path, "http://no-such-host.invalid"))

    assert "http://no-such-host.invalid (context here): found no answer (" in words
    assert "object at 0x" not in words


def test_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that takes the question and never answers is given up after a bound."""
    monkeypatch.setattr(lists, "_PATIENCE_S", 0.05)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        assert "found no answer (" in fault(kubeconfig(tmp_path, url))


def test_no_kubeconfig(tmp_path: Path) -> None:
    """Without a kubeconfig it is said where one was looked for."""
    words = fault(str(tmp_path / "absent"))

    assert f"found no kubeconfig at {tmp_path / 'absent'}, expected one" in words


def test_kubeconfig_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, the variable of kubectl says where."""
    with telling(listing(namespaces=NAMESPACES)) as url:
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'absent'}:{kubeconfig(tmp_path, url)}")
        access = connect(None, None)

    assert f"{url} (context here)" == str(access.place)


def test_no_such_context(tmp_path: Path) -> None:
    """A context that is not there is told with the nearest one."""
    words = fault(kubeconfig(tmp_path, "http://127.0.0.1:1"), "her")

    assert "found no context 'her'" in words
    assert "here" in words.rpartition(":")[2]


def test_no_current_context(tmp_path: Path) -> None:
    """Without a current context those to choose from are named."""
    path = Path(kubeconfig(tmp_path, "http://127.0.0.1:1"))
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "current-context": ""}))

    assert "found no current context, expected one, or --context with one of: here" in fault(
        str(path)
    )


@pytest.mark.parametrize(
    "content", ["", "[]", "a: [", "{contexts: [{}]}", "{contexts: {a: b}, current-context: c}"]
)
def test_a_broken_kubeconfig(tmp_path: Path, content: str) -> None:
    """Whatever is in the file, it is told as what is wrong."""
    path = tmp_path / "kubeconfig"
    path.write_text(content)

    assert str(path) in fault(str(path))


@pytest.mark.parametrize(
    ("name", "value"), [("clusters", []), ("clusters", [{"name": "c"}]), ("users", 3)]
)
def test_a_kubeconfig_that_lacks_something(tmp_path: Path, name: str, value: Any) -> None:  # noqa: ANN401
    """A context without its cluster is told as what is wrong with the file."""
    path = Path(kubeconfig(tmp_path, "http://127.0.0.1:1"))
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, name: value}))

    assert str(path) in fault(str(path))


def test_a_program_that_gives_no_credentials(tmp_path: Path) -> None:
    """A program for signing in that fails is told before the cluster is asked."""
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable}
    user = {"exec": {**command, "args": ["-c", "raise SystemExit(3)"], "interactiveMode": "Never"}}

    words = fault(kubeconfig(tmp_path, "http://127.0.0.1:1", **user))

    assert "found no credentials for context here" in words
