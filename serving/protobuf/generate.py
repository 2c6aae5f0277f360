"""Compile the protos beside this file into the module that the model server reads them from.

`python -m serving.protobuf.generate`, which is `make protobuf`. The result is committed, so that
neither a server nor an image needs the compiler; a test holds it to the protos.
"""

import base64
import hashlib
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

FOLDER = Path(__file__).parent
PROTOS = ("health.proto", "open_inference.proto")
GENERATED = FOLDER.parent / "modelserver" / "codec" / "protobuf" / "descriptors.py"
_COLUMNS = 88  # of the encoded text: a line has no more than 100 with what stands around it


def compiled() -> dict[str, bytes]:
    """By name each proto as a serialized FileDescriptorProto, without its comments."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "set.binpb")
        command = ["protoc", f"--proto_path={FOLDER}", f"--descriptor_set_out={made}", *PROTOS]
        if protoc.main(command) != 0:
            raise SystemExit("protoc failed; its message stands above")
        files = FileDescriptorSet.FromString(made.read_bytes()).file
    return {file.name: file.SerializeToString(deterministic=True) for file in files}


def digest() -> str:
    """The sha256 of the protos, one after the other."""
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in PROTOS)).hexdigest()


def module(descriptors: Mapping[str, bytes]) -> str:
    """The text of the module that holds the descriptors."""
    return "\n".join(
        (
            '"""Descriptors of the messages: made by `make protobuf` from `serving/protobuf`."""',
            "",
            f'SHA256 = "{digest()}"',
            '"""Of the protos that they were made from."""',
            "",
            "BASE64 = (",
            *(line for each in descriptors.values() for line in _lines(each)),
            ")",
            '"""Each proto as a serialized FileDescriptorProto."""',
            "",
        )
    )


def _lines(content: bytes) -> list[str]:
    parts = textwrap.wrap(base64.b64encode(content).decode(), _COLUMNS)
    return ["    (", *(f'        "{part}"' for part in parts), "    ),"]


if __name__ == "__main__":
    GENERATED.write_text(module(compiled()), encoding="utf-8")
