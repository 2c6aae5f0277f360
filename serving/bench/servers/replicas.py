"""Several model servers on one port, started and ended together.

Started as ``python -m serving.bench.servers.replicas COUNT``. In a cluster a Service stands before
the replicas; here the kernel spreads connections over them.
"""

import signal
import subprocess
import sys
from types import FrameType


def main(count: int) -> int:
    """Run until asked to stop; the worst exit code."""
    replicas: list[subprocess.Popen[bytes]] = []

    def stop(number: int, _: FrameType | None) -> None:
        for each in replicas:
            each.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    replicas += [subprocess.Popen([sys.executable, "-m", "modelserver"]) for _ in range(count)]
    return max(each.wait() for each in replicas)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
