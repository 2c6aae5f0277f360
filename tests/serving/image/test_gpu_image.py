"""The image for NVIDIA GPUs, as far as a machine without one can tell."""

import re
import subprocess
from pathlib import Path

import pytest

PACKAGES = "opt/modelserver"
PROVIDER = f"/{PACKAGES}/onnxruntime/capi/libonnxruntime_providers_cuda.so"
DRIVER = "libcuda.so.1"

# Runs inside the image, where the loader then lists what the provider needs instead of running it.
LIST = """
import os, sys
loader, provider, folders = sys.argv[1:]
search = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_LIBRARY_PATH": folders}
os.execve(loader, [loader, provider], search)
"""


def test_image_for_gpus_lacks_nothing_but_the_driver(root: Path) -> None:
    """Every library that ONNX Runtime's CUDA provider is linked with is in the image."""
    if not (root / PROVIDER[1:]).exists():
        pytest.skip("this image has no CUDA: make image REQUIREMENTS=requirements-gpu.lock")
    libraries = (root / PACKAGES / "nvidia").rglob("*.so*")
    folders = {f"/{library.parent.relative_to(root)}" for library in libraries}
    loader = "/lib64/ld-linux-x86-64.so.2"
    listed = subprocess.run(
        ["chroot", root, "/usr/bin/python3", "-c", LIST, loader, PROVIDER, ":".join(folders)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert "libcublas.so" in listed
    assert [DRIVER] == re.findall(r"(\S+) => not found", listed)
