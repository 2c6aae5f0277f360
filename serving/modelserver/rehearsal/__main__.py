"""The program: `python -m modelserver.rehearsal` reads what is asked as JSON from its input.

It prints a report as JSON, and exits 0; or a refusal, and exits as a server would that does not
start. A model may end the process: then nothing is printed.
"""

import os
import sys

from modelserver.start import reclaim

reclaim.share_heap()  # before numpy's threads begin, as in a server

from modelserver import process  # noqa: F401 - what a server holds counts to what it takes
from modelserver.errors import ModelServerError, StartError
from modelserver.rehearsal import asked, start

_SOFTWARE = 70  # EX_SOFTWARE of sysexits.h: a fault that no `StartError` names


def main() -> int:
    """Rehearse what the input asks for; the exit code."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print; the answer stays whole
    reached = ["reading what is asked"]
    try:
        answer: object = start.rehearse(asked.read(sys.stdin.buffer.read()), reached.append)
        code = 0
    except ModelServerError as error:
        code = error.exit_code if isinstance(error, StartError) else _SOFTWARE
        answer = asked.Refusal(
            error=type(error).__name__,
            exit_code=code,
            step=reached[-1],
            detail=str(error),
            shapes=error.shapes if isinstance(error, start.Misdeclared) else {},
        )
    with answers:
        answers.write(asked.written(answer))
    return code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
