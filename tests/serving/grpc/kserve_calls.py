"""What the gRPC client of KServe's SDK gets through Envoy: runs in that SDK's environment.

``kserve_calls.py ADDRESS BINARY`` with 0 or 1 prints, as JSON, the answer's id and the output `y`
for the rows that it reads from stdin; and what it is told of a datatype that is wrong.
"""

import asyncio
import json
import sys

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest

MODEL = "sample"
HEADERS = (("x-model-name", MODEL),)


def request(rows: np.ndarray, datatype: str, *, binary: bool) -> InferRequest:
    """A request for the output of these rows."""
    tensor = InferInput("x", list(rows.shape), datatype)
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest(MODEL, [tensor], request_id="7")


async def ask(address: str, rows: np.ndarray, *, binary: bool) -> dict[str, object]:
    """The answer, after the client has found server and model ready."""
    async with InferenceGRPCClient(address) as client:
        ready = [
            await client.is_server_live(headers=HEADERS),
            await client.is_server_ready(headers=HEADERS),
            await client.is_model_ready(MODEL, headers=HEADERS),
        ]
        answer = await client.infer(request(rows, "FP32", binary=binary), headers=HEADERS)
        try:
            wrong = request(rows.astype(np.float64), "FP64", binary=binary)
            await client.infer(wrong, headers=HEADERS)
        except grpc.RpcError as error:
            refusal = [error.code().name, error.details()]
    return {
        "ready": ready,
        "id": answer.id,
        "y": answer.outputs[0].as_numpy().tolist(),
        "refusal": refusal,
    }


def main() -> None:
    """Ask once."""
    address, binary = sys.argv[1:]
    rows = np.array(json.load(sys.stdin), np.float32)
    json.dump(asyncio.run(ask(address, rows, binary=binary == "1")), sys.stdout)


if __name__ == "__main__":
    main()
