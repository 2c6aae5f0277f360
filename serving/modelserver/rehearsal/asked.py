"""What a rehearsal is asked, and what it reports: one JSON object each."""

from typing import Any

import msgspec
from msgspec import Struct, ValidationError

from modelserver.codec.wording import found_and_expected
from modelserver.errors import SettingsInvalid
from modelserver.model.contract import Contract
from modelserver.model.provider_options import ProviderOptions
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec


class Tensor(Struct, frozen=True):
    """A tensor of a contract."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def spec(self) -> TensorSpec:
        """The same as a plain value."""
        return TensorSpec(self.name, DATATYPES[self.datatype], self.shape)

    @classmethod
    def of(cls, spec: TensorSpec) -> "Tensor":
        """The same of a plain value."""
        return cls(spec.name, spec.datatype.name, spec.shape)


class Promise(Struct, frozen=True):
    """A contract."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def contract(self) -> Contract:
        """The same as a plain value."""
        return Contract(
            tuple(each.spec() for each in self.inputs), tuple(each.spec() for each in self.outputs)
        )

    @classmethod
    def of(cls, contract: Contract) -> "Promise":
        """The same of a plain value."""
        return cls(tuple(map(Tensor.of, contract.inputs)), tuple(map(Tensor.of, contract.outputs)))


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be rehearsed.

    `path`, `golden` and `example` are files; the example ends in .json, .npz or .csv. Without a
    `contract` it is what the graph declares, as far as runs bear that out. `memory_bytes` is what a
    server would have (None: what this machine has).
    """

    path: str
    contract: Promise | None = None
    providers: tuple[str, ...] = ("cpu",)
    provider_options: ProviderOptions = ProviderOptions()
    threads: int = 1
    max_rows: int = 1
    rows_claimed: bool = False
    golden: str | None = None
    example: str | None = None
    memory_bytes: int | None = None


class Report(Struct, frozen=True, kw_only=True):
    """What a start showed; sizes in bytes, times in seconds.

    `peak_bytes` is the most that the process held, with one row at a time, and `batch_peak_bytes`
    with `useful_rows` of them together. `memory_bytes` is the least that a server should be given.
    `golden` is the text of a golden file, empty where none can be made; `notes` are in words.
    """

    contract: Promise
    run_s: float
    load_s: float
    peak_bytes: int
    batch_peak_bytes: int
    memory_bytes: int
    useful_rows: int
    independence: str
    unbatched_because: str | None
    golden: str = ""
    notes: tuple[str, ...] = ()
    ok: bool = True


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a server would not start, in its own words: the class of the error, and its message.

    `shapes` are those of outputs that the graph declares wrongly, as runs gave them.
    """

    error: str
    exit_code: int
    step: str
    detail: str
    shapes: dict[str, tuple[int, ...]] = {}
    ok: bool = False


def read(text: bytes) -> Asked:
    """What is asked.

    Raises:
        SettingsInvalid: It is no such object.
    """
    try:
        return msgspec.json.decode(text, type=Asked)
    except ValidationError as error:
        path, what = found_and_expected(error)
        raise SettingsInvalid(f"{path}: {what}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsInvalid(f"found no JSON: {error}") from error


def written(answer: Any) -> bytes:  # noqa: ANN401 - a report or a refusal
    """An answer as JSON."""
    return msgspec.json.encode(answer)
