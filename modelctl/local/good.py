"""The last good commit of each model, kept so that a start serves what ran before.

The file has from its first write on the size that it will have for long: two slots, overwritten in
place by turns. So a full disk stops no update, and whatever an interrupted one leaves behind, the
other slot is whole.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SLOT_BYTES = 65_536  # the smallest slot: room for about 800 models; others are 2, 4, 8 times that
_MAGIC = "modelctl-good-1"
_KEPT = 8  # sources and environments; the one that was served longest ago is forgotten

_States = dict[str, dict[str, str]]  # by source and environment, then by model, the commit


class GoodStates:
    """For one source and environment, by model, the commit whose bytes were served last."""

    def __init__(self, path: Path, source: str, environment: str) -> None:
        """Read what earlier runs have left; what cannot be read counts as nothing."""
        self._path = path
        self._key = json.dumps([source, environment])
        self._file = _read(path)
        self._merging, self._writing = threading.Lock(), threading.Lock()
        self._now = dict(self._file.states.get(self._key, {}))

    @property
    def models(self) -> Mapping[str, str]:
        """By model, the commit; only models of which something is known."""
        return self._now

    def of(self, model: str) -> str | None:
        """The commit whose bytes of a model were served last; None where nothing is known."""
        return self._now.get(model)

    def remember(self, served: Mapping[str, str | None]) -> str:
        """Note what is about to be served, None for a model that is gone; the rest stays.

        It is on the disk when this returns. Gives why it is not, or "": what could not be written
        is written with the next call. May be called from any thread; where a disk holds up one
        call, the next ones do not wait for it.
        """
        with self._merging:
            after = {**self._now, **served}
            self._now = {model: commit for model, commit in sorted(after.items()) if commit}
        if not self._writing.acquire(blocking=False):
            return f"{self._path}: the last good state is not kept yet: the disk does not answer"
        try:
            self._write()
        except OSError as error:
            return f"{self._path}: the last good state cannot be kept: {error.strerror}"
        finally:
            self._writing.release()
        return ""

    def _write(self) -> None:
        now = self._now
        if now == self._file.states.get(self._key, {}):
            return
        others = [item for item in self._file.states.items() if item[0] != self._key]
        states = dict([*others[1 - _KEPT :], (self._key, now)])
        self._file = _written(self._path, self._file, states)


@dataclass(frozen=True, slots=True)
class _File:
    """What the file holds: the newest state that is whole, and its number.

    `slot_bytes` is 0 where there is no file of two slots.
    """

    states: _States
    sequence: int = 0
    slot_bytes: int = 0


def _read(path: Path) -> _File:
    try:
        content = path.read_bytes()
    except OSError:
        return _File({})
    whole = filter(None, (_slot(content, start) for start in _starts(len(content))))
    newest = max(whole, key=lambda slot: slot.sequence, default=_File({}))
    # A file of another length was cut off: it is made anew.
    sound = 2 * newest.slot_bytes == len(content)
    return newest if sound else _File(newest.states, newest.sequence)


def _starts(length: int) -> Iterator[int]:
    """Where a slot may begin: the second one behind a first of any size."""
    start = 0
    while start < length:
        yield start
        start = max(_SLOT_BYTES, 2 * start)


def _slot(content: bytes, start: int) -> _File | None:
    """What a slot says; None where it is not whole."""
    head = content[start : start + _SLOT_BYTES].split(b"\n", 1)[0]
    words = head.split(b" ")
    if len(words) != 5 or words[0] != _MAGIC.encode():  # noqa: PLR2004 - as `_encoded` writes it
        return None
    begin = start + len(head) + 1
    try:
        sequence, slot_bytes, length = map(int, words[1:4])
        payload = content[begin : begin + length]
        if _digest(sequence, slot_bytes, payload).encode() != words[4]:
            return None
        states: _States = json.loads(payload)
    except ValueError:
        return None
    return _File(states, sequence, slot_bytes)


def _written(path: Path, before: _File, states: _States) -> _File:
    """Write states as the next number, in place where they fit.

    Raises:
        OSError: They are not written; what was there before can be read as ever.
    """
    sequence = before.sequence + 1
    if before.slot_bytes:
        slot = _encoded(states, sequence, before.slot_bytes)
        if len(slot) <= before.slot_bytes and path.exists():
            _overwrite(path, slot, sequence % 2 * before.slot_bytes)
            return _File(states, sequence, before.slot_bytes)
    slot_bytes = _SLOT_BYTES
    while len(slot := _encoded(states, sequence, slot_bytes)) > slot_bytes:
        slot_bytes *= 2
    empty = b"\0" * slot_bytes
    slot = slot.ljust(slot_bytes, b"\0")
    _replace(path, empty + slot if sequence % 2 else slot + empty)
    return _File(states, sequence, slot_bytes)


def _encoded(states: _States, sequence: int, slot_bytes: int) -> bytes:
    payload = json.dumps(states).encode()
    digest = _digest(sequence, slot_bytes, payload)
    return f"{_MAGIC} {sequence} {slot_bytes} {len(payload)} {digest}\n".encode() + payload


def _digest(sequence: int, slot_bytes: int, payload: bytes) -> str:
    return hashlib.sha256(b"%d %d " % (sequence, slot_bytes) + payload).hexdigest()


def _overwrite(path: Path, slot: bytes, start: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _write_all(descriptor, slot, start)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    """Put another file in the place of this one, once it is whole on the disk."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, content, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_all(descriptor: int, content: bytes, start: int) -> None:
    """Write everything at a place; a file system that is nearly full takes it in parts."""
    left = memoryview(content)
    while left:
        taken = os.pwrite(descriptor, left, start)
        left, start = left[taken:], start + taken
