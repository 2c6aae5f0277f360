"""The log: one line of JSON for each event, on stderr. Never payloads, never credentials."""

import json
import logging
import sys
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

LOGGER = logging.getLogger("modelserver")


class JsonFormatter(logging.Formatter):
    """A record as one line: time, level, event, the server's `constants`, its own fields."""

    def __init__(self, **constants: str) -> None:
        super().__init__()
        self._constants = constants

    def format(self, record: logging.LogRecord) -> str:
        """JSON text without a line break; a traceback goes into the field `traceback`."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **self._constants,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str, **constants: str) -> None:
    """Send what this process logs to stderr, from `level` on; of other packages only what is wrong.

    `constants` stand in every line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(**constants))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def info(event: str, **fields: object) -> None:
    """Log something that was to be expected."""
    LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Log something that a person should look at, while the server goes on."""
    LOGGER.warning(event, extra={"fields": fields})


def error(event: str, **fields: object) -> None:
    """Log something that ended what was under way."""
    LOGGER.error(event, extra={"fields": fields})


def without_credentials(uri: str) -> str:
    """The URI without user, password, query and fragment, any of which may hold a secret."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
