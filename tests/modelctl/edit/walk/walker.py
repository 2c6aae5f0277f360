"""Where a walk has come to, and the judge of each of its steps."""

import re
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

from modelctl.check.rules import RULES
from modelctl.finding import Scope
from modelctl.local.source.artifacts import ArtifactExport
from modelctl.local.source.reading import Reader
from modelctl.local.source.repositories import local_branch
from tests.modelctl.edit.walk import files, verdict, wanted
from tests.modelctl.edit.walk.files import WHOLE, Pair, Route
from tests.modelctl.edit.walk.ground import ENVIRONMENTS, MODELS, Ground, Ran
from tests.modelctl.edit.walk.oracle import Goal, Moment, Oracle

NEWCOMER = "gamma"
PAIRS = tuple((m, e) for m in (*MODELS, NEWCOMER) for e in ENVIRONMENTS)
# The lines of a serving file that an operation on traffic may touch.
_TRAFFIC = re.compile(r"\s*(stable:|weights:|shadow:|release:|percent:|[\"']?r[1-9][0-9]*[\"']?:)")
# An error as `check` prints it: warnings and notes have their level before the rule.
_FINDING = re.compile(r"\S+:\d+:\d+: (?P<rule>[a-z0-9-]+) ")
_OF_A_CHANGE = frozenset(rule.ID for rule in RULES if rule.SCOPE in (Scope.CHANGE, Scope.FLEET))
_OWN_FAULT = "this is a fault of modelctl"


class Walker:
    """Does one thing after another to a repository, and judges what comes of it."""

    def __init__(self, ground: Ground, exports: Path, seen: Counter[str]) -> None:
        self.ground = ground
        self.seen = seen
        self.oracle = Oracle(ground.blobs, PAIRS)
        source = local_branch(ground.root, None, every_s=0)
        self.reader = Reader(source, "local", ArtifactExport(exports))
        head, self.dirt = ground.status()
        self.moment = self.learn(head)
        self._judge_state()

    def learn(self, commit: str) -> Moment:
        """The moment of a commit, after those before it."""
        unknown: list[tuple[str, str | None]] = []
        at: str | None = commit
        while at is not None and at not in self.oracle.moments:
            parent = next(iter(self.ground.parents(at)), None)
            unknown.append((at, parent))
            at = parent
        for each, parent in reversed(unknown):
            self.oracle.learn(each, parent, self.ground.files(each))
        return self.oracle.moments[commit]

    def look(self) -> None:
        """Take note of what was done by hand, and judge what `check` and the engine say of it."""
        head, self.dirt = self.ground.status()
        if head != self.moment.id:
            self.moment = self.learn(head)
            self._judge_state()

    def operate(self, name: str, pair: Pair, word: str | None) -> None:
        """Shift, promote or retire; where nothing is wrong it does what its page says."""
        before, serving = self.moment, self.oracle.serving(self.moment, pair)
        words = [name, pair[0], "--env", pair[1]]
        if word is not None:
            words += [word] if name == "shift" else ["--release", word]
        ran = self.edit(pair, *words)
        goal = wanted.after(serving, name, word) if serving else None
        if serving is None or goal is None:
            assert ran.exit_code, (words, ran.output)
            return
        if not ran.exit_code:
            now = self.oracle.serving(self.moment, pair)
            assert now is not None
            assert goal == wanted.current(now), (words, ran.output)
            route = self.oracle.route(self.moment, pair)
            assert route is not None
            shares = {release: weight for release, weight in goal.weights.items() if weight}
            assert (goal.stable, shares) == (route.stable, route.shares)
        elif not verdict.errors(self.oracle, before) and goal != wanted.current(serving):
            is_sound = verdict.is_sound(self.oracle, before, pair, goal.as_fields())
            assert not is_sound, (words, ran.output)

    def edit(self, pair: Pair, *words: str) -> Ran:
        """Run a command that edits a pair; all of it must happen, or nothing."""
        self.ground.tick()
        ran = self.ground.modelctl(*words, "--commit")
        head, dirt = self.ground.status()
        assert _OWN_FAULT not in ran.output, ran.output
        assert self.dirt == dirt, (words, ran.output)
        assert not self.ground.is_half_edited(), (words, ran.output)
        self.seen[f"{words[0]}: {'refused' if ran.exit_code else 'done'}"] += 1
        if ran.exit_code:
            assert self.moment.id == head, (words, ran.output)
        else:
            assert [self.moment.id] == self.ground.parents(head), (words, ran.output)
            self.arrive(head, pair, words[0])
        return ran

    def arrive(self, head: str, pair: Pair, name: str) -> None:
        """Judge the commit that a command has made."""
        before, self.moment = self.moment, self.learn(head)
        strange = [p for p in self.moment.changed() if not _belongs(p, pair, name)]
        assert not strange, (name, pair, strange)
        if name in ("shift", "promote", "retire", "rollback"):
            self._judge_effect(before, pair, name)
        self._judge_state()

    def _judge_effect(self, before: Moment, pair: Pair, name: str) -> None:
        """What is applied has changed, and is what is typed; where that is broken, what ran."""
        oracle, now = self.oracle, self.moment
        is_new = before.lines[pair][-1] != now.lines[pair][-1]
        could_render = oracle.is_renderable(before, pair)
        was_right = could_render and not oracle.is_current(before, pair)
        assert is_new or (name != "rollback" and was_right), (name, pair)
        assert oracle.is_current(now, pair) or (name == "rollback" and not could_render)
        if name == "rollback" and not could_render:
            self.seen["rollback: with what ran"] += 1
            return
        path = files.serving_file(pair)
        old, new = (self.ground.blobs[each.files[path]].decode() for each in (before, now))
        assert _differs_in_traffic(old, new), (old, new)

    def _judge_state(self) -> None:
        """What `check` and the engine say of the commit that is checked out."""
        ran = self.ground.modelctl("check")
        wrong = verdict.errors(self.oracle, self.moment)
        passes = verdict.passes(self.oracle, self.moment)
        assert passes == (not ran.exit_code or _is_of_a_change(ran.output)), (wrong, ran.output)
        if verdict.is_return(self.oracle, self.moment):
            assert not ran.exit_code, ran.output
            self.seen["check: return"] += 1
        self.seen[f"check: {'way back' if passes and wrong else 'good' if passes else 'bad'}"] += 1
        reading = self.reader.read(self.moment.id)
        assert reading.refusal is None, reading.refusal
        for model, environment in PAIRS:
            if environment == "local":
                served = verdict.is_served(self.oracle, self.moment, (model, environment))
                found = model in reading.models, model in reading.refused
                expected = (False, False) if served is None else (served, not served)
                assert expected == found, (model, wrong, reading.refused)
                self.seen[f"engine: {served}"] += 1
                self.seen["engine: served beside faults"] += model in reading.returned

    def roll_back(self, pair: Pair, to: str | None, *, now: bool, again: bool) -> bool:
        """Roll back, as far as one call or two lead; whether there was somewhere to go."""
        words = ["rollback", pair[0], "--env", pair[1]]
        words += [*(["--to", to] if to else []), *(["--now"] if now else [])]
        goal = self.oracle.goal(self.moment, pair, to)
        route = self.oracle.route(self.moment, pair)
        ran = self.edit(pair, *words)
        if goal is None:
            assert ran.exit_code, (words, ran.output)
            return False
        if ran.exit_code:
            is_there = to is not None and route is not None and route.shares == {to: WHOLE}
            assert is_there or not goal.is_sure, (words, goal, ran.output)
            return False
        if not goal.release:
            return False
        if now or route is None or goal.release in route.weights:
            self._judge_arrival(pair, goal)
            return True
        self.seen["rollback: started first"] += 1
        self._judge_start(pair, goal, route)
        return self.roll_back(pair, to, now=False, again=again) if again else True

    def _judge_arrival(self, pair: Pair, goal: Goal) -> None:
        """The release has everything, and is stable."""
        route = self.oracle.route(self.moment, pair)
        assert route is not None
        assert (goal.release, {goal.release: WHOLE}) == (route.stable, route.shares), goal
        self._judge_content(pair, goal)

    def _judge_start(self, pair: Pair, goal: Goal, before: Route) -> None:
        """The release runs, and everybody has what they had."""
        route = self.oracle.route(self.moment, pair)
        assert route is not None
        assert 0 == route.weights[goal.release], goal
        assert before.stable in ("", route.stable)
        assert before.shares == route.shares
        self._judge_content(pair, goal)

    def _judge_content(self, pair: Pair, goal: Goal) -> None:
        content = self.oracle.running(self.moment, pair, goal.release)
        assert content is not None
        assert goal.content in (None, content), (goal, content)


def _is_of_a_change(output: str) -> bool:
    """Whether each error of a check compares with the state before, as no oracle here does."""
    rules = {match["rule"] for match in map(_FINDING.match, output.splitlines()) if match}
    return bool(rules) and rules <= _OF_A_CHANGE


def _belongs(path: str, pair: Pair, name: str) -> bool:
    """Whether a command on a pair may touch a file."""
    if name in ("new", "release"):
        is_own = path.startswith((f"apps/{pair[0]}/", f"examples/artifacts/{pair[0]}/"))
        return is_own and (name == "new" or not files.is_applied(path))
    is_release = path.startswith(files.release_file(pair[0], "").removesuffix(".yaml"))
    return files.pair_of(path) == pair or (name == "rollback" and is_release)


def _differs_in_traffic(before: str, after: str) -> bool:
    """Whether only lines about traffic differ."""
    old, new = before.splitlines(), after.splitlines()
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return all(
        kind == "equal" or all(map(_TRAFFIC.match, [*old[i:j], *new[k:m]]))
        for kind, i, j, k, m in changes
    )
