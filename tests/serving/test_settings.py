import json
import tomllib
from pathlib import Path

import pytest

from modelserver import __version__, settings
from modelserver.errors import SettingsInvalid

CONTRACT = {
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
    "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}],
}
VALID = {
    "MODEL": "sample",
    "RELEASE": "r1",
    "ARTIFACT_URI": "file:model.onnx",
    "ARTIFACT_SHA256": "0" * 64,
    "ARTIFACT_BYTES": "10",
    "CONTRACT": json.dumps(CONTRACT),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the required settings."""
    for name, value in VALID.items():
        monkeypatch.setenv(f"MODELSERVER_{name}", value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_defaults() -> None:
    """What is not set has the documented default."""
    chosen = settings.read()

    assert (chosen.host, chosen.port, chosen.max_inflight) == ("::", 8080, 64)
    assert (chosen.drain_delay_s, chosen.grace_s) == (5, 30)
    assert (chosen.max_body_bytes, chosen.max_rows, chosen.max_output_bytes) == (None, None, None)
    assert chosen.providers == ("cpu",)
    assert (chosen.threads, chosen.batching_max_size, chosen.golden_uri) == (None, None, None)


def test_providers_are_a_list_in_order(environment: pytest.MonkeyPatch) -> None:
    """Commas separate the providers; their order counts."""
    environment.setenv("MODELSERVER_PROVIDERS", "cuda, cpu")

    assert settings.read().providers == ("cuda", "cpu")


def test_empty_is_unset(environment: pytest.MonkeyPatch) -> None:
    """A variable that a template left empty does not count."""
    environment.setenv("MODELSERVER_THREADS", "")

    assert settings.read().threads is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ARTIFACT_SHA256", "xyz", "MODELSERVER_ARTIFACT_SHA256: expected str matching"),
        ("ARTIFACT_SHA256", "A" * 64, "MODELSERVER_ARTIFACT_SHA256: expected str matching"),
        ("ARTIFACT_BYTES", "0", "MODELSERVER_ARTIFACT_BYTES: expected int >= 1"),
        ("MODEL", "a/b", "MODELSERVER_MODEL: expected str matching"),
        ("PORT", "99999", "MODELSERVER_PORT: expected int <= 65535"),
        ("PROVIDERS", "gpu", "MODELSERVER_PROVIDERS[0]: expected one of cpu, cuda, tensorrt"),
        ("PROVIDER_OPTIONS", "[", "MODELSERVER_PROVIDER_OPTIONS: found no JSON"),
        (
            "PROVIDER_OPTIONS",
            '{"rocm": {}}',
            "MODELSERVER_PROVIDER_OPTIONS: object contains unknown field rocm",
        ),
        ("PROVIDER_OPTIONS", '{"cuda": {}}', "found PROVIDER_OPTIONS for cuda, expected them only"),
        ("CONTRACT", "{", "MODELSERVER_CONTRACT: found no JSON"),
        ("CONTRACT", "7", "MODELSERVER_CONTRACT: found a whole number, expected an object"),
        ("SHARE_PORT", "2", "MODELSERVER_SHARE_PORT: found a string, expected true or false"),
        ("GUARD_WINDOW", "nan", "MODELSERVER_GUARD_WINDOW: found a string, expected a whole"),
        ("CONTRACT", "{}", "MODELSERVER_CONTRACT.inputs: is missing"),
        ("MAX_ROWS", "0", "MODELSERVER_MAX_ROWS: expected int >= 1"),
        ("GOLDEN_URI", "file:g.json", "GOLDEN_URI and GOLDEN_SHA256 go together"),
        ("DRAIN_DELAY_S", "40", "found DRAIN_DELAY_S 40, expected less than GRACE_S 30"),
        ("DRAIN_DELAY_S", "inf", "MODELSERVER_DRAIN_DELAY_S: expected float <= 1000000000.0"),
        ("LOG_LEVEL", "loud", "MODELSERVER_LOG_LEVEL: expected one of debug, info"),
    ],
)
def test_wrong_value_names_its_variable(
    environment: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    """Each variable that is wrong is named, and its value never shown."""
    environment.setenv(f"MODELSERVER_{name}", value)

    with pytest.raises(SettingsInvalid) as caught:
        settings.read()

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ({"datatype": "FLOAT"}, "inputs[0]: datatype: found 'FLOAT', expected one of"),
        ({"shape": [-2]}, "inputs[0].shape[0]: expected int >= -1"),
        ({"size": 1}, "inputs[0]: object contains unknown field size"),
    ],
)
def test_wrong_contract_names_its_field(
    environment: pytest.MonkeyPatch, tensor: dict[str, object], message: str
) -> None:
    """A mistake inside the contract is named by its path."""
    inputs = [CONTRACT["inputs"][0] | tensor]
    environment.setenv("MODELSERVER_CONTRACT", json.dumps(CONTRACT | {"inputs": inputs}))

    with pytest.raises(SettingsInvalid) as caught:
        settings.read()

    assert f"MODELSERVER_CONTRACT.{message}" in str(caught.value)


def test_names_are_unique(environment: pytest.MonkeyPatch) -> None:
    """Two inputs of one name are refused."""
    twice = CONTRACT | {"inputs": CONTRACT["inputs"] * 2}
    environment.setenv("MODELSERVER_CONTRACT", json.dumps(twice))

    with pytest.raises(SettingsInvalid, match="named twice: x"):
        settings.read()


def test_one_body_fits_into_all(environment: pytest.MonkeyPatch) -> None:
    """A bound on all bodies below that on one would refuse the largest one for ever."""
    environment.setenv("MODELSERVER_MAX_BODY_BYTES", "10")
    environment.setenv("MODELSERVER_MAX_INFLIGHT_BYTES", "9")

    with pytest.raises(SettingsInvalid, match="found MAX_INFLIGHT_BYTES 9, expected at least MAX_"):
        settings.read()


def test_every_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start tells all that is missing."""
    for name in VALID:
        monkeypatch.delenv(f"MODELSERVER_{name}", raising=False)

    with pytest.raises(SettingsInvalid) as caught:
        settings.read()

    assert [f"MODELSERVER_{name}" for name in VALID if name not in str(caught.value)] == []


def test_version_is_that_of_the_package() -> None:
    """The version that the server tells is the one that its package declares."""
    project = Path(__file__).parents[2] / "serving" / "pyproject.toml"

    assert tomllib.loads(project.read_text())["project"]["version"] == __version__
