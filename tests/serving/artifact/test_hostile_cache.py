"""A cache that others write into as well: what they leave there does no harm."""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver import errors
from modelserver.artifact import folder as folders
from modelserver.artifact import still
from modelserver.artifact.cache import Cache
from tests.serving.artifact import disks
from tests.serving.artifact.wanted import CONTENT, SHA256, obtain, wanted

FORMER = "0" * 64
OLDER = "1" * 64
PRECIOUS = b"precious"
MIB = 1 << 20


@pytest.fixture
def folder(cache: Path) -> Path:
    """Where the cache keeps its files."""
    made = cache / "sha256"
    made.mkdir(parents=True)
    return made


def link(path: Path) -> None:
    """A symbolic link to a file that somebody cares for."""
    path.symlink_to(path.parent.parent / "precious")


def dangling_link(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to(path.parent / "nothing")


def hard_link(path: Path) -> None:
    """Another name of a file that somebody cares for."""
    path.hardlink_to(path.parent.parent / "precious")


def pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


def listener(path: Path) -> None:
    """A socket."""
    os.mknod(path, stat.S_IFSOCK | 0o600)


def directory(path: Path) -> None:
    """A folder with something in it."""
    path.mkdir()
    (path / "file").touch()


THINGS = [link, dangling_link, hard_link, pipe, listener, directory]


@pytest.mark.parametrize("name", [SHA256, f"{SHA256}.partial", f"{SHA256}.lock"])
@pytest.mark.parametrize("leave", THINGS)
def test_what_others_leave_is_neither_read_nor_written(
    root: Path, cache: Path, folder: Path, leave: Callable[[Path], None], name: str
) -> None:
    """Whatever bears a name of the cache's, the start has the right bytes and changes no other."""
    (cache / "precious").write_bytes(PRECIOUS)
    leave(folder / name)
    found = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert CONTENT == found
    assert PRECIOUS == (cache / "precious").read_bytes()
    assert (cache / "precious").stat().st_mode & 0o200


def right(path: Path) -> None:
    """The artifact itself."""
    path.write_bytes(CONTENT)


def half(path: Path) -> None:
    """What a transfer that was killed has left."""
    path.write_bytes(CONTENT[:4000])


def wrong(path: Path) -> None:
    """Bytes of the right number, but other ones."""
    path.write_bytes(CONTENT[::-1])


def longer(path: Path) -> None:
    """The artifact, and more."""
    path.write_bytes(CONTENT * 2)


def empty(path: Path) -> None:
    """Nothing, under a name."""
    path.touch(0o000)


NAMES = [SHA256, f"{SHA256}.partial", f"{SHA256}.lock", FORMER, f"{FORMER}.partial", "notes"]
LEFT = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from([*THINGS, right, half, wrong, longer, empty])
)


@given(left=LEFT, mode=st.sampled_from([0o700, 0o755, 0o777, 0o1777]))
def test_whatever_is_there(
    tmp_path_factory: pytest.TempPathFactory, left: dict[str, Callable[[Path], None]], mode: int
) -> None:
    """With anything under any names the right bytes arrive, twice, and all else stays as it is."""
    base = tmp_path_factory.mktemp("whatever")
    (base / "model.onnx").write_bytes(CONTENT)
    (base / "cache" / "sha256").mkdir(parents=True)
    (base / "cache" / "precious").write_bytes(PRECIOUS)
    for name, leave in left.items():
        leave(base / "cache" / "sha256" / name)
    (base / "cache" / "sha256").chmod(mode)
    artifact = wanted("file:model.onnx")
    found = [obtain(artifact, cache_dir=base / "cache", root=base) for _ in range(2)]

    assert [CONTENT] * 2 == found
    assert PRECIOUS == (base / "cache" / "precious").read_bytes()
    assert {FORMER, f"{FORMER}.partial", "notes"} & left.keys() <= {
        path.name for path in (base / "cache" / "sha256").iterdir()
    }


def test_linked_folder_is_refused(root: Path, cache: Path, tmp_path: Path) -> None:
    """Where the folder itself is a link, nothing is written to where it leads."""
    cache.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (cache / "sha256").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(errors.CacheUnusable):
        obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert [] == list((tmp_path / "elsewhere").iterdir())


def test_partial_file_of_another_user(root: Path, cache: Path, folder: Path) -> None:
    """What another user may write to is not gone on with."""
    if os.geteuid():
        pytest.skip("only root can give a file to another user")
    partial = folder / f"{SHA256}.partial"
    partial.write_bytes(CONTENT[:100])
    os.chown(partial, disks.STRANGER, disks.STRANGER)

    assert CONTENT == obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    assert os.geteuid() == (folder / SHA256).stat().st_uid


def test_sticky_folder_in_which_every_name_is_taken(root: Path, cache: Path, folder: Path) -> None:
    """A user who can remove nothing of another user's still gets the artifact."""
    for name in (SHA256, f"{SHA256}.partial"):
        (folder / name).write_bytes(b"wrong")
        (folder / name).chmod(0o600)
    folder.chmod(0o1777)
    disks.open_to_all(cache)
    disks.open_to_all(root)
    with disks.stranger():
        found = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert CONTENT == found
    assert b"wrong" == (folder / SHA256).read_bytes()


def test_folder_that_may_only_be_read(root: Path, cache: Path) -> None:
    """A complete cache needs no right to write."""
    obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    (root / "model.onnx").unlink()
    disks.open_to_all(cache / "sha256")
    with disks.stranger():
        found = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert CONTENT == found
    assert [cache / "sha256" / SHA256] == list((cache / "sha256").iterdir())


def test_folder_that_may_only_be_read_and_lacks_the_file(root: Path, cache: Path) -> None:
    """Where something has to be fetched, the error says what the folder must be."""
    (cache / "sha256").mkdir(parents=True)
    disks.open_to_all(cache / "sha256")
    disks.open_to_all(root)

    with disks.stranger(), pytest.raises(errors.CacheUnusable, match="holds the right file"):
        obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)


def test_writer_waits_until_the_bytes_are_loaded(root: Path, cache: Path) -> None:
    """Nobody opens the file for writing while it is loaded, and where that happens it shows."""
    path = cache / "sha256" / SHA256
    loads: list[Path] = []
    in_cache: list[bool] = []

    def load(file: Path) -> bytes:
        loads.append(file)
        in_cache.append(file.samefile(path))
        if len(loads) == 1:
            with pytest.raises(BlockingIOError):
                os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        return file.read_bytes()

    with Cache(cache, root) as used:
        content = used.use(wanted("file:model.onnx"), load)

    assert CONTENT == content
    assert [True, False] == in_cache  # first the file itself, then a copy


def test_error_about_bytes_that_changed_is_not_believed(root: Path, cache: Path) -> None:
    """Where somebody may have changed the bytes, a complaint about them counts for nothing."""
    loads: list[Path] = []

    def load(file: Path) -> bytes:
        loads.append(file)
        if len(loads) == 1:
            with pytest.raises(BlockingIOError):
                os.open(cache / "sha256" / SHA256, os.O_WRONLY | os.O_NONBLOCK)
            raise errors.ModelMalformed("nonsense")
        return file.read_bytes()

    with Cache(cache, root) as used:
        assert CONTENT == used.use(wanted("file:model.onnx"), load)


def test_error_about_the_right_bytes_stays(root: Path, cache: Path) -> None:
    """A model that cannot be loaded is tried once."""
    loads: list[Path] = []

    def load(file: Path) -> None:
        loads.append(file)
        raise errors.ModelMalformed("nonsense")

    with Cache(cache, root) as used, pytest.raises(errors.ModelMalformed):
        used.use(wanted("file:model.onnx"), load)

    assert 1 == len(loads)


def test_file_that_somebody_has_open_for_writing(root: Path, cache: Path) -> None:
    """A writer who was there before changes only the file, not what is loaded."""
    obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    path = cache / "sha256" / SHA256
    path.chmod(0o644)

    def load(file: Path) -> bytes:
        writer.seek(0)
        writer.write(b"other bytes")
        writer.flush()
        return file.read_bytes()

    with path.open("r+b") as writer, Cache(cache, root) as used:
        content = used.use(wanted("file:model.onnx"), load)

    assert CONTENT == content
    assert path.read_bytes().startswith(b"other bytes")


def test_copy_in_memory_cannot_be_written(tmp_path: Path) -> None:
    """What was copied is sealed against everyone, this process included."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with path.open("rb") as file, still.seal(file.fileno(), len(CONTENT)) as copy:
        with pytest.raises(PermissionError):
            os.pwrite(copy.descriptor, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(copy.descriptor, 0)

        assert CONTENT == copy.path.read_bytes()


def test_copy_is_bounded(tmp_path: Path) -> None:
    """A file that is larger than declared is not copied whole."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with path.open("rb") as file, still.seal(file.fileno(), 100) as copy:
        assert 101 == copy.size_bytes()


def test_full_disk_loses_what_was_not_used_for_longest(root: Path, tmp_path: Path) -> None:
    """Old files make room for what is needed, half-arrived ones first, then the oldest."""
    with disks.small(tmp_path / "small", 3 * MIB) as cache:
        folder = cache / "sha256"
        folder.mkdir()
        for age, name in enumerate([FORMER, OLDER, f"{'2' * 64}.partial"]):
            (folder / name).write_bytes(bytes(MIB))
            os.utime(folder / name, (1000 - age, 1000 - age))
        content = os.urandom(2 * MIB - 4096)
        (root / "model.onnx").write_bytes(content)
        found = obtain(wanted("file:model.onnx", content), cache_dir=cache, root=root)
        left = {path.name for path in folder.iterdir()}

    assert content == found
    assert {wanted("", content).sha256, FORMER} == left


def test_full_disk_keeps_what_runs(root: Path, tmp_path: Path) -> None:
    """What a server uses is never removed; where nothing else is, the disk is full."""
    first, second = os.urandom(2 * MIB), os.urandom(2 * MIB)
    with disks.small(tmp_path / "small", 3 * MIB) as cache, Cache(cache, root) as used:
        (root / "model.onnx").write_bytes(first)
        used.use(wanted("file:model.onnx", first), Path.read_bytes)
        (root / "model.onnx").write_bytes(second)
        with pytest.raises(errors.CacheFull, match="make room or enlarge"):
            obtain(wanted("file:model.onnx", second), cache_dir=cache, root=root)
        left = [path.name for path in (cache / "sha256").iterdir()]
        used.close()
        found = obtain(wanted("file:model.onnx", second), cache_dir=cache, root=root)

    assert [wanted("", first).sha256] == left
    assert second == found


def test_unknown_files_are_never_removed(root: Path, tmp_path: Path) -> None:
    """Only what bears a name of the cache's makes room."""
    content = os.urandom(MIB)
    (root / "model.onnx").write_bytes(content)
    with disks.small(tmp_path / "small", 2 * MIB) as cache:
        (cache / "sha256").mkdir()
        (cache / "sha256" / "notes").write_bytes(bytes(MIB + 8192))
        with pytest.raises(errors.CacheFull):
            obtain(wanted("file:model.onnx", content), cache_dir=cache, root=root)
        left = [path.name for path in (cache / "sha256").iterdir()]

    assert ["notes"] == left


def test_transfer_that_stands_still_is_not_waited_for(
    root: Path, cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the lock and brings nothing cannot stop a start for good."""
    monkeypatch.setattr(folders, "STALLED_S", 0.05)
    partial = folder / f"{SHA256}.partial"
    partial.write_bytes(b"half")
    with partial.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert CONTENT == found
