"""dkms: the installed nvidia module, built for the running kernel."""

import platform

from . import calls, gpus


def main() -> None:
    """Answer one call."""
    arguments = calls.log("dkms")
    module = gpus.installed()
    if arguments[:1] == ["status"] and module:
        kernel, machine = platform.release(), platform.machine()
        calls.out(f"nvidia/{module['version']}, {kernel}, {machine}: installed")


if __name__ == "__main__":
    main()
