"""What happened, newest last: told to the log at once, and kept for the status page."""

import logging
from collections import deque
from datetime import UTC, datetime

from modelctl.status.event import Event, printable

_KEPT = 50  # events of one model
_COMPARED = 4  # of these, the last ones that a new event may repeat: some come in turns
_LOG = logging.getLogger("modelctl.up")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Journal:
    """The last events of each model, and of the engine itself under the empty name."""

    def __init__(self) -> None:
        self._events: dict[str, deque[Event]] = {}

    def add(self, model: str, level: str, message: str) -> None:
        """Record an event; one that repeats one of the last of its model only counts up."""
        message = printable(message)
        _LOG.log(_LEVELS[level], "%s%s", f"{model}: " if model else "", message)
        events = self._events.setdefault(model, deque(maxlen=_KEPT))
        same = [e for e in list(events)[-_COMPARED:] if (e.level, e.message) == (level, message)]
        count = 1 + sum(event.count for event in same)
        for event in same:
            events.remove(event)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        events.append(Event(time, level, message, count))

    def of(self, model: str) -> tuple[Event, ...]:
        """The events of a model, newest first."""
        return tuple(reversed(self._events.get(model, ())))

    def forget(self, model: str) -> None:
        """Drop the events of a model that is no longer served."""
        self._events.pop(model, None)
