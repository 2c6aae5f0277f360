"""`modelctl` whose `up` starts cheap servers in the place of model servers."""

import sys
from functools import partial
from pathlib import Path

from modelctl import __main__ as modelctl
from modelctl.cli import up

SERVER = Path(__file__).with_name("cheap_server.py")

if __name__ == "__main__":
    command = (sys.executable, "-I", "-S", str(SERVER))
    up.Options = partial(up.Options, command=command)  # type: ignore[assignment,misc]
    sys.exit(modelctl.main())
