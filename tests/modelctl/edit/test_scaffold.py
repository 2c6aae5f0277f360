"""Scaffolded files mean what they were made from, whatever the names are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.edit.scaffold import (
    NewRelease,
    Provenance,
    ample_timeout_s,
    model_text,
    own_contract,
    release_text,
)
from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.repo import schema, typed
from modelctl.repo.documents import parse
from modelctl.repo.kinds import (
    Artifact,
    Batching,
    Limits,
    Model,
    Resources,
    Runtime,
    ServiceLevel,
)

NAMES = st.one_of(
    st.sampled_from(["y", "on", "null", "1e3", "0x10", "a: b", "[x", "#x", "- x", "", "~", "'"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.text("a\t\r\n\x0b\x85\x7f\ufeff\u2003\u2028\u202e\ufe0f\U000e0101", min_size=1, max_size=4),
).filter(bool)
TENSORS = st.builds(
    TensorSpec,
    NAMES,
    st.sampled_from(["FP32", "INT64", "BYTES"]),
    st.lists(st.integers(-1, 512), max_size=4).map(tuple),
)
SHA256 = "ab" * 32
IMAGE = f"registry.example.com/modelserver@sha256:{SHA256}"


def fields_of(text: str, kind: str) -> dict[str, object]:
    """The fields of a scaffolded file that is free of faults."""
    document, faults = parse("scaffold.yaml", text.encode())
    assert document is not None
    assert [] == [*faults, *schema.violations(kind, document)]
    assert isinstance(document.value, dict)
    return document.value


@given(st.lists(TENSORS, min_size=1, max_size=3), NAMES)
def test_a_model_file_round_trips(tensors: list[TensorSpec], description: str) -> None:
    """Any tensor name and description comes back from the file as it was."""
    contract = Contract(tuple(tensors), tuple(tensors))
    model = Model("digits", "digits", "vision", description, contract, ServiceLevel(50, 0.001, 1.5))

    assert model == typed.model("digits", fields_of(model_text(model), "model"))


RUNTIME = Runtime(
    providers=("cuda", "cpu"),
    threads=1,
    max_inflight=64,
    batching=None,
    provider_options={"cuda": {"use_tf32": False}},
    limits=Limits(rows=1000, output_bytes=1 << 20),
    request_timeout_s=90,
)


@given(
    st.lists(TENSORS, min_size=1, max_size=3),
    NAMES,
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_release_file_round_trips(tensors: list[TensorSpec], source: str, metric: float) -> None:
    """Any tensor name, provenance and metric comes back from the file as it was."""
    graph = Graph(8, {"ai.onnx": 17}, tuple(tensors), tuple(tensors))
    batching = Batching(8, 0, independent=True)
    new = NewRelease(
        artifact=Artifact(f"oci://r.example.com/digits@sha256:{SHA256}", SHA256, 7, "image"),
        graph=graph,
        image=IMAGE,
        runtime=replace(RUNTIME, batching=batching),
        resources=Resources("1", "512Mi", None),
        golden=None,
        provenance=Provenance(source, SHA256, {"accuracy": metric}),
        contract=Contract(tuple(tensors[:1]), tuple(tensors)),
    )

    fields = fields_of(release_text(new), "release")

    release = typed.release("digits", "r1", fields)
    assert (graph, new.runtime) == (release.graph, release.runtime)
    assert (new.artifact, new.contract) == (release.artifact, release.contract)
    assert fields["provenance"] == {
        "trained_from": source,
        "data_sha256": SHA256,
        "metrics": {"accuracy": metric},
    }


@pytest.mark.parametrize(
    ("p99_ms", "least_s", "expected_s"),
    [(50, 30, 30), (15_000, 30, 30), (15_001, 30, 31), (50, 90, 90), (600_000, 30, 1200)],
)
def test_a_new_release_has_the_time_that_its_model_needs(
    p99_ms: float, least_s: int, expected_s: int
) -> None:
    """Twice the promised 99th percentile, no less than the release before, 20 minutes at most."""
    assert expected_s == ample_timeout_s(ServiceLevel(p99_ms, 0.001, 1), least_s)


def test_a_release_says_what_its_graph_does_not() -> None:
    """A contract is written where the model promises less than the graph declares."""
    wide, fixed = TensorSpec("x", "FP32", (-1, -1)), TensorSpec("x", "FP32", (-1, 8))
    graph = Graph(8, {"ai.onnx": 17}, (wide,), (wide,))
    narrow = Contract((fixed,), (wide,))

    assert own_contract(Contract((wide,), (wide,)), graph) is None
    assert narrow == own_contract(narrow, graph)
