"""The operators that were tried: `python -m tests.serving.native.table` writes them anew.

So it is done after an update of onnx or onnxruntime. What died besides what
`modelserver.model.guard.table` says is printed, to be added there.
"""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Any

from modelserver.model.guard.table import NEEDS_ELEMENTS
from scratch import PROJECT

TABLE = PROJECT / "serving/modelserver/model/guard/tried.py"

_HEAD = '''"""Operators that were tried on empty tensors.

Written by `python -m tests.serving.native.table`; do not edit.
"""

'''


_TAIL = '''
TRIED = frozenset(
    (domain, op_type)
    for domain, words in ({domains})
    for op_type in words.split()
)
"""By domain and name."""
'''


@cache
def driven(*arguments: str) -> tuple[dict[str, Any], ...]:
    """The lines that `tests.serving.native.drive` prints."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.serving.native.drive", *arguments],
        cwd=PROJECT,
        env=os.environ
        | {"PYTHONPATH": f"{PROJECT}:{PROJECT}/tests:{PROJECT}/serving"}
        | {"ORT_DISABLE_TELEMETRY": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return tuple(map(json.loads, finished.stdout.splitlines()))


def unknown(deaths: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those for which no input that was empty has to have elements."""
    return [death for death in deaths if "ran" not in death and not _is_known(death)]


def _is_known(death: dict[str, Any]) -> bool:
    return any(
        places is not None and (places == () or set(places) & set(death["empty_inputs"]))
        for key in death["operators"]
        for places in [NEEDS_ELEMENTS.get(tuple(key))]
    )


def text(ran: Iterable[list[str]]) -> str:
    """The module that lists them, by domain."""
    by_domain: dict[str, list[str]] = {}
    for domain, op_type in sorted(ran):
        by_domain.setdefault(domain, []).append(op_type)
    lists = [textwrap.fill(" ".join(names), 98) for names in by_domain.values()]
    domains = ", ".join(f'("{domain}", _WORDS_{place})' for place, domain in enumerate(by_domain))
    return (
        _HEAD
        + "".join(f'_WORDS_{place} = """\n{words}\n"""\n' for place, words in enumerate(lists))
        + _TAIL.format(domains=domains)
    )


if __name__ == "__main__":
    found = driven("empty", "--older")
    TABLE.write_text(text(found[-1]["ran"]), "utf-8")
    sys.stdout.writelines(f"{json.dumps(death)}\n" for death in unknown(found))
