"""Real places on loopback that hold artifacts: a folder, an S3 server, an OCI registry."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modelctl.repo.kinds import Environment, Environments, Gateway, GitSource, Stores
from registries import registry
from tests.serving.artifact.stores import s3

GATEWAY = Gateway("models", "gateway", "http", "models.test")
NOWHERE = "127.0.0.1:1"  # nobody listens there
# The password is `secret-of-robot`, by bcrypt.
USERS = "robot:$2b$04$5In9/6Y.9r6cD.3w2tp//.dbJVKUmCArdPToX1QaunGkIo9vwSfM6\n"


@dataclass(frozen=True)
class Spot:
    """A store: what `store` of an environment says, and what its clients' environment has.

    `refused` is a store or variables with which nobody may write, and `words` what is said then.
    `away` is one that does not answer.
    """

    store: str
    variables: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, dict[str, str]] = ("", {})
    words: str = ""
    away: tuple[str, dict[str, str]] | None = None


@contextmanager
def share(folder: Path) -> Iterator[Spot]:
    """A folder that is there already; a file lies where another one would be."""
    (folder / "file").touch()
    refused = (f"file://{folder}/file/", dict[str, str]())
    yield Spot(f"file://{folder}/share/", refused=refused, words="Not a directory|File exists")


@contextmanager
def bucket(folder: Path) -> Iterator[Spot]:
    """SeaweedFS, with one that may write and one that may only read."""
    with s3(folder, b"first") as store:
        reads = store.environment
        writes = reads | {
            "AWS_ACCESS_KEY_ID": "writer",
            "AWS_SECRET_ACCESS_KEY": "secret-of-writer",
        }
        away = writes | {"AWS_ENDPOINT_URL": f"http://{NOWHERE}"}
        where = "s3://artifacts/store/"
        yield Spot(where, writes, (where, reads), "HTTP 403.*AWS_ variables", (where, away))


@contextmanager
def image_registry(folder: Path) -> Iterator[Spot]:
    """Debian's docker-registry, and another one that wants a password."""
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed: apt-get install docker-registry")
    users, closed = folder / "users", folder / "closed"
    users.write_text(USERS)
    closed.mkdir()
    auth = f"auth: {{htpasswd: {{realm: r, path: {users}}}}}\n"
    with registry(folder, folder / "data") as address, registry(closed, closed, auth) as locked:
        refused = (f"oci://{locked}/models", dict[str, str]())
        away = (f"oci://{NOWHERE}/models", dict[str, str]())
        yield Spot(f"oci://{address}/models", {}, refused, "docker login", away)


KINDS = {"share": share, "s3": bucket, "oci": image_registry}


def environment(name: str, store: str | None, variables: dict[str, str]) -> Environment:
    """An environment that reads from a store."""
    return Environment(name, "argocd", "v2", GATEWAY, {}, Stores(variables), store=store)


def environments(*ordered: Environment) -> Environments:
    """Environments in an order."""
    return Environments(GitSource("", ""), ordered)
