"""The admission policies as they are rendered; what they refuse, the cluster's tests show."""

from dataclasses import replace
from typing import Any

from modelctl.render.platform import admission
from modelctl.repo.kinds import Environment, Gateway

Json = Any

GATEWAY = Gateway("models", "gateway", "https", "models.example.com")
ENVIRONMENT = Environment(
    "prod", "argocd", "v2", GATEWAY, {}, registries=("registry.example.com/models",)
)


def policy(name: str, environment: Environment = ENVIRONMENT) -> Json:
    """The spec of one policy."""
    return next(
        value["spec"]
        for value in admission.objects(environment)
        if value["kind"] == "ValidatingAdmissionPolicy" and value["metadata"]["name"] == name
    )


def test_every_policy_is_in_force() -> None:
    """Each has a binding of its name that denies, and fails closed."""
    found = admission.objects(ENVIRONMENT)
    policies = {v["metadata"]["name"] for v in found if v["kind"] == "ValidatingAdmissionPolicy"}
    bindings = [v["spec"] for v in found if v["kind"] == "ValidatingAdmissionPolicyBinding"]

    assert policies == {each["policyName"] for each in bindings}
    assert [] == [each for each in bindings if "Deny" not in each["validationActions"]]
    assert {"Fail"} == {policy(name)["failurePolicy"] for name in policies}


def test_a_laptop_has_none() -> None:
    """There is no API server to hold them."""
    assert () == admission.objects(replace(ENVIRONMENT, engine="local"))


def test_every_refusal_says_what_to_do() -> None:
    """What was found, what was expected, and the remedy after a semicolon."""
    messages = [
        each["message"]
        for name in ("models-pods", "models-applications")
        for each in policy(name)["validations"]
    ]

    assert [] == [
        text for text in messages if not text.startswith("found ") or ", expected" not in text
    ]
    assert [] == [text for text in messages if "; " not in text]


def test_every_image_of_a_pod_counts() -> None:
    """Those of each kind of container, and of image volumes."""
    images = next(v["expression"] for v in policy("models-pods")["variables"])

    for part in ("containers", "initContainers", "ephemeralContainers", "volumes"):
        assert f"{part}." in images, part


def test_the_name_of_a_registry_ends() -> None:
    """`registry.example.com/models` does not let `registry.example.com/models-of-others` in."""
    variables = {v["name"]: v["expression"] for v in policy("models-pods")["variables"]}

    assert '["registry.example.com/models/"]' in variables["foreign"]


def test_without_registries_a_digest_is_enough() -> None:
    """An environment that names none allows every registry."""
    spec = policy("models-pods", replace(ENVIRONMENT, registries=()))

    assert "foreign" not in str(spec)


def test_an_application_reads_its_own_model() -> None:
    """The folder of another model is refused: it would be applied under another team's rights."""
    assert '"^apps/" + object.metadata.name + "/rendered/' in str(policy("models-applications"))
