"""Credentials are known by their forms; digests, names and references are none."""

import time

import pytest

from modelctl.check.credentials import Credential, credentials

LIMIT_S = 20.0  # of processor time: others on the machine do not count
SIZE = 1 << 20
# Written in two parts, so that scanners of this repository have nothing to find.
SECRETS = {
    "a private key": "-----BEGIN OPENSSH PRIVATE " + "KEY-----",
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "a1B2" * 5,
    "a Slack token": "xoxb-" + "1234567890-abc",
    "a Google API key": "AIza" + "Sy" + "a1B" * 11,
    "a Hugging Face token": "hf_" + "abcDE" * 6 + "abcd",
    "a JSON web token": "eyJ" + "hbGciOiJI.eyJ" + "zdWIiOiIx.abcdefgh",
    "a URI with a password": "postgres://user:" + "hunter2@db.example.com",
    "a URI with a token": "https://" + "a1B2" * 6 + "@git.example.com/a.git",
    "a signed URI": "https://a.example.com/r1.onnx?X-Amz-Date=1&X-Amz-" + "Signature=abc",
    "a bearer token": "Authorization: Bearer " + "a1B2" * 6,
    "an object of kind Secret": "kind: Secret",
}
TELLING = [
    "password: hunter2",
    "  db_password: 'hunter2'",
    "- api-key: abc",
    "apiKey: abc",
    '{"client_secret": "abc"}',
    "{user: a, password: b}",
    "AWS_SECRET_ACCESS_KEY=abc",
    "private_key = abc",
]
HARMLESS = [
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "image: registry.example.com:5000/a@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
    "uri: https://models.example.com/a/r1.onnx?version=2",
    "uri: s3://models/a@b/r1.onnx",
    "url: ssh://git@git.example.com/models.git",
    "url: git@git.example.com:models.git",
    "url: https://user@git.example.com/models.git",
    "clientSecret: $oidc.clientSecret",
    "password: ${DB_PASSWORD}",
    "password: <from the vault>",
    "password: {{ password }}",
    'password: ""',
    "password:",
    "password: null",
    "password: # set by the cluster",
    "passwordSecretRef: {name: store, key: password}",
    "secretKey: password",
    "secretName: store",
    "imagePullSecrets: [{name: pull}]",
    "automountServiceAccountToken: false",
    "  kind: Secret",
    "- {group: '', kind: Secret}",
    "kind: SecretStore",
    "kind: ExternalSecret",
    "tokenizer: bert",
    "max_tokens: 100",
    "the bearer of this letter",
]


def _found(text: str, path: str = "a.yaml") -> list[str]:
    return [credential.what for credential in credentials(path, text)]


@pytest.mark.parametrize(("what", "text"), SECRETS.items())
def test_known_forms(what: str, text: str) -> None:
    """A credential of a known form is found in any file, between other lines."""
    assert [what] == _found(f"a: 1\n{text}\nb: 2\n")
    assert [what] == _found(f"a: 1\n{text}\nb: 2\n", "notes.md")


@pytest.mark.parametrize(
    "end", ["\r\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"], ids=ascii
)
@pytest.mark.parametrize(
    "lines", [("# a", "password: hunter2", "b: 1"), ("a: 1", "kind: Secret", "b: 1")], ids=str
)
def test_every_line_end_is_one(lines: tuple[str, ...], end: str) -> None:
    """A line that only some reader sees begin, or end with CRLF, is searched like any other."""
    (credential,) = credentials("a.yaml", end.join(lines))

    assert len(lines[0] + end) == credential.offset


@pytest.mark.parametrize("text", TELLING)
def test_telling_keys(text: str) -> None:
    """A key that says what it holds is enough in configuration, and not in prose."""
    assert ["a credential under a telling key"] == _found(text)
    assert [] == _found(text, "notes.md")


def test_variables() -> None:
    """A variable of a pod is read as one, over two lines."""
    text = "env:\n  - name: DB_PASSWORD\n    value: hunter2\n"

    assert ["a credential in a variable"] == _found(text)
    assert [] == _found(text.replace("value: hunter2", "valueFrom: {secretKeyRef: {}}"))


@pytest.mark.parametrize("text", HARMLESS)
def test_no_false_alarm(text: str) -> None:
    """Digests, references, names of secrets and everyday words are none."""
    assert [] == _found(f"{text}\n")


def test_places() -> None:
    """A credential is found where it begins, one a line."""
    text = f"a: 1\nkey: {SECRETS['an AWS access key']} {SECRETS['a GitLab token']}\n"

    assert [Credential("an AWS access key", text.index("AKIA"))] == list(credentials("a", text))


HOSTILE = {
    "dashes": "token" + "-" * SIZE,
    "commas": "token" + ("," + "-" * 89) * (SIZE // 90),
    "tokens": "-eyJ" * (SIZE // 4),
    "long tokens": ("-eyJ" + "a" * 395) * (SIZE // 399),
    "uris": "a://a:" * (SIZE // 6),
    "one word": "token " + "a" * SIZE,
    "underscores": "token" + ",_a" * (SIZE // 3),
    "spaces": "bearer" + " " * SIZE,
    "capitals": "-----BEGIN " + "A " * (SIZE // 2),
    "braces": "secret\n" + "{ \n" * (SIZE // 3),
    "passwords": "password: x\n" * (SIZE // 12),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_cheap(text: str) -> None:
    """A megabyte made to keep the search busy is searched in bounded time."""
    start = time.process_time()
    found = _found(text)

    assert time.process_time() - start < LIMIT_S
    assert len(found) <= 40
