"""Install a lock file and say how far it is: `python .ci/install.py LOCK`.

Run by the Makefile with the Python of the virtual environment that it installs into. pip itself is
silent for a minute, or says a line for each file: this says which package of how many.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
OPTIONS = ["--progress-bar", "off", "--require-hashes", "--only-binary", ":all:"]
PIN = re.compile(r"^([A-Za-z0-9][^\s;\\]*==[^\s;\\]+(?: ; [^\\\n]*)?)", re.MULTILINE)
FETCHED = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
UNPACKING = "Installing collected packages"
LOOK_S = 0.5  # between two looks at what is unpacked
EVERY = 10  # packages a line, where no terminal rewrites it


def main(lock: Path) -> int:
    """Install everything that this machine needs of a lock file; pip's exit code."""
    wanted = {normal(pin.name) for pin in pins(lock.read_text("utf-8"))}
    print(f"setup: {lock.name}: {len(wanted)} packages, hashes verified", flush=True)
    began_s = time.monotonic()
    command = [*PIP, *OPTIONS, "--requirement", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip:
        follow(pip, pip.stdout or (), wanted)
    end_line()
    if pip.returncode == 0:
        print(f"setup: {lock.name}: done in {time.monotonic() - began_s:.0f} s", flush=True)
    return pip.returncode


def pins(text: str) -> Iterable[Requirement]:
    """The requirements of a lock file that count on this machine."""
    found = (Requirement(each.strip()) for each in PIN.findall(text))
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def normal(name: str) -> str:
    """The name of a package as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def follow(pip: "subprocess.Popen[str]", lines: Iterable[str], wanted: set[str]) -> None:
    """Say what pip fetches, and then how much of it is unpacked."""
    fetched = 0
    for line in lines:
        match = FETCHED.match(line)
        if match:
            fetched += 1
            say(f"fetched {fetched} of {len(wanted)}: {match[1]}", is_tenth=fetched % EVERY == 0)
        elif line.startswith(UNPACKING):
            break
    told = -1
    while pip.poll() is None:
        there = len(wanted & {normal(each.name or "") for each in distributions()})
        if there != told:
            say(f"unpacked {there} of {len(wanted)}", is_tenth=there // EVERY != told // EVERY)
            told = there
        time.sleep(LOOK_S)
    for _ in lines:  # until pip closes it
        pass


def say(words: str, *, is_tenth: bool) -> None:
    """Rewrite the line at a terminal; elsewhere say each tenth."""
    if sys.stdout.isatty():
        print(f"\r\x1b[Ksetup: {words}", end="", flush=True)
    elif is_tenth:
        print(f"setup: {words}", flush=True)


def end_line() -> None:
    """Leave the line that was rewritten."""
    if sys.stdout.isatty():
        print("\r\x1b[K", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
