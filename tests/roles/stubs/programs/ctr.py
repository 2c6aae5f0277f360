"""ctr: the version of both sides, and nothing that runs a container."""

from . import calls
from .containerd import ADDRESS


def main() -> None:
    """Answer one call."""
    arguments = calls.log("ctr")
    installed = calls.version("containerd.io")
    if not ADDRESS.exists():
        calls.fail(f"ctr: failed to dial {ADDRESS}: no such file or directory")
    if arguments[-1:] == ["version"]:
        calls.out(f"Client:\n  Version:  v{installed}\n\nServer:\n  Version:  v{installed}")
        return
    calls.out("REF TYPE DIGEST SIZE PLATFORMS LABELS")


if __name__ == "__main__":
    main()
