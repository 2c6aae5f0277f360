"""Files of releases to real stores and back: whole, verified, once, and with words for faults."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelctl.errors import StoreError
from modelctl.repo.kinds import Environment
from modelctl.store import folder
from modelctl.store.delivery import Delivery
from modelctl.store.needs import Need
from modelctl.store.places import place_of, settings
from modelctl.store.transfer import Held
from modelserver.artifact import sources
from scratch import git
from tests.modelctl.store.spots import KINDS, Spot, environment, environments

# Larger than a part of an upload in parts, and no multiple of anything.
CONTENT = os.urandom(9_000_011)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NEED = Need("m", "r1", "artifact", f"store:///{SHA256}.onnx", SHA256, len(CONTENT))


@pytest.fixture(scope="module", params=KINDS)
def spot(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spot]:
    """A real store of each kind, for all tests of the module."""
    with KINDS[request.param](tmp_path_factory.mktemp(request.param)) as spot:
        yield spot


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own accounts."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-login"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose store has the file."""
    root = tmp_path / "root"
    git(tmp_path, "init", "--quiet", str(root))
    folder.put(root, CONTENT)
    return root


def fresh(content: bytes) -> Need:
    """A need that no other test has."""
    sha256 = hashlib.sha256(content).hexdigest()
    return Need("m", "r1", "artifact", f"store:///{sha256}.onnx", sha256, len(content))


def delivery(root: Path, *ordered: Environment) -> Delivery:
    """Deliveries between environments, without anybody watching."""
    return Delivery(root, environments(*ordered), lambda _what, _bytes: lambda _passed: None)


def test_a_model_server_reads_what_was_pushed(spot: Spot, root: Path, tmp_path: Path) -> None:
    """What is pushed is where the environment's own servers find it, to the byte, uploaded once."""
    prod = environment("prod", spot.store, spot.variables)
    deliver = delivery(root, prod)

    first = deliver.push(NEED, prod)
    again = deliver.push(NEED, prod)

    assert ("uploaded", "is there") == (first, again)
    uri = NEED.place_in(prod)
    with (
        settings(spot.variables),
        sources.open_stream(uri, root=tmp_path, offset=0, sha256=SHA256) as stream,
    ):
        assert CONTENT == b"".join(iter(lambda: stream.read(1 << 20), b""))


def test_a_pull_brings_it_to_another_machine(spot: Spot, root: Path, tmp_path: Path) -> None:
    """What one machine pushed another one pulls into its own store, once."""
    prod = environment("prod", spot.store, spot.variables)
    delivery(root, prod).push(NEED, prod)
    git(tmp_path, "init", "--quiet", "other")
    other = delivery(tmp_path / "other", prod)

    first = other.pull(NEED, (prod,))
    again = other.pull(NEED, (prod,))

    assert ("brought from prod", "is there") == (first, again)
    stored = folder.path(tmp_path / "other", SHA256)
    assert stored is not None
    assert CONTENT == stored.read_bytes()


def test_a_push_takes_it_from_another_environment(spot: Spot, tmp_path: Path) -> None:
    """What is not on this machine comes from where another environment reads it."""
    need = fresh(b"only staging has it")
    staging = environment("staging", f"file://{tmp_path}/staging/", {})
    prod = environment("prod", spot.store, spot.variables)
    place_of(need.place_in(staging), need.sha256).write(iter([b"only staging has it"]), 19)
    git(tmp_path, "init", "--quiet", "empty")
    deliver = delivery(tmp_path / "empty", staging, prod)

    assert "uploaded" == deliver.push(need, prod)
    assert Held.RIGHT is deliver.held(need, prod)


@pytest.mark.parametrize("wrong", [b"wrong bytes", b"right byteS"])
def test_other_bytes_at_the_place_are_replaced(spot: Spot, root: Path, wrong: bytes) -> None:
    """A damaged file under a digest is found by its bytes, and put right."""
    content = b"right bytes" + wrong
    need, other = fresh(content), wrong + b"right bytes"
    folder.put(root, content)
    prod = environment("prod", spot.store, spot.variables)
    with settings(spot.variables):
        sha256 = hashlib.sha256(other).hexdigest()  # a registry refuses to lie about a layer
        place_of(need.place_in(prod), sha256).write(iter([other]), len(other))
    deliver = delivery(root, prod)

    assert Held.OTHER is deliver.held(need, prod)
    assert "replaced what was damaged" == deliver.push(need, prod)
    assert Held.RIGHT is deliver.held(need, prod)


def test_half_an_upload_is_not_there(spot: Spot, root: Path) -> None:
    """A source that ends early, or is damaged, leaves nothing at the place."""
    content = os.urandom(9_000_013)
    need = fresh(content)
    stored = folder.of(root) / need.sha256
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    prod = environment("prod", spot.store, spot.variables)
    deliver = delivery(root, prod)

    with pytest.raises(StoreError, match=f"{need.sha256}: found SHA-256 .* expected"):
        deliver.push(need, prod)

    assert Held.MISSING is deliver.held(need, prod)


def test_who_may_not_write_hears_it(spot: Spot, root: Path) -> None:
    """No permission is said in words, with what to do and no secret."""
    content = f"refused {spot.store}".encode()
    folder.put(root, content)
    prod = environment("prod", *spot.refused)

    with pytest.raises(StoreError, match=spot.words) as raised:
        delivery(root, prod).push(fresh(content), prod)

    assert "secret-of" not in str(raised.value)


def test_no_network_is_said(spot: Spot, root: Path) -> None:
    """A store that does not answer is named, with what to look at."""
    if spot.away is None:
        pytest.skip("a folder needs no network")
    prod = environment("prod", *spot.away)

    with pytest.raises(StoreError, match=r"check the (address and the network|endpoint)"):
        delivery(root, prod).push(NEED, prod)


def test_what_is_nowhere_is_said(spot: Spot, root: Path) -> None:
    """A file that no store has is named with every place where it was looked for."""
    need = fresh(b"nobody has it")
    prod = environment("prod", spot.store, spot.variables)
    local = environment("local", None, {})

    with pytest.raises(StoreError, match="m r1 model: found it nowhere"):
        delivery(root, local, prod).push(need, prod)
    with pytest.raises(StoreError, match=f"{need.place_in(prod)}: found no such file"):
        delivery(root, prod).pull(need, (prod,))


def test_bytes_of_another_release_are_not_replaced(root: Path, tmp_path: Path) -> None:
    """Under an address that is no digest other bytes may be somebody's: they stay."""
    (tmp_path / "r1.onnx").write_bytes(b"another release")
    need = Need("m", "r1", "artifact", f"file://{tmp_path}/r1.onnx", SHA256, len(CONTENT))
    prod = environment("prod", None, {})

    with pytest.raises(StoreError, match=r"found other bytes at .* a place of its own"):
        delivery(root, prod).push(need, prod)

    assert b"another release" == (tmp_path / "r1.onnx").read_bytes()


def test_a_web_server_takes_no_uploads() -> None:
    """Where a store can only be read, a push says so before anything is sent."""
    with pytest.raises(StoreError, match="a web server takes no uploads"):
        place_of("https://models.test/m.onnx", SHA256).write(iter([b"x"]), 1)


def test_variables_of_an_environment_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment's settings hold as long as it is asked; those of the shell win."""
    monkeypatch.setenv("AWS_REGION", "of-the-shell")

    with settings({"AWS_REGION": "of-the-environment", "AWS_ENDPOINT_URL": "https://s3.test"}):
        assert "of-the-shell" == os.environ["AWS_REGION"]
        assert "https://s3.test" == os.environ["AWS_ENDPOINT_URL"]

    assert "AWS_ENDPOINT_URL" not in os.environ
