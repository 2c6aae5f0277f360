"""What should be: the main line as plain values, judged by what was applied at each commit.

Nothing here comes from `modelctl.edit` or `modelctl.check`. What runs is what is rendered: the
stable release and the weights are read from the route, what a release is from its Deployment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tests.modelctl.edit.walk import files
from tests.modelctl.edit.walk.files import ENVIRONMENTS, Content, Fields, Pair, Route

Names = Mapping[str, str]  # by path, the name of the bytes
Applied = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Station:
    """A release that was stable, and what it was."""

    release: str
    content: Content


@dataclass(frozen=True, eq=False)
class Moment:
    """A commit of the line: its files, and what each pair has come through up to it."""

    id: str
    parent: "Moment | None"
    files: Names
    lines: dict[Pair, tuple[Applied, ...]] = field(default_factory=dict)
    paths: dict[Pair, tuple[Station, ...]] = field(default_factory=dict)

    def back(self) -> Iterator["Moment"]:
        """This moment and those before it, newest first."""
        moment: Moment | None = self
        while moment is not None:
            yield moment
            moment = moment.parent

    def changed(self) -> set[str]:
        """The paths in which it differs from the one before."""
        before = self.parent.files if self.parent else {}
        return {path for path, _ in set(before.items()) ^ set(self.files.items())}


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a way back leads: the release, and what it has to be; None for whatever.

    Where it is not sure that one can get there, a refusal is right too.
    """

    release: str
    content: Content | None
    is_sure: bool = True


class Oracle:
    """Every moment that a walk has come through."""

    def __init__(self, blobs: Mapping[str, bytes], pairs: tuple[Pair, ...]) -> None:
        self.blobs = blobs
        self.pairs = pairs
        self.moments: dict[str, Moment] = {}
        self._rendered: dict[object, Mapping[str, bytes]] = {}

    def learn(self, commit: str, parent: str | None, names: Names) -> Moment:
        """Take note of a commit whose first parent is known."""
        before = self.moments[parent] if parent else None
        moment = self.moments[commit] = Moment(commit, before, names)
        for pair in self.pairs:
            line = before.lines[pair] if before else ()
            path = before.paths[pair] if before else ()
            now = self.applied(moment, pair)
            if not line or line[-1] != now:
                line, path = (*line, now), self._arrived(moment, pair, path)
            moment.lines[pair], moment.paths[pair] = line, path
        return moment

    def _arrived(
        self, moment: Moment, pair: Pair, path: tuple[Station, ...]
    ) -> tuple[Station, ...]:
        """The path with what is stable now: cut back to it, where it is on the path."""
        route = self.route(moment, pair)
        content = self.running(moment, pair, route.stable) if route else None
        if route is None or content is None:
            return path
        known = [index for index, station in enumerate(path) if station.content == content]
        return (*(path[: known[0]] if known else path), Station(route.stable, content))

    def applied(self, moment: Moment, pair: Pair) -> Applied:
        """Everything that is applied for a pair."""
        own = ((path, blob) for path, blob in moment.files.items() if files.is_applied(path))
        return frozenset(at for at in own if files.pair_of(at[0]) == pair)

    def route(self, moment: Moment, pair: Pair) -> Route | None:
        """The route of a pair; None where there is none."""
        content = self.read(moment, files.rendered_file(pair, "httproute"))
        return files.route(content) if content else None

    def running(self, moment: Moment, pair: Pair, release: str) -> Content | None:
        """What a release is by its Deployment; None where it has none."""
        content = self.read(moment, files.rendered_file(pair, "deployment", release))
        return files.running(content) if content else None

    def written(self, moment: Moment, model: str, release: str) -> Content | None:
        """What a release is by its file; None where that is absent or broken."""
        content = self.read(moment, files.release_file(model, release))
        return files.written(content) if content else None

    def serving(self, moment: Moment, pair: Pair) -> Fields | None:
        """The fields of a serving file without a fault of form; None for any other."""
        content = self.read(moment, files.serving_file(pair))
        return files.form(content) if content else None

    def releases(self, moment: Moment, model: str) -> list[str]:
        """The releases of a model that have a file, oldest first."""
        start = files.release_file(model, "").removesuffix(".yaml")
        names = (
            path[len(start) : -len(".yaml")] for path in moment.files if path.startswith(start)
        )
        return sorted(names, key=lambda name: int(name[1:]))

    def read(self, moment: Moment, path: str) -> bytes | None:
        """The bytes of a file; None for none."""
        blob = moment.files.get(path)
        return None if blob is None else self.blobs[blob]

    def goal(self, moment: Moment, pair: Pair, to: str | None = None) -> Goal | None:
        """Where a rollback leads; None where there is nowhere to go."""
        route = self.route(moment, pair)
        if route is None and to is None:
            return None
        if any(self._is_doubtful(then, pair) for then in moment.back()):
            return Goal("", None, is_sure=False)
        if to is not None:
            goal = self._named(moment, pair, to)
            return replace(goal, is_sure=False) if goal and route is None else goal
        assert route is not None
        path = moment.paths[pair]
        stable = route.stable or path[-1].release
        if {stable} != route.shares.keys():
            return Goal(stable, self.running(moment, pair, stable) or path[-1].content)
        return Goal(path[-2].release, path[-2].content) if len(path) > 1 else None

    def _named(self, moment: Moment, pair: Pair, release: str) -> Goal | None:
        content = self.written(moment, pair[0], release)
        if content is not None and self.is_renderable(moment, pair):
            return Goal(release, content)
        if files.release_file(pair[0], release) in moment.files:
            return Goal(release, None, is_sure=False)
        has_run = any(self.running(then, pair, release) for then in moment.back())
        return Goal(release, None, is_sure=False) if has_run else None

    def _is_doubtful(self, moment: Moment, pair: Pair) -> bool:
        """Whether a release was changed where it is applied, while its file said something else."""
        for release in self.releases(moment, pair[0]):
            now = self._applied_of(moment, pair, release)
            before = moment.parent and self._applied_of(moment.parent, pair, release)
            if now and now != before:
                written = self.written(moment, pair[0], release)
                if written not in (None, self.running(moment, pair, release)):
                    return True
        return False

    def _applied_of(self, moment: Moment, pair: Pair, release: str) -> Applied:
        end = f"-{pair[0]}-{release}.yaml"
        return frozenset(at for at in moment.lines[pair][-1] if at[0].endswith(end))

    def rendered(self, moment: Moment, model: str) -> Mapping[str, bytes]:
        """What the typed files of a model give, by the renderer itself."""
        start = f"apps/{model}/"
        typed = {
            path: blob
            for path, blob in moment.files.items()
            if path == ENVIRONMENTS or (path.startswith(start) and not files.is_applied(path))
        }
        key = model, frozenset(typed.items())
        if key not in self._rendered:
            contents = {path: self.blobs[blob] for path, blob in typed.items()}
            self._rendered[key] = files.rendered(model, contents.__getitem__, list(contents))
        return self._rendered[key]

    def is_renderable(self, moment: Moment, pair: Pair) -> bool:
        """Whether the typed files of a pair give anything."""
        return any(files.pair_of(path) == pair for path in self.rendered(moment, pair[0]))

    def is_current(self, moment: Moment, pair: Pair) -> bool:
        """Whether what is applied is what the typed files give."""
        given = self.rendered(moment, pair[0]).items()
        applied = {(path, self.blobs[blob]) for path, blob in moment.lines[pair][-1]}
        return applied == {at for at in given if files.pair_of(at[0]) == pair}

    def is_former(self, moment: Moment, pair: Pair) -> bool:
        """Whether main applied just this before, and other bytes since."""
        return moment.lines[pair][-1] in moment.lines[pair][:-1]
