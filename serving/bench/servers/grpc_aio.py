"""The V2 service's ModelInfer on grpc.aio, as its documentation writes a server.

The handler is `async` and runs the model itself, since a thread for each call is slower.
"""

import asyncio
from typing import Any

import grpc
import numpy as np

from modelserver.codec.protobuf import messages
from serving.bench.servers import settings
from serving.bench.servers.model import Model

METHOD = "ModelInfer"
SERVICE = "inference.GRPCInferenceService"


async def serve(port: int) -> None:
    """Answer until the process ends."""
    model = Model(settings.PATH)

    async def infer(request: Any, _context: Any) -> Any:  # noqa: ANN401 - messages
        (tensor,) = request.inputs
        rows = np.frombuffer(request.raw_input_contents[0], np.float32).reshape(*tensor.shape)
        found = model.run(rows)
        answer = messages.ModelInferResponse(model_name=request.model_name, id=request.id)
        answer.outputs.add(name="y", datatype="FP32", shape=found.shape)
        answer.raw_output_contents.append(found.tobytes())
        return answer

    handler = grpc.unary_unary_rpc_method_handler(
        infer,
        messages.ModelInferRequest.FromString,
        messages.ModelInferResponse.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(settings.PORT))
