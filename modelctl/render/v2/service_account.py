"""The ServiceAccount that a model's pods run as."""

from typing import Any

from modelctl.render.v2 import metadata
from modelctl.repo.kinds import Model


def service_account(model: Model) -> dict[str, Any]:
    """An identity of the model's own, without a token: no server calls the Kubernetes API."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata.model_metadata(model, component="server"),
        "automountServiceAccountToken": False,
    }
