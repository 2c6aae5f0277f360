"""File trees like the kernel's, which say what a process may use."""

from pathlib import Path


def tree(root: Path, files: dict[str, str]) -> Path:
    """`root`, in which these files now are."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
