"""YAML that is nearly right: seeded mutations of its values, of its words and of its bytes.

A mutation of values gives YAML again, one of words may, one of bytes hardly ever does.
"""

import random
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import yaml

from modelctl.repo.documents import parse

Path = tuple[Any, ...]
ODD_NUMBERS = (
    0, -1, 1, 3, 99, 100, 101, 0.1, -0.0, 1e308, 5e-324, 2**31, 2**63, 10**400, float("nan"),
    float("inf"),
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    [],
    {},
    [[]],
    [None],
    {"a": {"b": []}},
    {"": ""},
)
ODD_TEXTS = (
    "r1", "r9", "r01", "r" + "9" * 30, "local", "prod", "v1", "cpu", "nvidia.com/gpu", "\u00e9",
    "\u202e", "\u2028", "\U0001f600", "a\tb", "a\nb", "\x7f", "x" * 300, "../..", "/", "~",
    "{{x}}", "$(x)", "-", "NO", "1e3", "0x1f", "1_000", "2026-01-01", "12:30:00", "0", "1Gi",
    "100m", "-1Gi", "1e9Gi", "9" * 40 + "Gi", "sha256:" + "0" * 64, "https://", "https://[",
    "http://a b", "file:", "oci://x@sha256:" + "f" * 64, "models.test", "a" * 63 + ".test",
    "*.test", "10.0.0.0/33", "::/0",
)  # fmt: skip
ODD_WORDS = (
    b"null", b"~", b"[]", b"{}", b"-1", b"0", b"1.5", b"9" * 400, b"true", b"no", b"0o17", b"017",
    b"0x1F", b"1_000", b"1:30", b"2026-01-01", b".nan", b"-.inf", b"1e999", b"'x'", b'"\\0"',
    b'"\\ud800"', b'"\\U00110000"', b"&a", b"*a", b"!!python/object:os.system", b"<<: *a", b"? ",
    b"|", b">-", b"---", b"...", b"%YAML 1.1", b"#", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf",
    b"\t", b"\r", b"\r\n", b"\x00", b"\x1b[31m", b"\xff", b"\xed\xa0\x80", b"[" * 40, b"{a: " * 40,
    b"- " * 40, b"'", b'"', b"x" * 5000, b"r1", b"r2", b"{{ .Values }}",
)  # fmt: skip
_WAIVER = b"# modelctl: waive %s until %s: %s\n"
_RULES = (b"weights-sum-100", b"target-reachable", b"schema-valid", b"no-such-rule", b"", b"\xff")
_DAYS = (b"2026-06-30", b"2020-01-01", b"9999-99-99", b"never", b"")
_WORD = re.compile(rb"[^\s,\[\]{}]+")
_COMMENT = re.compile(rb"(?:#[^\n]*\n)*")


def mutated(chance: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A file after one to three mutations; `others` are files that values are taken from."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        kind = chance.random()
        if kind < 0.6:
            content = with_other_value(chance, content, others)
        elif kind < 0.85:
            content = with_other_word(chance, content)
        else:
            content = with_other_bytes(chance, content)
    return content


def with_other_value(chance: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """The file with one value changed, its first comment kept; other bytes where it is no YAML."""
    value = value_of(content)
    paths = list(places(value))
    if not paths:
        return with_other_bytes(chance, content)
    value = deepcopy(value)
    change(chance, value, chance.choice(paths), value_of(chance.choice(others)))
    comment = _COMMENT.match(content)
    try:
        written = yaml.dump(
            value,
            Dumper=yaml.CSafeDumper,
            sort_keys=chance.random() < 0.1,
            default_flow_style=chance.choice((False, None, None, True)),
            allow_unicode=chance.random() < 0.7,
        )
    except yaml.YAMLError:  # it has no words for some texts
        return with_other_word(chance, content)
    return (comment[0] if comment else b"") + written.encode("utf-8", "surrogatepass")


def value_of(content: bytes) -> Any:  # noqa: ANN401 - any YAML
    """What a file says; None where it cannot be parsed."""
    document, _ = parse("", content)
    return document.value if document is not None else None


def places(value: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401
    """The path of every value inside a value."""
    inside: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for step, inner in inside:
        yield (*path, step)
        yield from places(inner, (*path, step))


def change(chance: random.Random, value: Any, path: Path, other: Any) -> None:  # noqa: ANN401
    """Change what lies at a path: remove, repeat, retype, nest, swap, or take from another."""
    *outer, last = path
    parent = value
    for step in outer:
        parent = parent[step]
    kind = chance.randrange(9)
    if kind == 0:
        del parent[last]
    elif kind == 1:
        _repeat(chance, parent, last)
    elif kind == 2:
        parent[last] = deepcopy(chance.choice(ODD_VALUES))
    elif kind == 3:
        parent[last] = chance.choice(ODD_NUMBERS)
    elif kind == 4:
        parent[last] = chance.choice(ODD_TEXTS)
    elif kind == 5:
        parent[last] = _nested(parent[last], chance.choice((1, 2, 31, 40)))
    elif kind == 6:
        step = chance.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        parent[last], parent[step] = parent[step], parent[last]
    elif kind == 7:
        parent[last] = _near(chance, parent[last])
    else:
        parent[last] = _from_other(chance, other, path)


def _repeat(chance: random.Random, parent: Any, last: Any) -> None:  # noqa: ANN401
    """Once more the same: a further item, or an entry under another name."""
    if isinstance(parent, list):
        parent += [deepcopy(parent[last]) for _ in range(chance.choice((1, 1, 2, 200)))]
    else:
        parent[chance.choice((*ODD_TEXTS, f"{last}2", f"{last}".upper()))] = deepcopy(parent[last])


def _near(chance: random.Random, value: Any) -> Any:  # noqa: ANN401
    """Nearly the same value."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + chance.choice((-1, 1, 0.5, 100))
    if isinstance(value, str) and value:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(("", "0", "é", "/", value[at] * 2)) + value[at + 1 :]
    return [value]


def _from_other(chance: random.Random, other: Any, path: Path) -> Any:  # noqa: ANN401
    """What another file has at the same path, or anywhere."""
    try:
        found = other
        for step in path:
            found = found[step]
    except (KeyError, IndexError, TypeError):
        anywhere = list(places(other))
        found = other
        for step in chance.choice(anywhere) if anywhere else ():
            found = found[step]
    return deepcopy(found)


def _nested(value: Any, depth: int) -> Any:  # noqa: ANN401
    for _ in range(depth):
        value = [value]
    return value


def with_other_word(chance: random.Random, content: bytes) -> bytes:
    """The file with a word or a line changed; comments stay."""
    kind = chance.randrange(6)
    if kind == 0:
        waiver = (chance.choice(_RULES), chance.choice(_DAYS), chance.choice((b"why", b"", b"\t")))
        return _WAIVER % waiver + content
    if kind == 1:
        lines = content.splitlines(keepends=True) or [b""]
        at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
        line = chance.choice((b" ", b"", b"- ", b"\t")) + lines[at]
        return b"".join([*lines[:to], line, *lines[to + chance.choice((0, 0, 1)) :]])
    words = list(_WORD.finditer(content))
    if not words:
        return chance.choice(ODD_WORDS)
    word = chance.choice(words)
    new = chance.choice(ODD_WORDS) if kind < 4 else chance.choice(words)[0]
    return content[: word.start()] + new + content[word.end() :]


def with_other_bytes(chance: random.Random, content: bytes) -> bytes:
    """The file with some bytes changed, cut off or put in."""
    at = chance.randint(0, len(content))
    kind = chance.randrange(5)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + chance.choice(ODD_WORDS) + content[at:]
    if kind == 2:
        return content[:at] + chance.randbytes(chance.randint(1, 9)) + content[at + 2 :]
    if kind == 3:
        return content + content[at:]
    bit = 1 << chance.randrange(8)
    return content[:at] + bytes(byte ^ bit for byte in content[at : at + 1]) + content[at + 1 :]
