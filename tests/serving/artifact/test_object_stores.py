"""Artifacts from object stores: from real servers of each kind."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelserver import errors
from modelserver.artifact.cache import Artifact
from tests.serving import onnx_models
from tests.serving.artifact.stores import KEY, KINDS, Store, free_ports, s3
from tests.serving.artifact.wanted import CONTENT, SHA256, obtain, wanted
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start

MODEL = onnx_models.affine().SerializeToString()


@pytest.fixture(scope="module", params=list(KINDS))
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Each kind of store in turn, with the artifact in it."""
    with KINDS[request.param](tmp_path_factory.mktemp(request.param), CONTENT) as store:
        yield store


@pytest.fixture
def store(stored: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The same, and this process may read it."""
    for name, text in stored.environment.items():
        monkeypatch.setenv(name, text)
    return stored


def prefix(store: Store) -> str:
    """How the variables of a store begin."""
    return next(iter(store.environment)).partition("_")[0]


def test_object(store: Store, cache: Path) -> None:
    """What is in the bucket arrives, and is kept under its digest."""
    assert CONTENT == obtain(wanted(store.uri), cache_dir=cache, root=cache)
    assert CONTENT == (cache / "sha256" / SHA256).read_bytes()


@pytest.mark.parametrize("part", [CONTENT[:5000], CONTENT, CONTENT + b"more", b"wrong"])
def test_transfer_goes_on_where_it_stopped(store: Store, cache: Path, part: bytes) -> None:
    """Whatever an earlier transfer left, the whole artifact is there at the end."""
    (cache / "sha256").mkdir(parents=True)
    (cache / "sha256" / f"{SHA256}.partial").write_bytes(part)

    assert CONTENT == obtain(wanted(store.uri), cache_dir=cache, root=cache)


@pytest.mark.parametrize("key", ["models/none.onnx", "models/digits", "none"])
def test_missing_object(store: Store, cache: Path, key: str) -> None:
    """What is not there is named, with what the store said."""
    with pytest.raises(errors.ArtifactMissing, match=rf"{key}: found HTTP 404 Not Found"):
        obtain(wanted(store.sibling(key)), cache_dir=cache, root=cache)


def test_missing_bucket(store: Store, cache: Path) -> None:
    """A bucket that is not there, or is another's, is told as that."""
    with pytest.raises((errors.ArtifactMissing, errors.ArtifactRefused), match="found HTTP 40"):
        obtain(wanted(store.uri.replace("artifacts", "others")), cache_dir=cache, root=cache)


def test_wrong_credentials(store: Store, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not read is told so at once, and no secret is told to anybody."""
    if not store.wrong:
        pytest.skip("this server asks for no credentials")
    for name, text in store.wrong.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(errors.ArtifactRefused, match="found HTTP 403 Forbidden") as caught:
        obtain(wanted(store.uri), cache_dir=cache, root=cache)

    assert not [each for each in store.secrets if each in str(caught.value)]


def test_plain_http_has_to_be_allowed(
    store: Store, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint without TLS is refused by name, with what allows it."""
    monkeypatch.delenv(f"{prefix(store)}_ALLOW_HTTP")

    with pytest.raises(errors.ArtifactRefused, match=f"{prefix(store)}_ALLOW_HTTP=true allows it"):
        obtain(wanted(store.uri), cache_dir=cache, root=cache)


def test_endpoint_that_is_not_there(
    store: Store, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that does not answer is tried again, and its address is in the error."""
    (port,) = free_ports(1)
    monkeypatch.setattr("modelserver.artifact.cache._BACKOFF_S", 0.001)
    name = next(name for name in store.environment if name.endswith(("ENDPOINT", "_URL")))
    monkeypatch.setenv(name, f"http://127.0.0.1:{port}")

    with pytest.raises(errors.ArtifactUnreachable, match=rf":{port}/.*Connection refused"):
        obtain(wanted(store.uri), cache_dir=cache, root=cache)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket",
        "s3://bucket/",
        "s3:///model.onnx",
        "s3://key:secret@bucket/model.onnx",
        "s3://bucket/model.onnx?versionId=1",
        "gs://bucket/model.onnx#part",
        "az://container@account/model.onnx",
        "abfss://container/model.onnx",
        "s3://bucket//a/../model.onnx",
    ],
)
def test_uri_that_names_no_object(cache: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    """What is no bucket and path is refused, and credentials in it are not repeated."""
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")

    with pytest.raises(errors.ArtifactRefused) as caught:
        obtain(wanted(uri), cache_dir=cache, root=cache)

    assert "secret" not in str(caught.value)


def test_data_lake_uri(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A URI as Azure's data lake writes it names account and container itself."""
    with KINDS["az"](tmp_path, CONTENT) as store:
        for name, text in store.environment.items():
            monkeypatch.setenv(name, text)
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME")
        uri = f"abfss://artifacts@devstoreaccount1.dfs.core.windows.net/{KEY}"

        assert CONTENT == obtain(wanted(uri), cache_dir=cache, root=cache)


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_missing_extra(cache: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """A bucket without the package for it names the extra to install."""
    monkeypatch.setitem(sys.modules, "obstore", None)

    with pytest.raises(errors.ExtraMissing, match=r"modelserver\[stores\]"):
        obtain(wanted(f"{scheme}://bucket/model.onnx"), cache_dir=cache, root=cache)


def test_server_starts_from_a_bucket(tmp_path: Path, start: "Start") -> None:
    """A whole server becomes ready with a model that only the store has."""
    (tmp_path / "s3").mkdir()
    with s3(tmp_path / "s3", MODEL) as store:
        release = write_release(tmp_path, onnx_models.affine(), ARTIFACT_URI=store.uri)
        server = start(release | store.environment)
        server.until("ready")

        assert 0 == server.stop()
        assert [] == server.events("artifact-transfer-failed")


def test_size_is_known_before_anything_is_transferred(store: Store, cache: Path) -> None:
    """An object of another size is refused unread."""
    with pytest.raises(errors.ArtifactSizeWrong, match=f"found {len(CONTENT)} bytes"):
        obtain(Artifact(store.uri, SHA256, 100), cache_dir=cache, root=cache)

    assert [] == list((cache / "sha256").iterdir())
