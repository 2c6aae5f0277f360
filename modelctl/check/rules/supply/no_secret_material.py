"""No credential is in git.

## What it does
Searches every text file below `apps/` and `argocd/` for private keys, access keys and tokens of
well-known forms, URIs with a password or a signature, bearer tokens, and configuration keys such as
`password` with a value of their own; refuses Kubernetes objects of kind Secret. Digests and
references such as `$name` or `secretName` are left alone. A finding does not repeat what it found.

## Why
Git keeps it for ever, on every clone. Name where the credential is instead: workload identity, or a
Secret that the cluster gets another way.

## Bad
```yaml
artifact: {uri: "https://models.example.com/churn/r2.onnx?X-Amz-Signature=…", …}
```

## Good
```yaml
artifact: {uri: "https://models.example.com/churn/r2.onnx", …}
```
"""

from collections.abc import Iterator

from modelctl.check.credentials import credentials
from modelctl.finding import Level, Scope, Violation
from modelctl.render import drift
from modelctl.repo.characters import position_of
from modelctl.repo.repository import Files, ModelFiles

ID = "no-secret-material"
LEVEL = Level.ERROR
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """One finding for each line with a credential; generated files only where they were edited."""
    for path, text in files.texts.items():
        yield from _findings(path, text)
    if not isinstance(files, ModelFiles):
        return
    for path in (*drift.stale(files), *drift.orphans(files)):
        content = files.generated.get(path, b"")
        yield from _findings(path, content.decode(errors="replace"))


def _findings(path: str, text: str) -> Iterator[Violation]:
    for credential in credentials(path, text):
        position = position_of(text, credential.offset)
        message = f"found {credential.what}, expected no credential in git"
        remedy = "revoke it, then name where it is kept instead"
        yield Violation(path, position, message, remedy)
