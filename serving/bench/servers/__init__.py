"""The smallest fair server for each peer, written as its own first tutorial would have it.

Each module runs in the virtual environment of its peer, and is told what to serve by the
environment variables that `serving.bench.servers.settings` reads.
"""
