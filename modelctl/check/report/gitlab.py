"""GitLab's report of code quality, which it shows in a merge request.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from modelctl.check.report.checked import Checked
from modelctl.finding import Finding, Level

_SEVERITIES = {Level.ERROR: "blocker", Level.WARNING: "minor", Level.NOTE: "info"}


def gitlab(findings: Sequence[Finding], checked: Checked) -> str:
    """One entry a finding, each with a fingerprint of its own."""
    del checked
    seen: Counter[str] = Counter()
    entries = []
    for finding in findings:
        told = f"{finding.rule}\n{finding.path}\n{finding.message}"
        seen[told] += 1
        unique = f"{told}\n{seen[told]}".encode(errors="surrogatepass")
        entries.append(
            {
                "description": f"{finding.message} ({finding.remedy})",
                "check_name": finding.rule,
                "fingerprint": hashlib.sha256(unique).hexdigest(),
                "severity": _SEVERITIES[finding.level],
                "location": {"path": finding.path, "lines": {"begin": finding.position.line}},
            }
        )
    return json.dumps(entries, indent=2)
