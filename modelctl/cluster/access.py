"""The API of the cluster behind a context of a kubeconfig; nothing here can change anything.

The one module that needs the `kubernetes` package. Answers are taken as the JSON that they are:
typed values of every kind would cost several times as long to make as to read.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import yaml
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import ConfigException, load_kube_config
from kubernetes.config.kube_config import KubeConfigMerger
from urllib3.exceptions import HTTPError

from modelctl.cluster.failures import Asked, ClusterError, Place, no_list, refused, silent
from modelctl.nearest import hint

Json = Mapping[str, Any]

_CONNECT_S = 5.0  # a cluster that is there takes a connection within a second, over any network
_DEFAULT = "~/.kube/config"
_VARIABLE = "KUBECONFIG"
# What a kubeconfig that was written by hand may do to whoever reads it.
_BROKEN = (
    ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """A way to read from one cluster."""

    place: Place
    client: ApiClient

    def page(
        self, path: str, query: Mapping[str, str], asked: Asked, *, accept: str, patience_s: float
    ) -> Json | None:
        """One page of a list; None where the place in the list to go on from is known no more.

        Raises:
            ClusterError: The cluster does not answer, or refuses.
        """
        status, body = self._get(path, query, accept, patience_s)
        if status == HTTPStatus.GONE:
            return None
        if status != HTTPStatus.OK:
            raise refused(self.place, asked, status, body)
        try:
            found = json.loads(body)
        except ValueError as error:
            raise no_list(self.place, asked, body) from error
        if not isinstance(found, dict) or not isinstance(found.get("items", []), list):
            raise no_list(self.place, asked, body)
        return found

    def _get(
        self, path: str, query: Mapping[str, str], accept: str, patience_s: float
    ) -> tuple[int, bytes]:
        try:
            request = self.client.param_serialize(
                "GET",
                path,
                query_params=list(query.items()),
                header_params={"Accept": accept},
                auth_settings=["BearerToken"],
            )
            answer = self.client.call_api(*request, _request_timeout=(_CONNECT_S, patience_s))
            return int(answer.status), bytes(answer.read())
        except (HTTPError, ApiException, OSError) as error:
            raise silent(self.place, error) from error

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def connect(kubeconfig: str | None, context: str | None) -> Access:
    """The way to the cluster of a context, which is the current one unless it is named.

    Raises:
        ClusterError: There is no such kubeconfig or context, or it cannot be read.
    """
    places = kubeconfig or os.environ.get(_VARIABLE) or _DEFAULT
    chosen = _chosen(places, context)
    configuration = Configuration()
    configuration.retries = False  # whoever asks wants to know now, and why
    try:
        with _heard() as said:
            load_kube_config(places, chosen, client_configuration=configuration)
    except _BROKEN as error:
        raise _unreadable(places, error) from error
    if said:
        raise ClusterError(
            f"{places}: found no credentials for context {chosen} ({'; '.join(said)}), expected "
            "some from the program that its user names: is it installed here, and signed in?"
        )
    return Access(Place(str(configuration.host), chosen), ApiClient(configuration))


def _chosen(places: str, context: str | None) -> str:
    """The name of the context that is meant, once it is sure to be there."""
    try:
        merged = KubeConfigMerger(places).config
        names = [each.value["name"] for each in merged.value["contexts"]] if merged else []
        chosen = context or (merged.value.get("current-context") if merged else "")
    except _BROKEN as error:
        raise _unreadable(places, error) from error
    if merged is None:
        raise ClusterError(
            f"found no kubeconfig at {places}, expected one with a context for the cluster: name "
            f"it with --kubeconfig or {_VARIABLE}; a control plane has /etc/kubernetes/admin.conf"
        )
    if not chosen:
        raise ClusterError(
            f"{places}: found no current context, expected one, or --context with one of: "
            f"{', '.join(names) or 'none is there'}"
        )
    if chosen not in names:
        raise ClusterError(
            f"{places}: found no context {chosen!r}, expected one that is there: "
            f"{hint(str(chosen), names) if names else 'it has none'}"
        )
    return str(chosen)


def _unreadable(places: str, error: Exception) -> ClusterError:
    words = " ".join(str(error).split()) or type(error).__name__
    return ClusterError(
        f"{places}: found something that cannot be used as a kubeconfig ({words}), expected one "
        "as `kubectl config view` shows it: correct it, or fetch it anew"
    )


class _Heard(logging.Handler):
    """Keeps what is logged: that is how the package says that it has no credentials."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    said: list[str] = []
    handler = _Heard(said)
    logging.getLogger().addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger().removeHandler(handler)
