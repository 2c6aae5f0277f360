"""The settings of a process, from its environment: each is a variable `MODELSERVER_<NAME>`."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct, ValidationError

from modelserver.artifact.cache import Artifact
from modelserver.codec.wording import found_and_expected
from modelserver.errors import SettingsInvalid
from modelserver.http.listeners import ANY_HOST
from modelserver.inference.guard import SLICE, Policy
from modelserver.inference.limits import Chosen
from modelserver.model.contract import Contract
from modelserver.model.provider_options import ProviderOptions
from modelserver.start.steps import Wanted
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec

PREFIX = "MODELSERVER_"

_LONGEST = 1e9  # seconds or less; what is left out are the infinities, which are no number of them

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", max_length=63)]
Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(gt=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Share = Annotated[float, Meta(gt=0, le=1)]
Duration = Annotated[float, Meta(ge=0, le=_LONGEST)]
Provider = Literal["cpu", "cuda", "tensorrt"]
Level = Literal["debug", "info", "warning", "error"]


class _Tensor(Struct, frozen=True, forbid_unknown_fields=True):
    name: Text
    datatype: str
    shape: Annotated[tuple[Annotated[int, Meta(ge=-1)], ...], Meta(max_length=32)]

    def __post_init__(self) -> None:
        if self.datatype not in DATATYPES:
            known = ", ".join(DATATYPES)
            raise ValueError(f"datatype: found {self.datatype!r}, expected one of {known}")

    def spec(self) -> TensorSpec:
        """The tensor as a plain value."""
        return TensorSpec(self.name, DATATYPES[self.datatype], self.shape)


class _Contract(Struct, frozen=True, forbid_unknown_fields=True):
    inputs: tuple[_Tensor, ...]
    outputs: Annotated[tuple[_Tensor, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        for side in (self.inputs, self.outputs):
            names = [tensor.name for tensor in side]
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise ValueError(f"named twice: {', '.join(repeated)}")


class Settings(Struct, frozen=True, kw_only=True):
    """What one process serves, and how; sizes in bytes, times in seconds unless named otherwise."""

    model: Label
    release: Label
    artifact_uri: Text
    artifact_sha256: Sha256
    artifact_bytes: Count
    contract: _Contract
    providers: tuple[Provider, ...] = ("cpu",)
    provider_options: ProviderOptions = ProviderOptions()
    threads: Count | None = None
    batching_max_size: Count | None = None
    batching_max_delay_ms: Duration = 0
    batching_independent: bool = False
    max_inflight: Count = 64
    max_inflight_bytes: Count | None = None
    guard_window: Annotated[int, Meta(ge=SLICE)] = 1024
    guard_nonfinite_share: Share = 0.5
    guard_constant_share: Share = 0.95
    guard_unready: bool = False
    golden_uri: str | None = None
    golden_sha256: Sha256 | None = None
    host: str = ANY_HOST
    port: Port = 8080
    mirror_port: Port | None = None
    share_port: bool = False
    cache_dir: Path = Path("/var/cache/modelserver")
    artifact_root: Path = Path()
    drain_delay_s: Duration = 5
    grace_s: Annotated[float, Meta(gt=0, le=_LONGEST)] = 30
    max_body_bytes: Count | None = None
    max_rows: Count | None = None
    max_output_bytes: Count | None = None
    access_log_sample: Annotated[float, Meta(ge=0, le=1)] = 0
    log_level: Level = "info"

    def __post_init__(self) -> None:
        if (self.golden_uri is None) != (self.golden_sha256 is None):
            raise ValueError("GOLDEN_URI and GOLDEN_SHA256 go together: set both or none")
        together, one = self.max_inflight_bytes, self.max_body_bytes
        if together is not None and one is not None and together < one:
            raise ValueError(
                f"found MAX_INFLIGHT_BYTES {self.max_inflight_bytes}, expected at least "
                f"MAX_BODY_BYTES {self.max_body_bytes}: else the largest request never fits"
            )
        if self.drain_delay_s >= self.grace_s:
            raise ValueError(
                f"found DRAIN_DELAY_S {self.drain_delay_s:g}, expected less than "
                f"GRACE_S {self.grace_s:g}, which bounds the whole shutdown"
            )

    def limits(self) -> Chosen:
        """What requests may take, as far as the environment says it."""
        return Chosen(
            requests=self.max_inflight,
            body_bytes=self.max_body_bytes,
            total_bytes=self.max_inflight_bytes,
            rows=self.max_rows,
            output_bytes=self.max_output_bytes,
        )

    def guard(self) -> Policy:
        """When outputs are suspect, and what then follows."""
        return Policy(
            window=self.guard_window,
            nonfinite_share=self.guard_nonfinite_share,
            constant_share=self.guard_constant_share,
            unready=self.guard_unready,
        )

    def wanted(self) -> Wanted:
        """What is to be loaded, and how, as plain values."""
        golden = None
        if self.golden_uri is not None and self.golden_sha256 is not None:
            from modelserver.start.golden import MAX_BYTES  # noqa: PLC0415 - for such a release

            golden = Artifact(self.golden_uri, self.golden_sha256, MAX_BYTES, exact=False)
        return Wanted(
            artifact=Artifact(self.artifact_uri, self.artifact_sha256, self.artifact_bytes),
            contract=self.promised(),
            providers=self.providers,
            provider_options=self.provider_options,
            cache_dir=self.cache_dir,
            artifact_root=self.artifact_root,
            golden=golden,
            threads=self.threads,
            max_rows=self.batching_max_size or 1,
            rows_claimed=self.batching_independent,
        )

    def promised(self) -> Contract:
        """The contract as plain values."""
        return Contract(
            tuple(tensor.spec() for tensor in self.contract.inputs),
            tuple(tensor.spec() for tensor in self.contract.outputs),
        )


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in an environment; an empty variable counts as not set, others are left alone.

    Raises:
        SettingsInvalid: A variable is missing or wrong; the error lists every one.
    """
    given: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text:
            continue
        name = variable.removeprefix(PREFIX).lower()
        try:
            given[name] = _FROM_TEXT.get(name, str)(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            wrong[name] = f"{variable}: found no JSON: {error}"
    whole = ""
    if not wrong:
        try:
            return _fitting(given)
        except ValidationError as error:
            whole = f"{PREFIX}*: {error}"
    wrong = dict(_wrong_fields(given)) | wrong
    raise SettingsInvalid("; ".join(wrong.values()) or whole)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


_FROM_TEXT: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "providers": _split,
        "contract": msgspec.json.decode,
        "provider_options": msgspec.json.decode,
    }
)
_ONE_OF = MappingProxyType({"providers": get_args(Provider), "log_level": get_args(Level)})


def _converted(value: object, kind: Any) -> Any:  # noqa: ANN401 - of that kind
    return msgspec.convert(value, kind, strict=False, dec_hook=lambda to, text: to(text))


def _wrong_fields(given: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The settings that are wrong each by itself, with the problem."""
    for each in msgspec.structs.fields(Settings):
        try:
            if each.name in given:
                _converted(given[each.name], each.type)
            elif each.required:
                yield each.name, f"{_variable(each.name)}: is missing"
        except ValidationError as error:
            yield each.name, _problem(each.name, error)


def _fitting(given: Mapping[str, object]) -> Settings:
    """The settings. Raises `ValidationError` if they do not fit together."""
    chosen: Settings = _converted(given, Settings)
    options = given.get("provider_options")
    unused = set(options if isinstance(options, dict) else ()).difference(chosen.providers)
    if unused:
        raise ValidationError(
            f"found PROVIDER_OPTIONS for {', '.join(sorted(unused))}, expected them only for "
            f"those of PROVIDERS: {', '.join(chosen.providers)}"
        )
    return chosen


def _problem(name: str, error: ValidationError) -> str:
    """What is wrong with a variable, or with a place in it."""
    path, what = found_and_expected(error)
    if name in _ONE_OF:
        what = f"expected one of {', '.join(_ONE_OF[name])}"
    return f"{_variable(name)}{path}: {what}"


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
