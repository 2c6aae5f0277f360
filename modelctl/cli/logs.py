"""`modelctl logs`: what the servers of a model say, and said before they ended."""

import argparse
import re
import time
from collections.abc import Iterable

from modelctl.cli import engine
from modelctl.cli.values import lines
from modelctl.errors import UsageError
from modelctl.local.observe.logtail import Followed, Line, tail
from modelctl.local.servers import logs
from modelctl.local.state import StateFolder
from modelctl.nearest import hint

_LOG = re.compile(r"(?P<model>.+)-(?P<release>r[0-9]+)-[0-9]+\.log(\.1)?")
_LOOK_S = 0.2  # between two looks at the files that are followed


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="model whose servers are meant")
    parser.add_argument("release", metavar="RELEASE", nargs="?", help="only this release, as r2")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    parser.add_argument(
        "-n", "--lines", type=lines, default=20, metavar="N", help="last lines (default: 20)"
    )
    engine.add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the last lines in order of time, and with --follow those that come.

    Raises:
        UsageError: No server of that name has ever run here.
    """
    asked = (engine.folder(arguments), arguments.model, arguments.release)
    files = logs.paths(*asked)
    if not files:
        raise _unknown(*asked)
    followed = Followed(*asked)
    is_named = len({path.name.partition(".log")[0] for path in files}) > 1
    _print(tail(*asked, arguments.lines), is_named=is_named)
    while arguments.follow:
        time.sleep(_LOOK_S)
        _print(followed.added(), is_named=is_named)
    return 0


def _print(found: Iterable[Line], *, is_named: bool) -> None:
    for line in found:
        text = "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in line.text)
        print(f"{line.server} | {text}" if is_named else text, flush=True)


def _unknown(folder: StateFolder, model: str, release: str | None) -> UsageError:
    """Why there is no log, with the nearest name of one that is there."""
    names = [match for path in folder.logs.glob("*.log") if (match := _LOG.fullmatch(path.name))]
    releases = sorted({match["release"] for match in names if match["model"] == model})
    if release is not None and releases:
        return UsageError(
            f"{model} {release}: found no log of that release in {folder.logs}, expected one "
            f"that has run here: {hint(release, releases)}"
        )
    models = sorted({match["model"] for match in names})
    near = hint(model, models) if models else "`modelctl up` starts servers, which write them"
    return UsageError(
        f"{model}: found no log of that model in {folder.logs}, expected one that has run here: "
        f"{near}"
    )
