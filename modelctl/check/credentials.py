"""Finds credentials in a text by the forms that they are known to have.

Nothing here gives back a credential, only its kind and where it is. Random-looking text alone is
no sign of one: digests are everywhere in these files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from modelctl.repo.characters import OTHER_LINE_ENDS

# Repeats are bounded wherever a hostile line could make them long.
# Beginnings of a value that is empty, a reference, a placeholder or a collection of its own.
_NO_VALUE = r"(?:$|[#$<{}\[|>&*,]|(?:null|true|false)\b|~|[\"'](?:[$<{]|[\"']))"
# A key of a configuration whose value is a credential.
_KEY = (
    r"[\"']?(?:[\w.-]{0,80}[_.-])?(?:password|passwd|passphrase|api[_-]?key|secret[_-]key"
    r"|secret[_-]access[_-]key|client[_-]?secret|private[_-]?key|access[_-]?token"
    r"|auth[_-]?token|bearer[_-]?token)[\"']?"
)
_USER = r"[^\s/@:'\"<>{}$?#]+"

_ANYWHERE = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY",
    "an AWS access key": r"\bA(?:KIA|SIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bg(?:h[pousr]_[A-Za-z0-9]{36}|ithub_pat_[A-Za-z0-9_]{22})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{34}\b",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,400}\.eyJ[A-Za-z0-9_-]{8}",
    "a URI with a password": rf"\b[a-z][a-z0-9+.-]{{1,20}}://{_USER}:{_USER}@",
    "a URI with a token": r"\bhttps?://[A-Za-z0-9_-]{20,}@",
    "a signed URI": (
        r"[?&](?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)"
        r"|AWSAccessKeyId|Signature|sig|access_token)=[^&\s'\"<>{}$]"
    ),
    "a bearer token": r"\b[Bb]earer +[A-Za-z0-9._~+/-]{20}",
    "an object of kind Secret": (
        r"^(?:\{\s*)?[\"']?kind[\"']?:[ \t]*[\"']?Secret[\"']?[ \t]*(?:[#,}].*)?$"
    ),
}
_IN_CONFIGURATION = {
    "a credential under a telling key": (
        rf"(?i:(?:^|[{{,])[ \t]{{0,80}}(?:- +)?{_KEY}[ \t]*(?::[ \t]+|=[ \t]*)(?!{_NO_VALUE})\S)"
    ),
    "a credential in a variable": (
        rf"(?i:\bname:[ \t]*{_KEY}[ \t]*\n[ \t]*value:[ \t]+(?!{_NO_VALUE})\S)"
    ),
}
# A file of ASCII with none of these words, in small letters, has none of the forms above.
_WORDS = re.compile(
    r"private|akia|asia|gh[pousr]_|github_pat|glpat-|xox|aiza|hf_|eyj|://[^/\s]*@|[?&][a-z-]+="
    r"|bearer|secret|pass|api.?key|token"
)
_PROSE = (".md", ".rst", ".txt")  # here a word such as password is no key of a configuration
_MAX_IN_A_FILE = 20  # findings of one form; whoever has more mends those first
_BEFORE = " \t{,-\"'?&"  # what a form may match before the credential itself


@dataclass(frozen=True, slots=True)
class Credential:
    """What kind of credential begins at an offset of a text."""

    what: str
    offset: int


def credentials(path: str, text: str) -> Iterator[Credential]:
    """The first credentials of each form in a file, one a line, in the order of the text."""
    if text.isascii() and not _WORDS.search(text.lower()):
        return
    text = OTHER_LINE_ENDS.sub("\n", text.replace("\r\n", " \n"))  # offsets stay
    forms = _ANYWHERE if path.endswith(_PROSE) else _ANYWHERE | _IN_CONFIGURATION
    found: dict[int, Credential] = {}
    for what, pattern in forms.items():
        for match in islice(re.finditer(pattern, text, re.MULTILINE), _MAX_IN_A_FILE):
            offset = match.start() + len(match[0]) - len(match[0].lstrip(_BEFORE))
            line = text.count("\n", 0, offset)
            found.setdefault(line, Credential(what, offset))
    yield from sorted(found.values(), key=lambda credential: credential.offset)
