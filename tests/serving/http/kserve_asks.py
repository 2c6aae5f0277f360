"""What the REST client of KServe's SDK gets from a server: runs in that SDK's environment.

``kserve_asks.py URL BINARY_IN BINARY_OUT`` with 0 or 1 prints, as JSON, the answer's id and the
output `y` for the rows that it reads from stdin.
"""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

MODEL = "sample"


async def ask(
    url: str, rows: np.ndarray, *, binary_in: bool, binary_out: bool
) -> dict[str, object]:
    """The answer, after the client has found server and model ready."""
    tensor = InferInput("x", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary_in)
    request = InferRequest(
        MODEL, [tensor], request_id="7", parameters={"binary_data_output": binary_out}
    )
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        ready = [
            await client.is_server_live(url),
            await client.is_server_ready(url),
            await client.is_model_ready(url, MODEL),
        ]
        answer = await client.infer(url, request, model_name=MODEL)
    return {"ready": ready, "id": answer.id, "y": answer.outputs[0].as_numpy().tolist()}


def main() -> None:
    """Ask once."""
    url, binary_in, binary_out = sys.argv[1:]
    rows = np.array(json.load(sys.stdin), np.float32)
    answer = ask(url, rows, binary_in=binary_in == "1", binary_out=binary_out == "1")
    json.dump(asyncio.run(answer), sys.stdout)


if __name__ == "__main__":
    main()
