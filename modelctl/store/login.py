"""How a registry lets a client in: not asked, by user and password, or by a token for them.

Source: CNCF distribution ("Token authentication"); Docker's config.json, whose key `auths` has
users and passwords.
"""

import base64
import json
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from modelctl.errors import StoreError
from modelctl.store import web

NONE = "none"  # a registry that asks nobody
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_CONFIG_FILES = ("config.json", ".dockerconfigjson")  # Docker's name, and a Kubernetes Secret's
_TOKEN_BYTES = 1 << 20


def authorization(base: str, registry: str, scope: str, uri: str) -> str:
    """The header that lets a client in for a scope; `NONE` where none is asked for.

    Raises:
        StoreError: The registry does not answer, or wants credentials that are not there.
    """
    with web.sent("GET", base, {}) as answer:
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return NONE
        challenge = answer.headers.get("WWW-Authenticate", "")
    basic = _basic(registry, uri)
    kind, _, rest = challenge.partition(" ")
    asked = dict(_CHALLENGE.findall(rest))
    if kind.lower() == "basic" and basic:
        return basic
    if kind.lower() != "bearer" or "realm" not in asked:
        raise StoreError(
            f"{uri}: the registry wants credentials, found none for {registry}: "
            f"`docker login {registry}` or `oras login {registry}` stores them"
        )
    return _token(asked, scope, basic)


def _token(asked: Mapping[str, str], scope: str, basic: str | None) -> str:
    query = urlencode({"service": asked.get("service", ""), "scope": scope})
    realm = asked["realm"]
    url = f"{realm}{'&' if urlsplit(realm).query else '?'}{query}"
    with web.sent("GET", url, {"Authorization": basic} if basic else {}) as answer:
        if answer.status != HTTPStatus.OK:
            raise web.refused(answer, url)
        try:
            found: Any = json.loads(answer.read(_TOKEN_BYTES))
            return f"Bearer {found.get('token') or found['access_token']}"
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise StoreError(f"{realm}: found no token; check the registry") from error


def _basic(registry: str, uri: str) -> str | None:
    """The header with user and password for a registry, from Docker's configuration."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())
    for path in (folder / name for name in _CONFIG_FILES):
        try:
            entries = json.loads(path.read_bytes()).get("auths", {})
            return _pair({_host(key): entry for key, entry in entries.items()}.get(registry, {}))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise StoreError(f"{uri}: {path} is not Docker's configuration: {error}") from error
    return None


def _host(key: str) -> str:
    return re.sub(r"^https?://", "", key).partition("/")[0]


def _pair(entry: Mapping[str, str]) -> str | None:
    auth = entry.get("auth")
    if not auth and entry.get("username"):
        pair = f"{entry['username']}:{entry.get('password', '')}"
        auth = base64.b64encode(pair.encode()).decode()
    return f"Basic {auth}" if auth else None
