"""A chart is of one exact version.

## What it does
Holds the `targetRevision` of each source with a `chart` to a whole version, such as 1.2.3 or
v1.2.3: no range, no `*`, no branch, no `latest`, and none missing. A chart comes over https or from
an OCI registry.

## Why
A range is another chart whenever somebody releases one: the cluster changes without a commit, each
environment on another day, and a revert brings nothing back. Over plain http it is whatever the
network makes of it.

## Bad
```yaml
source: {repoURL: "https://kedacore.github.io/charts", chart: keda, targetRevision: ~2.20}
```

## Good
```yaml
source: {repoURL: "https://kedacore.github.io/charts", chart: keda, targetRevision: 2.20.2}
```
"""

import re
from collections.abc import Iterator

from modelctl.check.written import applications
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import Files
from modelctl.repo.scalars import short

ID = "chart-pinned"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z][-.0-9A-Za-z]*)?(\+[-.0-9A-Za-z]+)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def check(files: Files) -> Iterator[Violation]:
    """One finding for each chart without one version, or over plain http."""
    for each in applications(files):
        for at, source in each.sources():
            if "chart" not in source:
                continue
            found, url = source.get("targetRevision"), str(source.get("repoURL", ""))
            is_exact = isinstance(found, str) and (
                _VERSION.fullmatch(found) or _DIGEST.fullmatch(found)
            )
            if not is_exact and not isinstance(found, int | float):
                shown = f"the version {short(str(found))}" if found else "no version"
                message = f"found {shown}, expected a whole one such as 2.20.2"
                remedy = "write the version that was tried"
                yield each.violation(*at, "targetRevision", message=message, remedy=remedy)
            if url.startswith("http://"):
                message = "found a chart over plain http, expected https or an OCI registry"
                yield each.violation(*at, "repoURL", message=message, remedy="write https://")
