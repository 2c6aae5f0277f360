"""What Schemathesis need not try."""

from typing import Any

import schemathesis


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:  # noqa: ANN401
    """Leave headers alone that no document names: every HTTP server takes those."""
    return not any(name.lower().startswith("x-schemathesis") for name in case.headers or {})
