"""The messages of the gRPC services, as classes of protobuf's upb.

Importing this costs some 25 ms and a few MB, so nothing does before the first gRPC call. The
classes live in a pool of their own: another copy of the protocol in the process does no harm.
"""

import base64
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from modelserver.codec.protobuf import descriptors

__all__ = ["DecodeError"]

_POOL = DescriptorPool()
for _file in descriptors.BASE64:
    _POOL.AddSerializedFile(base64.b64decode(_file))


def _message(name: str) -> Any:  # noqa: ANN401 - protobuf makes classes at run time
    return GetMessageClass(_POOL.FindMessageTypeByName(name))


HealthCheckRequest = _message("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse = _message("grpc.health.v1.HealthCheckResponse")
ModelInferRequest = _message("inference.ModelInferRequest")
ModelInferResponse = _message("inference.ModelInferResponse")
ModelMetadataRequest = _message("inference.ModelMetadataRequest")
ModelMetadataResponse = _message("inference.ModelMetadataResponse")
ModelReadyRequest = _message("inference.ModelReadyRequest")
ModelReadyResponse = _message("inference.ModelReadyResponse")
ServerLiveRequest = _message("inference.ServerLiveRequest")
ServerLiveResponse = _message("inference.ServerLiveResponse")
ServerMetadataRequest = _message("inference.ServerMetadataRequest")
ServerMetadataResponse = _message("inference.ServerMetadataResponse")
ServerReadyRequest = _message("inference.ServerReadyRequest")
ServerReadyResponse = _message("inference.ServerReadyResponse")
TensorContents = _message("inference.InferTensorContents")
