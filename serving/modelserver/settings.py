"""The settings of a process, from its environment: each is a variable `MODELSERVER_<NAME>`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from modelserver.artifact.cache import Artifact
from modelserver.errors import SettingsInvalid
from modelserver.http.listeners import ANY_HOST
from modelserver.inference.guard import SLICE, Policy
from modelserver.inference.limits import Chosen
from modelserver.model.contract import Contract
from modelserver.model.provider_options import ProviderOptions
from modelserver.start.golden import MAX_BYTES
from modelserver.start.steps import Wanted
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec

PREFIX = "MODELSERVER_"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", max_length=63)]
Provider = Literal["cpu", "cuda", "tensorrt"]


def _known_datatype(name: str) -> str:
    if name not in DATATYPES:
        raise ValueError(f"found {name!r}, expected one of {', '.join(DATATYPES)}")
    return name


def _split(text: object) -> object:
    return [part.strip() for part in text.split(",")] if isinstance(text, str) else text


def _from_json(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise ValueError(f"found no JSON: {error}") from error


class _Tensor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    datatype: Annotated[str, AfterValidator(_known_datatype)]
    shape: tuple[Annotated[int, Field(ge=-1)], ...] = Field(max_length=32)

    def spec(self) -> TensorSpec:
        """The tensor as a plain value."""
        return TensorSpec(self.name, DATATYPES[self.datatype], self.shape)


class _Contract(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: tuple[_Tensor, ...]
    outputs: tuple[_Tensor, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "_Contract":
        for side in (self.inputs, self.outputs):
            names = [tensor.name for tensor in side]
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise ValueError(f"named twice: {', '.join(repeated)}")
        return self


class Settings(BaseModel):
    """What one process serves, and how; sizes in bytes, times in seconds unless named otherwise."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: Label
    release: Label
    artifact_uri: str = Field(min_length=1)
    artifact_sha256: Sha256
    artifact_bytes: int = Field(gt=0)
    contract: Annotated[_Contract, BeforeValidator(_from_json)]
    providers: Annotated[tuple[Provider, ...], BeforeValidator(_split)] = ("cpu",)
    provider_options: Annotated[ProviderOptions, BeforeValidator(_from_json)] = ProviderOptions()
    threads: int | None = Field(default=None, gt=0)
    batching_max_size: int | None = Field(default=None, gt=0)
    batching_max_delay_ms: float = Field(default=0, ge=0, allow_inf_nan=False)
    batching_independent: bool = False
    max_inflight: int = Field(default=64, gt=0)
    max_inflight_bytes: int | None = Field(default=None, gt=0)
    guard_window: int = Field(default=1024, ge=SLICE)
    guard_nonfinite_share: float = Field(default=0.5, gt=0, le=1)
    guard_constant_share: float = Field(default=0.95, gt=0, le=1)
    guard_unready: bool = False
    golden_uri: str | None = None
    golden_sha256: Sha256 | None = None
    host: str = ANY_HOST
    port: int = Field(default=8080, ge=0, le=65535)
    mirror_port: int | None = Field(default=None, ge=0, le=65535)
    share_port: bool = False
    cache_dir: Path = Path("/var/cache/modelserver")
    artifact_root: Path = Path()
    drain_delay_s: float = Field(default=5, ge=0, allow_inf_nan=False)
    grace_s: float = Field(default=30, gt=0, allow_inf_nan=False)
    max_body_bytes: int | None = Field(default=None, gt=0)
    max_rows: int | None = Field(default=None, gt=0)
    max_output_bytes: int | None = Field(default=None, gt=0)
    access_log_sample: float = Field(default=0, ge=0, le=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if (self.golden_uri is None) != (self.golden_sha256 is None):
            raise ValueError("GOLDEN_URI and GOLDEN_SHA256 go together: set both or none")
        unused = self.provider_options.model_fields_set.difference(self.providers)
        if unused:
            raise ValueError(
                f"found PROVIDER_OPTIONS for {', '.join(sorted(unused))}, expected them only for "
                f"those of PROVIDERS: {', '.join(self.providers)}"
            )
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
        return self

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
    given = {
        name.removeprefix(PREFIX).lower(): text
        for name, text in environment.items()
        if name.startswith(PREFIX) and text
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = [
            f"{_variable(detail['loc'])}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsInvalid("; ".join(problems)) from error


def _variable(location: tuple[int | str, ...]) -> str:
    """The variable of a place in the settings, such as `MODELSERVER_CONTRACT.inputs[0].shape`."""
    if not location:
        return PREFIX + "*"
    name, *rest = location
    inner = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    return f"{PREFIX}{str(name).upper()}{inner}"
