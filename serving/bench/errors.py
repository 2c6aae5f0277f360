"""What can go wrong in a benchmark."""


class BenchError(Exception):
    """A benchmark cannot go on; the message says what was found and what to do next."""


class ContestantError(BenchError):
    """One contestant cannot be measured; the others still can."""
