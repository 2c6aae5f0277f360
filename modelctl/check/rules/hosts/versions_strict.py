"""The lock of versions on hosts is one that the roles can read.

## What it does
Reads `versions.yml` of a repository with roles as strictly as every typed file, and holds it to its
schema: exact versions as text, digests and fingerprints of their length, addresses over https.

## Why
Of a key that is there twice the last counts, an unquoted 1.30 is 1.3, and a digest with a letter
too few is one that no download ever has: the run ends on the first host.

## Bad
```yaml
versions:
  kubernetes: {version: 1.30}
```

## Good
```yaml
versions:
  kubernetes: {version: "1.30.0"}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import documents, schema
from modelctl.repo.repository import Files, Repository
from modelctl.repo.tree import EntryKind

ID = "versions-strict"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_PATH = "versions.yml"
_READER = "roles"  # the folder of what reads it; without it the file is somebody else's


def check(files: Files) -> Iterator[Violation]:
    """One finding for each fault of form, and each value that its schema refuses."""
    if not isinstance(files, Repository):
        return
    entry = files.tree.entry(_PATH)
    if entry is None or entry.kind is not EntryKind.FILE or not files.tree.names(_READER):
        return
    document, faults = documents.parse(_PATH, files.tree.read(_PATH))
    told = {fault.position for fault in faults}
    found = [*faults]
    if document is not None:
        violations = schema.violations("versions", document)
        found += [fault for fault in violations if fault.position not in told]
    for fault in found:
        yield Violation(_PATH, fault.position, fault.message, fault.remedy)
