"""Start a program that the kernel ends when its starter dies: `launch.py PARENT PROGRAM ARG…`.

A process of its own rather than code between fork and exec, which is unsafe beside threads. Where
the kernel has no parent-death signal (macOS) the program starts without one, and the next
`modelctl up` ends what is left over.

Source: prctl(2), PR_SET_PDEATHSIG; the signal outlives execve.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this process to `parent`, then become `command`."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - a list of arguments, no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
