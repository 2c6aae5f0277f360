"""An object that people write for Argo CD has everything that makes it one.

## What it does
Looks at the files of `argocd/config/`, and at those of `argocd/platform/<environment>/` that Argo
CD reads: each is one mapping with `apiVersion`, `kind` and `metadata.name`; names, labels and
annotations are of the form that Kubernetes takes, and each value in the `data` of a ConfigMap is
text. What only a server writes (`status`, `uid`, `resourceVersion` and the like) has no place.

## Why
The API server refuses such an object, and an Application with one of them applies none of its
others: everything else of the platform waits for it.

## Bad
```yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {replicas: 3}
```

## Good
```yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {replicas: "3"}
```
"""

import re
from collections.abc import Iterator, Mapping

from modelctl.check.written import OTHER, Written, folders_read, reader_of, written
from modelctl.finding import START, Level, Scope, Violation
from modelctl.render.loose import value
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "object-whole"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_FORMS = (
    (("apiVersion",), re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+[a-z0-9]*"), "v1"),
    (("kind",), re.compile(r"[A-Z][A-Za-z0-9]*"), "Application"),
    (("metadata", "name"), re.compile(r"[a-z0-9]([-a-z0-9.:]{0,251}[a-z0-9])?"), "keda"),
)
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?")
_OF_A_SERVER = (
    ("status",),
    ("metadata", "uid"),
    ("metadata", "resourceVersion"),
    ("metadata", "generation"),
    ("metadata", "creationTimestamp"),
    ("metadata", "managedFields"),
)
_TEXTS = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}


def check(files: Files) -> Iterator[Violation]:
    """One finding for each part that is missing, of another form, or not people's."""
    if not isinstance(files, Repository):
        return
    read = folders_read(files)
    for path, document in files.documents.items():
        is_object = reader_of(path, read) not in ("", OTHER)
        if is_object and not isinstance(document.value, Mapping):
            message = "found no mapping, expected one object with apiVersion, kind and metadata"
            yield Violation(path, START, message, "write one object a file")
    for each in written(files):
        yield from _forms(each)
        yield from _metadata(each)
        yield from _data(each)
        yield from _of_a_server(each)


def _forms(each: Written) -> Iterator[Violation]:
    missing = [".".join(at) for at, _, _ in _FORMS if value(each.value, *at) is None]
    if missing:
        message = f"found no {' and no '.join(missing)}, expected every object to say it"
        at = ["metadata"] if missing == ["metadata.name"] else []
        yield each.violation(*at, message=message, remedy="write what is missing")
    for of, form, example in _FORMS:
        found = value(each.value, *of)
        if found is not None and not (isinstance(found, str) and form.fullmatch(found)):
            field = ".".join(of)
            message = f"found {short(str(found))}, expected {field} to be text such as {example}"
            yield each.violation(*of, message=message, remedy="write what Kubernetes takes")
    if each.kind.endswith("List") and "items" in each.value:
        message = f"found the kind {each.kind}, expected one object"
        yield each.violation("kind", message=message, remedy="write one object a file")


def _metadata(each: Written) -> Iterator[Violation]:
    namespace = value(each.value, "metadata", "namespace")
    is_wrong = not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace)
    if namespace is not None and is_wrong:
        message = f"found {short(str(namespace))}, expected the name of a namespace"
        yield each.violation("metadata", "namespace", message=message, remedy="write its name")
    for field in ("labels", "annotations"):
        found = value(each.value, "metadata", field)
        for key, text in found.items() if isinstance(found, Mapping) else ():
            at, is_label = ("metadata", field, key), field == "labels"
            if not _KEY.fullmatch(key):
                message = f"found {short(key)}, expected a key such as app.kubernetes.io/name"
                yield each.violation_at_key(*at, message=message, remedy="rename it")
            elif not isinstance(text, str):
                yield _not_text(each, at, text)
            elif is_label and not _LABEL.fullmatch(text):
                message = f"found {short(text)}, expected a label of at most 63 letters and digits"
                yield each.violation(*at, message=message, remedy="make it an annotation")


def _data(each: Written) -> Iterator[Violation]:
    for field in _TEXTS.get(each.kind, ()) if not each.group else ():
        found = value(each.value, field)
        for key, text in found.items() if isinstance(found, Mapping) else ():
            if not isinstance(text, str):
                yield _not_text(each, (field, key), text)


def _not_text(each: Written, at: tuple[str, ...], found: object) -> Violation:
    shown = "a mapping or list" if isinstance(found, Mapping | list) else short(str(found))
    message = f"found {shown} for {short(at[-1])}, expected text"
    return each.violation(*at, message=message, remedy="quote it")


def _of_a_server(each: Written) -> Iterator[Violation]:
    for at in _OF_A_SERVER:
        if value(each.value, *at) is not None:
            message = f"found {'.'.join(at)}, expected what people write alone"
            yield each.violation_at_key(*at, message=message, remedy="remove it")
