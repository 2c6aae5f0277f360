"""What every peer is told, the same for each; imports nothing beyond the standard library."""

import os

NAME = os.environ.get("BENCH_MODEL", "")
PATH = os.environ.get("BENCH_PATH", "")
PORT = int(os.environ.get("BENCH_PORT", "0"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "1"))
CLASSES = int(os.environ.get("BENCH_CLASSES", "0"))
INPUT_SHAPE = tuple(
    int(size) for size in os.environ.get("BENCH_INPUT_SHAPE", "").split(",") if size
)

MAX_BATCH = 32
BATCH_WAIT_S = 0.001
"""For peers that ask for a longest wait: short, and above zero, as their tutorials have it."""
