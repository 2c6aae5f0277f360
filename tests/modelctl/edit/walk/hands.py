"""Steps by people: faults that they make and mend, and edits that they render or do not."""

import re

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.modelctl.edit.walk import files, verdict
from tests.modelctl.edit.walk.files import ENVIRONMENTS, TEAMS, Pair, form
from tests.modelctl.edit.walk.stage import HANDFUL, Stage, pairs

_FAULTY = ("model", "release", "release", "serving", "serving", "environments", "teams")
_TYPED = (
    "release", "again", "model", "weight", "weight", "stable", "shadow", "layout", "scale",
    "paused", "stop",
)  # fmt: skip
_RENDERED = ("comment", "gone", "application", "route", "route", "former", "former")
_MOST = re.compile(r"max_inflight: (\d+)")
_LATENCY = re.compile(r"latency_p99_ms: (\d+)")
_SHARES = (0, 5, 50, 100)


class Hands(Stage):
    """What people do."""

    @rule(
        pair=pairs,
        which=HANDFUL,
        place=st.sampled_from(_FAULTY),
        how=st.sampled_from(("field", "syntax", "gone")),
    )
    def put_a_fault(self, pair: Pair, which: int, place: str, how: str) -> None:
        """Break a typed file."""
        path = {
            "model": f"apps/{pair[0]}/model.yaml",
            "release": self._release_file(pair, which),
            "serving": files.serving_file(pair),
            "environments": ENVIRONMENTS,
            "teams": TEAMS,
        }[place]
        text = self.ground.read(path)
        if form(text.encode()) is not None:
            gone = f"{text}}}\n" if place == "teams" else None  # without it no model has an owner
            faulty = {"field": f"{text}oops: 1\n", "syntax": f"{text}]\n", "gone": gone}[how]
            self._rewrite(path, faulty)

    @precondition(lambda self: self.is_wrong())
    @rule(which=HANDFUL)
    def mend(self, which: int) -> None:
        """Mend one thing, by what it was when it was right."""
        wrong = sorted(verdict.errors(self.walker.oracle, self.walker.moment))
        self._mend(wrong[which % len(wrong)])
        self.by_hand("apps: Mend", render=bool(which % 2))

    @precondition(lambda self: self.is_wrong())
    @rule()
    def mend_everything(self) -> None:
        """Mend everything, so that a walk goes on from a good state."""
        for place in sorted(verdict.errors(self.walker.oracle, self.walker.moment)):
            self._mend(place)
        self.by_hand("apps: Mend everything", render=True)

    @precondition(lambda self: self.is_wrong())
    @rule()
    def mend_it_all(self) -> None:
        """Mend everything: more often than each single fault is made."""
        self.mend_everything()

    @rule(pair=pairs, which=HANDFUL, what=st.sampled_from(_TYPED), render=st.booleans())
    def edit_what_is_typed(self, pair: Pair, which: int, what: str, *, render: bool) -> None:
        """Edit typed files in a way that their form allows, rendered or not."""
        path = {"release": self._release_file(pair, which), "model": f"apps/{pair[0]}/model.yaml"}
        if what == "release":
            self._rewrite(path[what], _more(_MOST, self.ground.read(path[what])), render=render)
        elif what == "model":
            self._rewrite(path[what], _more(_LATENCY, self.ground.read(path[what])), render=render)
        elif what == "again":
            self._reuse_a_number(path["release"], render=render)
        elif what == "stop":
            self._rewrite(files.serving_file(pair), None, render=render)
        else:
            self._edit_a_serving_file(pair, which, what, render=render)

    @rule(pair=pairs, which=HANDFUL, how=st.sampled_from(_RENDERED))
    def edit_what_is_rendered(self, pair: Pair, which: int, how: str) -> None:
        """Edit, remove or bring back something that is generated."""
        path = {
            "application": f"argocd/applications/{pair[1]}/{pair[0]}.yaml",
            "route": files.rendered_file(pair, "httproute"),
        }.get(how, files.rendered_file(pair, "deployment", self.deployed(pair, which)))
        text = self.ground.read(path)
        if how == "former":
            self._bring_back(pair, which + 1)
        elif how == "route":
            head, mark, tail = text.rpartition("weight: ")
            share = f"{_SHARES[which % len(_SHARES)]}"
            self._rewrite(path, f"{head}{mark}{share}\n{tail.partition(chr(10))[2]}" * bool(mark))
        elif text:
            self._rewrite(path, None if how == "gone" else f"{text}# by hand\n")

    @precondition(lambda self: self.is_wrong())
    @rule()
    def render(self) -> None:
        """Render everything that can be."""
        self.by_hand("apps: Render", render=True)

    @precondition(lambda self: not self.walker.dirt)
    @rule(stage=st.booleans())
    def scribble(self, *, stage: bool) -> None:
        """Leave something undone that is no concern of a command."""
        self.ground.write("notes.txt", self.ground.read("notes.txt") + "half a thought\n")
        if stage:
            self.ground.git("add", "notes.txt")
        self.walker.look()

    def _release_file(self, pair: Pair, which: int) -> str:
        return files.release_file(pair[0], self.release_of(pair[0], which))

    def _edit_a_serving_file(self, pair: Pair, which: int, what: str, *, render: bool) -> None:
        serving = self.walker.oracle.serving(self.walker.moment, pair)
        if serving is None:
            return
        name, share = self.deployed(pair, which), _SHARES[which % len(_SHARES)]
        other = self.release_of(pair[0], which)
        listed = "".join(f"\n  {r}: {w}  # share of {r}" for r, w in serving["weights"].items())
        pattern, new = {
            "weight": (rf"\b{name}: \d+", f"{name}: {share}"),
            "stable": (r"stable: \S+", f"stable: {other if which else 'r99'}"),
            "shadow": (
                r"(?s)\A(?!.*shadow)(.*)\nscale:",
                rf"\1\nshadow: {{release: {other}, percent: 10}}\nscale:",
            ),
            "layout": (r"weights: \{.*\}", f"weights:  # who gets what{listed}"),
            "scale": (r"min: 1", "min: 2"),
            "paused": (r"(?s)\A(?!.*paused)(.*)\Z", r"\1# for a while\npaused: true\n"),
        }[what]
        path = files.serving_file(pair)
        self._rewrite(path, re.sub(pattern, new, self.ground.read(path)), render=render)

    def _reuse_a_number(self, path: str, *, render: bool) -> None:
        """Remove a release, and add another of the same name."""
        text = self.ground.read(path)
        if text:
            self._rewrite(path, None)
            self._rewrite(path, _more(_MOST, text), render=render)

    def _bring_back(self, pair: Pair, back: int) -> None:
        """Check out rendered files alone, as they were."""
        self.tidy()
        line = list(self.walker.moment.back())
        folder = files.rendered_file(pair, "").rpartition("/")[0]
        self.ground.git("rm", "-r", "-q", folder)
        self.ground.git("checkout", line[min(back, len(line) - 1)].id, "--", folder)
        self.by_hand(f"{folder}: Bring back")

    def _mend(self, place: verdict.Place) -> None:
        """Write what was there when it was right, where it ever was."""
        oracle, moment = self.walker.oracle, self.walker.moment
        kind, *of = place
        if kind == "pair":
            self._mend_a_pair((of[0], of[1]))
            return
        path = {
            "environments": ENVIRONMENTS,
            "teams": TEAMS,
            "model": f"apps/{of[0]}/model.yaml" if of else "",
            "release": files.release_file(*of) if kind == "release" else "",
        }[kind]
        contents = (oracle.read(then, path) for then in moment.back())
        good = next((c for c in contents if c is not None and form(c) is not None), None)
        self.ground.write(path, good and good.decode())

    def _mend_a_pair(self, pair: Pair) -> None:
        oracle, moment = self.walker.oracle, self.walker.moment
        path = files.serving_file(pair)
        if path not in moment.files:
            return
        for then in moment.back():
            serving = oracle.serving(then, pair)
            if serving is None or not verdict.is_sound(oracle, then, pair, serving):
                continue
            needed = [files.release_file(pair[0], name) for name in files.deployed(serving)]
            for name in (path, *needed):
                if name == path or name not in moment.files:
                    self.ground.write(name, self.ground.blobs[then.files[name]].decode())
            return

    def _rewrite(self, path: str, text: str | None, *, render: bool = False) -> None:
        before = self.ground.read(path)
        if before and text != before:
            self.ground.write(path, text)
            self.by_hand(f"{path}: Edit by hand", render=render)


def _more(pattern: re.Pattern[str], text: str) -> str:
    """A text with another number."""
    return pattern.sub(lambda f: f[0].replace(f[1], str(1 + (int(f[1]) + 16) % 64)), text)
