"""What `check` and the engine should say of a moment: its errors, and what a way back excuses."""

from collections.abc import Iterator
from functools import lru_cache

from tests.modelctl.edit.walk import files
from tests.modelctl.edit.walk.files import ENVIRONMENTS, TEAMS, WHOLE, Fields, Pair
from tests.modelctl.edit.walk.oracle import Moment, Oracle

Place = tuple[str, ...]  # what an error lies in: its kind, then which


def passes(oracle: Oracle, moment: Moment) -> bool:
    """Whether `check` should let the last change pass."""
    wrong = errors(oracle, moment)
    if not wrong or _is_return(oracle, moment):
        return True
    return all(
        kind == "pair"
        and _is_back(moment, (of[0], of[1]))
        and not _lacks_an_artifact(oracle, moment, (of[0], of[1]))
        for kind, *of in wrong
    )


def is_served(oracle: Oracle, moment: Moment, pair: Pair) -> bool | None:
    """Whether the engine should take a pair's bytes; None where there is nothing of it."""
    is_asked_for = files.serving_file(pair) in moment.files
    applied = moment.lines[pair][-1]
    if any(_concerns(oracle, moment, place, pair) for place in errors(oracle, moment)):
        if not applied and not is_asked_for:
            return None
        return bool(applied) and oracle.is_former(moment, pair) and _can_run(oracle, moment, pair)
    return True if applied else None


@lru_cache(maxsize=256)
def errors(oracle: Oracle, moment: Moment) -> frozenset[Place]:
    """Where something is wrong."""
    return frozenset(_errors(oracle, moment))


def is_sound(oracle: Oracle, moment: Moment, pair: Pair, serving: Fields) -> bool:
    """Whether what a serving file says can be served."""
    weights, shadow = serving["weights"], serving.get("shadow")
    releases = [files.release_file(pair[0], name) for name in files.deployed(serving)]
    return (
        sum(weights.values()) == WHOLE
        and serving["stable"] in weights
        and all(path in moment.files for path in releases)
        and not (shadow and shadow["release"] in weights)
        and (pair[1] != "local" or all(_has_artifact(oracle, moment, path) for path in releases))
    )


def _errors(oracle: Oracle, moment: Moment) -> Iterator[Place]:
    models = {path.split("/")[1] for path in moment.files if path.startswith("apps/")}
    if not _is_formed(oracle, moment, ENVIRONMENTS):
        yield ("environments",)
    if not _is_formed(oracle, moment, TEAMS):
        yield ("teams",)
    for model in sorted(models):
        yield from _errors_of(oracle, moment, model)


def _errors_of(oracle: Oracle, moment: Moment, model: str) -> Iterator[Place]:
    start = f"apps/{model}/"
    typed = [p for p in moment.files if p.startswith(start) and not files.is_applied(p)]
    if typed and not _is_formed(oracle, moment, f"{start}model.yaml"):
        yield "model", model
    for release in oracle.releases(moment, model):
        if oracle.written(moment, model, release) is None:
            yield "release", model, release
    for pair in oracle.pairs:
        if pair[0] == model and _is_wrong(oracle, moment, pair):
            yield "pair", *pair


def _is_wrong(oracle: Oracle, moment: Moment, pair: Pair) -> bool:
    serving = oracle.serving(moment, pair)
    if files.serving_file(pair) not in moment.files:
        is_known = _is_formed(oracle, moment, ENVIRONMENTS)
        return is_known and bool(moment.lines[pair][-1])  # what is left of it
    if serving is None or not is_sound(oracle, moment, pair, serving):
        return True
    return oracle.is_renderable(moment, pair) and not oracle.is_current(moment, pair)


def _is_formed(oracle: Oracle, moment: Moment, path: str) -> bool:
    content = oracle.read(moment, path)
    return content is not None and files.form(content) is not None


def _has_artifact(oracle: Oracle, moment: Moment, path: str) -> bool:
    content = oracle.read(moment, path)
    release = files.form(content) if content else None
    return release is None or files.artifact_path(release) in moment.files


def _lacks_an_artifact(oracle: Oracle, moment: Moment, pair: Pair) -> bool:
    """Whether a file that a pair serves is gone; that is told of the release, not of the pair."""
    serving = oracle.serving(moment, pair)
    releases = files.deployed(serving) if serving and pair[1] == "local" else ()
    paths = (files.release_file(pair[0], name) for name in releases)
    return not all(_has_artifact(oracle, moment, path) for path in paths)


def _is_back(moment: Moment, pair: Pair) -> bool:
    """Whether the last change brought back what main had applied before."""
    if moment.parent is None:
        return False
    line, now = moment.parent.lines[pair], moment.lines[pair][-1]
    return now != line[-1] and (now in line or not now)


def _is_return(oracle: Oracle, moment: Moment) -> bool:
    """Whether the last change does nothing but bring models back to applied bytes."""
    back = {pair for pair in oracle.pairs if _is_back(moment, pair)}
    models = {model for model, _ in back}

    def is_part(path: str) -> bool:
        pair = files.pair_of(path)
        if pair is not None:
            return pair in back
        parts = path.split("/")
        is_typed = parts[0] == "apps" and parts[2] in ("model.yaml", "releases")
        return parts[0] not in ("apps", "argocd") or (is_typed and parts[1] in models)

    return bool(back) and all(map(is_part, moment.changed()))


def _concerns(oracle: Oracle, moment: Moment, place: Place, pair: Pair) -> bool:
    """Whether an error is one of what an environment serves of a model."""
    kind, *of = place
    if kind in ("environments", "teams"):
        return kind == "environments"
    if of[0] != pair[0]:
        return False
    if kind == "release":
        serving = oracle.serving(moment, pair)
        return serving is None or of[1] in files.deployed(serving)
    return kind == "model" or of[1] == pair[1]


def _can_run(oracle: Oracle, moment: Moment, pair: Pair) -> bool:
    """Whether every release that the route leads to has its Deployment."""
    route = oracle.route(moment, pair)
    return route is not None and all(
        oracle.running(moment, pair, release) is not None for release in route.weights
    )
