"""FastAPI with a pydantic body and a nested list, as a first tutorial writes it.

The handler is `async` although ONNX Runtime blocks: with a thread for each request it is slower.
"""

from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from serving.bench.servers import settings
from serving.bench.servers.model import Model

app = FastAPI()
model = Model(settings.PATH)


class Rows(BaseModel):
    """Rows of input as nested lists."""

    data: list[Any]


@app.post("/predict")
async def predict(rows: Rows) -> dict[str, Any]:
    """Rows of output as nested lists."""
    return {"outputs": model.run(np.asarray(rows.data, np.float32)).tolist()}
