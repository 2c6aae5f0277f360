"""update-initramfs: notes that it was called."""

from . import calls

if __name__ == "__main__":
    calls.log("update-initramfs")
