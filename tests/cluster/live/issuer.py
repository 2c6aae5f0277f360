"""An issuer of tokens on this machine: a key, tokens signed with it, and where its key is read."""

import base64
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "https://login.example.test"
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")  # where Envoy looks for authorities
_KEY_ID = "key-1"
_EVER = 4102444800  # the year 2100


@dataclass(frozen=True, slots=True)
class Issuer:
    """Its folder has the key; `jwks_uri` is where a gateway reads the public part."""

    folder: Path
    jwks_uri: str

    def token(self, **claims: Any) -> str:  # noqa: ANN401 - whatever a claim may hold
        """A signed token; claims replace those of a caller who is let in."""
        said = {"iss": NAME, "aud": "linear", "sub": "shop", "exp": _EVER} | claims
        head = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (head, said))
        signature = _openssl("dgst", "-sha256", "-sign", self._key, stdin=signed.encode())
        return f"{signed}.{_encoded(signature)}"

    @property
    def _key(self) -> str:
        return str(self.folder / "key.pem")


@contextmanager
def issuing(folder: Path) -> Iterator[Issuer]:
    """An issuer that answers over TLS, with a certificate that Envoy trusts meanwhile.

    The list of authorities is covered by another one, in this private file system alone.
    """
    key, certificate = str(folder / "key.pem"), str(folder / "tls.pem")
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate),
    )
    subprocess.run(["mount", "--bind", certificate, _TRUSTED], check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _answering(_keys(key)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Issuer(folder, f"https://localhost:{server.server_port}/keys")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        subprocess.run(["umount", _TRUSTED], check=True)


def _keys(key: str) -> bytes:
    """The public key as a JSON Web Key Set (RFC 7517)."""
    printed = _openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip()
    modulus = bytes.fromhex(printed.partition("=")[2])
    exponent = (65537).to_bytes(3, "big")
    public = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY_ID}
    public |= {"n": _encoded(modulus), "e": _encoded(exponent)}
    return json.dumps({"keys": [public]}).encode()


def _answering(content: bytes) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _openssl(*words: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=stdin, check=True, capture_output=True).stdout
