"""Where a server listens."""

from pathlib import Path
from typing import TYPE_CHECKING

from modelserver.errors import AddressUnavailable
from tests.serving import onnx_models
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start


def test_replicas_share_a_port_where_all_of_them_ask_for_it(tmp_path: Path, start: "Start") -> None:
    """Both become ready on one port, and when one has ended the other answers alone."""
    shared = {"SHARE_PORT": "true", "DRAIN_DELAY_S": 0}
    first = start(write_release(tmp_path, onnx_models.affine(), **shared))
    port = first.until("ready") and first.until("listening")["port"]
    second = start(write_release(tmp_path, onnx_models.affine(), **shared, PORT=port))
    second.until("ready")

    assert first.stop() == 0
    assert second.client.get(f"{second.url}/v2/health/ready").status_code == 200


def test_port_is_not_shared_by_accident(tmp_path: Path, start: "Start") -> None:
    """A second server on a port that does not ask for sharing ends, and names the port."""
    first = start(write_release(tmp_path, onnx_models.affine(), SHARE_PORT="true"))
    port = first.until("listening")["port"]

    second = start(write_release(tmp_path, onnx_models.affine(), PORT=port))

    assert second.exit_code() == AddressUnavailable.exit_code
    assert str(port) in second.until("start-failed")["detail"]
