"""What of a live object differs from the rendered one, in words. Pure.

What the API server fills in by itself is no difference, and neither are the ways in which it
writes the same thing: a quantity in other units, a false or empty value left out.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from modelctl.repo.quantities import amount

Json = Mapping[str, Any]

_SHOWN = 3  # differences of one object; who wants all of them asks `argocd app diff`
# What Kubernetes fills in, by the name of the field. Source: the API reference, v1.36.
_DEFAULTS: Mapping[str, tuple[object, ...]] = {
    "apiVersion": ("v1",),  # of a reference to a field of the pod
    "defaultMode": (0o644,),
    "dnsPolicy": ("ClusterFirst",),
    "divisor": ("0",),
    "failureThreshold": (3,),
    "imagePullPolicy": ("IfNotPresent",),
    "optional": (False,),
    "periodSeconds": (10,),
    "protocol": ("TCP",),
    "pullPolicy": ("IfNotPresent",),
    "restartPolicy": ("Always",),
    "revisionHistoryLimit": (10,),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "successThreshold": (1,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
}
_OWNED_ELSEWHERE = frozenset({"replicas", "serviceAccount"})  # by the autoscaler; a second name
_QUANTITIES = frozenset({"limits", "requests", "sizeLimit"})


def deployment(wanted: Json, live: Json) -> Iterator[str]:
    """How a live Deployment differs from the rendered one."""
    found = _labels(wanted, live)
    yield from _bounded([*found, *_value(_spec(wanted), _spec(live), "spec", fills_in=True)])


def route(wanted: Json, live: Json) -> Iterator[str]:
    """How a live HTTPRoute differs from the rendered one, which has every default written out."""
    found = _labels(wanted, live)
    yield from _bounded([*found, *_value(_spec(wanted), _spec(live), "spec", fills_in=False)])


def application(wanted: Json, live: Json) -> Iterator[str]:
    """How a live Application differs from the one in git; what it has beyond that is Argo CD's."""
    for key, value in _spec(wanted).items():
        yield from _value(value, _spec(live).get(key), f"spec.{key}", fills_in=True)


def _spec(item: Json) -> Json:
    spec = item.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _labels(wanted: Json, live: Json) -> Iterator[str]:
    """Labels that differ; others may be put beside them by anybody."""
    had = live.get("metadata", {}).get("labels") or {}
    for key, value in (wanted.get("metadata", {}).get("labels") or {}).items():
        if had.get(key) != value:
            yield _words(f"metadata.labels[{key}]", value, had.get(key))


def _bounded(found: list[str]) -> Iterator[str]:
    yield from islice(found, _SHOWN)
    if len(found) > _SHOWN:
        yield f"{len(found) - _SHOWN} fields more"


def _value(wanted: object, live: object, at: str, *, fills_in: bool) -> Iterator[str]:
    if _is_empty(wanted) and _is_empty(live):
        return
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        yield from _mapping(wanted, live, at, fills_in=fills_in)
    elif isinstance(wanted, list) and isinstance(live, list):
        yield from _list(wanted, live, at, fills_in=fills_in)
    elif wanted != live and not _is_same_amount(wanted, live, at):
        yield _words(at, wanted, live)


def _is_empty(value: object) -> bool:
    """Whether the API server may leave a value out: absent, false and empty are one, 0 is not."""
    return value is None or value is False or (not value and isinstance(value, str | list | dict))


def _mapping(wanted: Json, live: Json, at: str, *, fills_in: bool) -> Iterator[str]:
    for key in dict.fromkeys((*wanted, *live)):
        if key in wanted or not _is_filled_in(key, live[key], at, fills_in=fills_in):
            yield from _value(wanted.get(key), live.get(key), f"{at}.{key}", fills_in=fills_in)


def _is_filled_in(key: str, value: object, at: str, *, fills_in: bool) -> bool:
    """Whether a field that git does not have was filled in by the API server."""
    if not fills_in:
        return False
    if at.endswith("template.metadata"):
        return key in {"annotations", "creationTimestamp"}  # a restart that a person asked for
    return key in _OWNED_ELSEWHERE or value in _DEFAULTS.get(key, ())


def _list(wanted: list[Any], live: list[Any], at: str, *, fills_in: bool) -> Iterator[str]:
    """Elements that have names are compared by them; others, or with names twice, by place."""
    before, after = ({_name(each): each for each in side} for side in (wanted, live))
    is_named = "" not in before | after and (len(before), len(after)) == (len(wanted), len(live))
    if is_named:
        yield from _named(before, after, at, fills_in=fills_in)
    elif len(wanted) != len(live):
        yield f"{at} has {len(live)} elements, in git {len(wanted)}"
    else:
        for index, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from _value(one, other, f"{at}[{index}]", fills_in=fills_in)


def _named(wanted: Json, live: Json, at: str, *, fills_in: bool) -> Iterator[str]:
    for name in dict.fromkeys((*wanted, *live)):
        place = f"{at}[{name}]"
        if name not in live:
            yield f"{place} is missing"
        elif name not in wanted:
            yield f"{place} is not in git"
        else:
            yield from _value(wanted[name], live[name], place, fills_in=fills_in)
    if wanted.keys() == live.keys() and list(wanted) != list(live):
        yield f"{at} has another order"


def _name(element: object) -> str:
    found = element.get("name") if isinstance(element, Mapping) else None
    return found if isinstance(found, str) else ""


def _is_same_amount(wanted: object, live: object, at: str) -> bool:
    if not _QUANTITIES.intersection(at.split(".")):
        return False
    try:
        return amount(str(wanted)) == amount(str(live))
    except ValueError:
        return False


def _words(at: str, wanted: object, live: object) -> str:
    return f"{at} is {_shown(live)}, in git {_shown(wanted)}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping | list):
        return "set" if value else "empty"
    return "absent" if value is None else f"{value!r:.60}"
