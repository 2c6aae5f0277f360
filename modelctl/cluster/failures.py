"""Why a cluster could not be read, in words: found, expected, where, and what to do. Pure."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from modelctl.errors import ModelctlError

ROLE = "modelctl-status"  # the ClusterRole that may read all that is asked for
PAGE = "docs/how-to/on-call.md"

# Whose objects are missing where the API knows a group not, and what brings them.
_BRINGS = {
    "argoproj.io": "Argo CD is not installed there: `playbooks/argocd.yml` installs it",
    "gateway.networking.k8s.io": "the Gateway API is not installed there: an Application of "
    "argocd/platform/ brings it, `kubectl -n argocd get applications` shows how far it is",
}


class ClusterError(ModelctlError):
    """A cluster could not be read; what runs there is not known."""


class UnansweredError(ClusterError):
    """A cluster answers nothing, or not to whoever asks: there is no use in asking for more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which cluster is asked, and by what: its URL and the context of a kubeconfig."""

    server: str
    context: str

    def __str__(self) -> str:
        return f"{self.server} (context {self.context})"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: a resource of a group, in one namespace or in all (empty)."""

    group: str
    resource: str
    namespace: str = ""

    def __str__(self) -> str:
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{name} in {self.where}"

    @property
    def where(self) -> str:
        """The namespaces that are meant, in words."""
        return f"namespace {self.namespace}" if self.namespace else "all namespaces"


def refused(place: Place, asked: Asked, status: int, body: bytes) -> ClusterError:
    """The error for an answer that is none of success."""
    said = _said(body)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return UnansweredError(
                f"{place}: found 401 Unauthorized, expected that the cluster knows who asks: the "
                f"credentials of context {place.context} have expired or are of another cluster; "
                f"sign in again, `kubectl --context {place.context} auth whoami` tries them"
            )
        case HTTPStatus.FORBIDDEN:
            words = (
                f"{place}: found no right to list {asked}, expected one ({said}): the ClusterRole "
                f"{ROLE} of {PAGE} gives it, with a ClusterRoleBinding to whoever asks"
            )
        case HTTPStatus.NOT_FOUND:
            words = _missing(place, asked)
        case _:
            words = (
                f"{place}: found {status} when listing {asked}, expected a list ({said}): the API "
                f"server is not well; `kubectl --context {place.context} get --raw '/readyz?"
                "verbose'` says what ails it"
            )
    return ClusterError(words)


def _missing(place: Place, asked: Asked) -> str:
    brings = _BRINGS.get(asked.group, f"no API serves {asked.resource} there")
    return (
        f"{place}: found no kind for {asked.resource}, expected the custom resource definition "
        f"{asked.resource}.{asked.group}: {brings}; or the context leads to another cluster"
    )


def _said(body: bytes) -> str:
    """The API server's own words in an answer, or how it begins."""
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if isinstance(value, Mapping) and isinstance(value.get("message"), str):
        return str(value["message"])
    return f"it says {body[:80].decode(errors='replace')!r}" if body else "it says nothing"


def no_list(place: Place, asked: Asked, body: bytes) -> ClusterError:
    """The error for a success that holds no list: whatever answers is no API server."""
    return ClusterError(
        f"{place}: found an answer that is no list of {asked} ({_said(body)}), expected the JSON "
        "of a Kubernetes API: a proxy or a page to sign in answers there, or the address of the "
        "cluster in the kubeconfig is another program's"
    )


def silent(place: Place, error: Exception) -> ClusterError:
    """The error for a cluster that does not answer, or whose certificate is not trusted."""
    words = _deepest(error)
    if _is_about_trust(error):
        return UnansweredError(
            f"{place}: its certificate is not trusted ({words}), expected one that "
            f"`certificate-authority-data` of its cluster in the kubeconfig has signed: the "
            "cluster was made anew, or something else answers there; fetch the kubeconfig again "
            "from a control plane (/etc/kubernetes/admin.conf)"
        )
    return UnansweredError(
        f"{place}: found no answer ({words}), expected the cluster's API: is it up, and reachable "
        f"from here (VPN, proxy, firewall)? `kubectl --context {place.context} get --raw /readyz` "
        "tries the same"
    )


def late(place: Place, asked: Asked, patience_s: float) -> ClusterError:
    """The error for a cluster that answers, and so slowly that it is given up."""
    return UnansweredError(
        f"{place}: found no whole list of {asked} within {patience_s:.0f} s, expected all lists "
        "by then: the API server or the way to it is slow; try again, or ask from nearer"
    )


def other_environment(place: Place, environment: str, others: Mapping[str, int]) -> ClusterError:
    """The error for a cluster whose Applications are all of other environments."""
    found = ", ".join(f"{count} of {name}" for name, count in sorted(others.items()))
    return ClusterError(
        f"{place}: found Applications of other environments alone ({found}), expected those of "
        f"{environment}: the context leads to another cluster; --context chooses, "
        "`kubectl config get-contexts` lists them"
    )


def no_namespace(place: Place, namespace: str) -> ClusterError:
    """The error for a cluster without the namespace of Argo CD."""
    return ClusterError(
        f"{place}: found no namespace {namespace}, expected it with Argo CD's Applications: "
        "Argo CD is not installed there (`playbooks/argocd.yml` does it), or the context leads to "
        "another cluster"
    )


def _is_about_trust(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _deepest(error: Exception) -> str:
    """The words of the first cause that says something, without objects' addresses in them."""
    found: list[str] = []
    each: BaseException | None = error
    while each is not None:
        text: Any = getattr(each, "reason", None) or getattr(each, "strerror", None) or str(each)
        words = str(text).rpartition(": ")[2] if "object at 0x" in str(text) else str(text)
        found.append(" ".join(words.split()))
        each = each.__cause__ or each.__context__
    return next((words for words in reversed(found) if words), type(error).__name__)
