"""`python clocked.py COMMAND…`: run a command in the current folder; what it took, as JSON.

A process of its own, and a small one: to Linux a program's peak of memory is at least that of the
process which started it.
"""

import json
import resource
import subprocess
import sys
import time


def main() -> int:
    """Run the command; its exit code, with its own last words where that is not 0."""
    began_s = time.perf_counter()
    done = subprocess.run(
        sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    wall_s = time.perf_counter() - began_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # of whatever the command started, too
    found = {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": wall_s,
        "peak_bytes": used.ru_maxrss * 1024,
    }
    print(json.dumps(found))
    sys.stderr.write(done.stderr.decode(errors="replace"))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
