"""A client that nobody here wrote gets the numbers that ONNX Runtime gives."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelserver.tensor.datatypes import DATATYPES
from tests.serving import onnx_models
from tests.serving.asking import expected
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serving.conftest import Server, Start

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:tritonclient"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:geventhttpclient"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gevent"),
]

ROWS = np.array([[0.1, -0.2, 0.3, 4.0], [5, 6, 7, 8]], np.float32)


@pytest.fixture
def triton() -> Any:  # noqa: ANN401 - the package has no types
    """The client package; imported late, as it warns while it is imported."""
    return pytest.importorskip("tritonclient.http")


@pytest.fixture
def client(triton: Any, affine_server: "Server") -> Iterator[Any]:  # noqa: ANN401
    """A client of the shared server."""
    one = triton.InferenceServerClient(affine_server.url.removeprefix("http://"))
    yield one
    one.close()


@pytest.mark.parametrize("binary_in", [False, True])
@pytest.mark.parametrize("binary_out", [False, True, None])
def test_numbers_are_those_of_onnx_runtime(
    triton: Any,  # noqa: ANN401
    client: Any,  # noqa: ANN401
    binary_in: bool,  # noqa: FBT001
    binary_out: bool | None,  # noqa: FBT001
) -> None:
    """JSON or binary, either way, with outputs named or not."""
    tensor = triton.InferInput("x", [2, 4], "FP32")
    tensor.set_data_from_numpy(ROWS, binary_data=binary_in)
    outputs = None
    if binary_out is not None:
        outputs = [triton.InferRequestedOutput("y", binary_data=binary_out)]

    answer = client.infer("sample", [tensor], outputs=outputs, request_id="7")

    assert answer.get_response()["id"] == "7"
    assert np.allclose(answer.as_numpy("y"), expected(ROWS.tolist()), rtol=1e-6)


def test_client_understands_everything_else(client: Any) -> None:  # noqa: ANN401
    """Health, metadata and errors."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("sample")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "modelserver"
    assert client.get_model_metadata("sample")["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": [-1, 4]}
    ]


def test_error_reaches_the_client(triton: Any, client: Any) -> None:  # noqa: ANN401
    """A refused request raises the client's own error with our words."""
    tensor = triton.InferInput("x", [1, 4], "FP64")
    tensor.set_data_from_numpy(np.zeros((1, 4)), binary_data=False)

    with pytest.raises(Exception, match=r"inputs\[0\]\.datatype: found 'FP64', expected FP32"):
        client.infer("sample", [tensor])


def test_nan_arrives_as_nan(triton: Any, tmp_path: "Path", start: "Start") -> None:  # noqa: ANN401
    """null, which stands for NaN in JSON, is NaN again for the client."""
    server = start(write_release(tmp_path, onnx_models.logarithm()))
    server.until("ready")
    one = triton.InferenceServerClient(server.url.removeprefix("http://"))
    tensor = triton.InferInput("x", [1, 2], "FP32")
    tensor.set_data_from_numpy(np.array([[-1, 1]], np.float32), binary_data=False)
    wanted = [triton.InferRequestedOutput("y", binary_data=False)]

    found = one.infer("sample", [tensor], outputs=wanted).as_numpy("y")
    one.close()

    assert np.isnan(found[0, 0])
    assert found[0, 1] == 0


@pytest.mark.parametrize("datatype", ["INT64", "BOOL", "BYTES", "FP16"])
def test_other_datatypes(
    triton: Any,  # noqa: ANN401
    tmp_path: "Path",
    start: "Start",
    datatype: str,
) -> None:
    """What is not FP32 comes back as it went as well, as binary, which every datatype allows."""
    server = start(write_release(tmp_path, onnx_models.identity(datatype)))
    server.until("ready")
    one = triton.InferenceServerClient(server.url.removeprefix("http://"))
    values = [["é", ""]] if datatype == "BYTES" else [[1, 0]]
    array = np.array(values, object if datatype == "BYTES" else DATATYPES[datatype].dtype)
    tensor = triton.InferInput("x", [1, 2], datatype)
    tensor.set_data_from_numpy(array)

    found = one.infer("sample", [tensor]).as_numpy("y")
    one.close()

    if datatype == "BYTES":
        found = np.array([[value.decode() for value in row] for row in found], object)
    assert np.array_equal(found, array)
