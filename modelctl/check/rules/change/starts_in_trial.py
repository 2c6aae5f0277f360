"""A server of a new release starts, as a trial with its own code shows.

## What it does
Runs the model of each release that a change adds once, in a process of its own, with the model
server's code, the release's contract, golden file, threads, batches and memory. It needs the bytes
within reach, in this repository or the laptop's store, and the package modelserver beside modelctl;
and it tries what runs on the CPU alone. The same bytes under the same contract are tried once.

## Why
What the files say of a model is what its exporter wrote. Whether it runs, on which sizes, and
whether it still gives what was recorded, a run tells; in a cluster that is a server that restarts
for ever.

## Bad
```yaml
# the graph leaves the number of rows open, and reshapes its input to one row
contract: {inputs: [{name: x, datatype: FP32, shape: [-1, 4]}], …}
```

## Good
```yaml
contract: {inputs: [{name: x, datatype: FP32, shape: [1, 4]}], …}
```
"""

from collections.abc import Iterator
from importlib.util import find_spec

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import reach, verdicts
from modelctl.repo.kinds import Release
from modelctl.repo.quantities import amount

ID = "starts-in-trial"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE

_CPU = ("cpu",)
_PACKAGES = ("modelctl", "modelserver", "onnxruntime")


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each new release that would not start."""
    if find_spec("modelserver") is None:
        return
    known = {_basis(release) for release in change.before.releases.values()}
    for key, release in change.after.releases.items():
        if key in change.before.releases or change.had_before(key) or _basis(release) in known:
            continue
        problem = _problem(change, release)
        if problem:
            message = f"found that a server would not start: {problem}"
            remedy = "add a release that starts: `modelctl release` tries it before it is written"
            yield in_release(change.after, key, "artifact", message=message, remedy=remedy)


def _basis(release: Release) -> str:
    """All of a release that decides whether it starts."""
    golden = release.golden.sha256 if release.golden else ""
    parts = (release.artifact.sha256, golden, release.promised, release.runtime, release.resources)
    return "\n".join(map(repr, parts))


def _problem(change: ModelChange, release: Release) -> str:
    """Why it does not start; empty where it does, or where that cannot be tried here."""
    files, golden = change.after, None
    content = reach.content_of(files, release.artifact.uri, release.artifact.sha256)
    if release.golden:
        golden = reach.content_of(files, release.golden.uri, release.golden.sha256)
    if content is None or (release.golden and golden is None) or release.runtime.providers != _CPU:
        return ""
    from importlib import metadata  # noqa: PLC0415 - only where there is something to be tried

    versions = [f"{name} {metadata.version(name)}" for name in _PACKAGES]
    basis = "\n".join([ID, *versions, _basis(release)])

    def find() -> str:
        from modelctl.model import trial  # noqa: PLC0415 - the same

        batching = release.runtime.batching
        found = trial.run(
            content,
            contract=release.promised,
            threads=release.runtime.threads,
            max_rows=batching.max_size if batching else 1,
            rows_claimed=bool(batching and batching.independent),
            golden=golden,
            memory_bytes=int(amount(release.resources.memory)),
        )
        return f"{found.detail} ({found.error})" if isinstance(found, trial.Refusal) else ""

    return verdicts.remembered(files.repository.tree.git_folder, basis, find)
