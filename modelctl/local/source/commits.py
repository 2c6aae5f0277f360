"""The last commit of each model: looked for once a state of it, however long the history is."""

import threading
from collections.abc import Mapping

from modelctl.local.source.protocol import Source
from modelctl.repo.git import Commit

# Commits that are searched while a revision waits to be served, a few milliseconds' work. Whoever
# changed a model just now is among them; who did long ago may be told a little later.
_AT_ONCE = 256


class LastCommits:
    """By model and state of its folder, the commit that made it so."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: dict[str, tuple[str, Commit]] = {}
        self._missed: dict[str, tuple[str, int | None]] = {}  # the state, and where it ended
        self._closed = threading.Event()

    def of(
        self, revision: str, states: Mapping[str, str], *, limit: int | None = _AT_ONCE
    ) -> dict[str, Commit]:
        """The last commit of each model whose folder is in these states, as far as it is found.

        Searches the last `limit` commits that touched models, without one the whole history.
        """
        unknown = [
            name
            for name, state in states.items()
            if self._known(name, state) is None
            and self._missed.get(name) not in ((state, limit), (state, None))
        ]
        if unknown:
            found = self._source.last_commits(
                revision, unknown, limit=limit, stopped=self._closed.is_set
            )
            self._found |= {name: (states[name], commit) for name, commit in found.items()}
            self._missed |= {name: (states[name], limit) for name in unknown if name not in found}
        told = {name: self._known(name, state) for name, state in states.items()}
        return {name: commit for name, commit in told.items() if commit is not None}

    def close(self) -> None:
        """End a search that runs."""
        self._closed.set()

    def _known(self, name: str, state: str) -> Commit | None:
        of_state, commit = self._found.get(name, ("", None))
        return commit if of_state == state else None
