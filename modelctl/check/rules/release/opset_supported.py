"""The pinned ONNX Runtime knows every operator set that a release needs.

## What it does
Compares `graph.ir_version` and `graph.opsets` of each release with what the ONNX Runtime of the
model server loads: IR version up to 13, `ai.onnx` from 7 to 26, `ai.onnx.ml` up to 5,
`com.microsoft` 1. A domain that it does not know holds custom operators, which are code.

## Why
A server that cannot load its model restarts for ever. Exporters write the newest versions; runtimes
follow months later.

## Bad
```yaml
graph: {ir_version: 14, opsets: {ai.onnx: 28}}
```

## Good
```yaml
graph: {ir_version: 10, opsets: {ai.onnx: 17}}
```
"""

import difflib
from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.model.onnxruntime_support import MAX_IR_VERSION, ONNXRUNTIME, OPSETS
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "opset-supported"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each version that the runtime does not know."""
    for release_id, release in files.releases.items():
        document = files.documents[layout.release_file(files.folder, release_id)]
        version = release.graph.ir_version
        if version > MAX_IR_VERSION:
            message = f"found IR version {version}, expected at most {MAX_IR_VERSION}"
            position = document.at("graph", "ir_version")
            yield Violation(document.path, position, message, _EXPORT)
        for domain, opset in release.graph.opsets.items():
            message, remedy = _fault(domain, opset)
            if message:
                position = document.at("graph", "opsets", domain)
                yield Violation(document.path, position, message, remedy)


_EXPORT = f"export the model for ONNX Runtime {ONNXRUNTIME}"


def _fault(domain: str, opset: int) -> tuple[str, str]:
    if domain not in OPSETS:
        near = difflib.get_close_matches(domain, OPSETS, n=1)
        hint = f"did you mean {near[0]}?" if near else "export the model without custom operators"
        message = f"found the operators of {domain}, expected only those that ONNX Runtime brings"
        return message, hint
    low, high = OPSETS[domain]
    if low <= opset <= high:
        return "", ""
    return f"found {domain} {opset}, expected {low} to {high}", _EXPORT
