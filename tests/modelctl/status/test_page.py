"""`docs/reference/status.md` says what the code does: fields, columns, states and the example."""

import json
import re
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from modelctl.local.servers.replica import Phase
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.repo.git import Commit
from modelctl.status import values
from modelctl.status.event import Event
from modelctl.status.text import COLUMNS, lines
from modelctl.status.values import encode
from scratch import PROJECT
from status_kit import MEASURED, broken, degraded, engine, model, release

PAGE = (PROJECT / "docs" / "reference" / "status.md").read_text(encoding="utf-8")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECTIONS = {
    "The whole": values.EngineStatus,
    "`addresses`": values.Addresses,
    "`models[]`": values.ModelStatus,
    "`models[].releases[]`": values.ReleaseStatus,
    "`models[].releases[].measured`": values.Measured,
    "`models[].shadow`": values.ShadowStatus,
    "`models[].contract`": Contract,
    "`models[].contract.inputs[]` and `outputs[]`": TensorSpec,
    "`events[]` and `models[].events[]`": Event,
    "`seen`, `synced`, `models[].commit` and `wanted`": Commit,
}


def section(heading: str) -> str:
    """What stands below a heading, up to the next."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def names(text: str) -> list[str]:
    """The first cells of a table."""
    return re.findall(r"^\| `([\w]+)` \|", text, re.MULTILINE)


@pytest.mark.parametrize(("heading", "value"), SECTIONS.items())
def test_fields(heading: str, value: type) -> None:
    """Every field of the JSON has a line, in its order, and no line has none."""
    assert [field.name for field in fields(value)] == names(section(heading))


def test_format() -> None:
    """The page says which format it is about."""
    assert f"`format` ({values.FORMAT})" in PAGE


def test_columns() -> None:
    """Every column of the text has a line."""
    assert list(COLUMNS) == names(section("Text"))


def test_states() -> None:
    """Every state of a release has a line."""
    assert {phase.value for phase in Phase} | {"Degraded"} == set(names(section("States")))


def test_words_of_sync_and_health() -> None:
    """The words of sync and health are those of the code."""
    text = section("Text")

    assert [] == [word for word in (*values.Sync, *values.Health) if f"`{word}`" not in text]


def test_example() -> None:
    """The example is what the command prints."""
    well = model("digits", releases=(release(), _canary()), share_since="2026-01-01T11:58:30+00:00")
    bad = degraded("linear", "exit code 86: the file has sha256 1f0c…, expected 5be2…")
    shown = engine(well, bad)

    text = "\n".join(lines(json.loads(encode(shown.to_json())), NOW))

    assert text in section("Text")


def _canary() -> values.ReleaseStatus:
    measured = replace(MEASURED, requests=97, share=0.0877, client_error_rate=0.0, error_rate=0.0)
    return replace(
        broken("r2"), state="Ready", reason="", ready=1, restarts=0, live_weight=10.0,
        started="2026-01-01T11:58:30+00:00", measured=measured,
    )  # fmt: skip
