"""The report of a check, for people or for programs: one module a format, in one table."""

from collections.abc import Callable, Mapping, Sequence

from modelctl.check.report.as_json import as_json
from modelctl.check.report.checked import Checked
from modelctl.check.report.github import github
from modelctl.check.report.gitlab import gitlab
from modelctl.check.report.junit import junit
from modelctl.check.report.sarif import sarif
from modelctl.check.report.text import text
from modelctl.finding import Finding

Reporter = Callable[[Sequence[Finding], Checked], str]

REPORTERS: Mapping[str, Reporter] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
    "junit": junit,
    "github": github,
    "gitlab": gitlab,
}

__all__ = ["REPORTERS", "Checked", "Reporter", "as_json", "text"]
