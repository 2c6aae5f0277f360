"""A release brings the evidence that an environment demands.

## What it does
Refuses a release that has a weight or is the shadow in an environment and lacks what
`limits.evidence` of it lists: `golden`, `provenance`, or `data_sha256` in it.

## Why
In an incident somebody asks what this model was trained on, and whether it ever gave right answers.
What was not written down with the release cannot be found then.

## Bad
```yaml
# limits: {evidence: [golden]} in argocd/environments.yaml; the release has no golden
weights: {r1: 95, r2: 5}
```

## Good
```yaml
# limits: {evidence: [golden]} in argocd/environments.yaml; apps/churn/releases/r2.yaml has
golden: {uri: "s3://models/churn/r2.golden.json", sha256: 3af7…}
```
"""

from collections.abc import Iterator
from typing import Any

from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "evidence-present"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release that lacks some."""
    for environment, serving in files.served:
        for key in serving.deployed:
            missing = [each for each in environment.limits.evidence if _lacks(files, key, each)]
            if missing:
                message = f"found {key} without {', '.join(missing)}, expected what "
                message += f"{environment.name} demands of a release"
                remedy = "add it to a new release, and serve that"
                is_shadow = key not in serving.weights
                at = ("shadow", "release") if is_shadow else ("weights", key)
                yield in_serving(files, environment.name, *at, message=message, remedy=remedy)


def _lacks(files: ModelFiles, release: str, evidence: str) -> bool:
    document = files.documents.get(layout.release_file(files.folder, release))
    fields: Any = document.value if document is not None else None
    if release not in files.releases or not isinstance(fields, dict):
        return False  # release-exists or schema-valid tells
    if evidence == "data_sha256":
        return not fields.get("provenance", {}).get("data_sha256")
    return evidence not in fields
