"""What the API server itself refuses, whoever asks for it: the last line behind the review.

Each rule is a ValidatingAdmissionPolicy, which needs nothing but the API server, with the binding
that puts it in force. A change that one of them refuses has been refused by `modelctl check`
before: they are for what comes by another way. Every default of the API is written out.

Source: Kubernetes, validating admission policy; expressions are CEL with optional values.
"""

from collections.abc import Iterable

from modelctl.render.platform.metadata import Object, labels
from modelctl.repo.kinds import Environment

_API = "admissionregistration.k8s.io/v1"
_PODS, _APPLICATIONS = "models-pods", "models-applications"
_DIGEST = "^[^@]+@sha256:[0-9a-f]{64}$"
_NONE = '""'  # an empty string, as CEL writes it
_OWN_PROJECTS = '["root", "platform"]'  # of Applications that are no model's


def objects(environment: Environment) -> tuple[Object, ...]:
    """The policies of an environment, each with its binding."""
    if environment.engine != "argocd":
        return ()
    policies = (_pods(environment), _applications())
    return tuple(value for policy in policies for value in (policy, _binding(policy)))


def _pods(environment: Environment) -> Object:
    """Pods in the namespaces of models: what they run, and what Pod Security leaves open.

    Pods and not Deployments, because a pod comes by other ways too. The images of image volumes
    count: those of a verifier often do not.
    """
    return _policy(
        _PODS,
        rules=[_rule("", "v1", ["pods", "pods/ephemeralcontainers"])],
        conditions=[("of-models", 'request.namespace.startsWith("models-")')],
        variables=[
            ("images", " + ".join(_images())),
            ("loose", f'variables.images.filter(i, !i.matches("{_DIGEST}"))'),
            *_foreign(environment.registries),
        ],
        validations=[
            _validation(
                "size(variables.loose) == 0",
                "variables.loose",
                "expected <name>@sha256:<digest>; write the digest as `image` of the release",
            ),
            *_registries(environment.registries),
            *_beyond_pod_security(),
        ],
    )


def _images() -> Iterable[str]:
    """Expressions for the images of every kind of container, and of image volumes."""
    yield f"object.spec.containers.map(c, c.?image.orValue({_NONE}))"
    for kind in ("initContainers", "ephemeralContainers"):
        yield f"object.spec.?{kind}.orValue([]).map(c, c.?image.orValue({_NONE}))"
    volumes = "object.spec.?volumes.orValue([]).filter(v, has(v.image))"
    yield f"{volumes}.map(v, v.image.?reference.orValue({_NONE}))"


def _foreign(registries: Iterable[str]) -> list[tuple[str, str]]:
    """The images of no allowed registry; a slash ends its name, so that no other begins like it."""
    allowed = ", ".join(f'"{registry}/"' for registry in registries)
    if not allowed:
        return []
    return [
        ("foreign", f"variables.images.filter(i, ![{allowed}].exists(r, i.startsWith(r)))"),
    ]


def _registries(registries: Iterable[str]) -> list[Object]:
    allowed = ", ".join(registries)
    if not allowed:
        return []
    remedy = (
        f"expected one of the registries {allowed}; copy it there, or add its registry to "
        "`registries` of the environment in argocd/environments.yaml"
    )
    return [_validation("size(variables.foreign) == 0", "variables.foreign", remedy)]


def _beyond_pod_security() -> list[Object]:
    """A model needs no API, chooses no node, and does not push others from theirs."""
    return [
        {
            "expression": "object.spec.?automountServiceAccountToken.orValue(true) == false",
            "message": (
                "found a pod that mounts a token of the Kubernetes API, expected none; write "
                "automountServiceAccountToken: false"
            ),
        },
        {
            "expression": (
                f'request.operation != "CREATE" || object.spec.?nodeName.orValue({_NONE}) == '
                f"{_NONE}"
            ),
            "message": (
                "found a pod that names its node, expected one that is scheduled; take nodeName out"
            ),
        },
        {
            "expression": (
                f'!object.spec.?priorityClassName.orValue({_NONE}).startsWith("system-")'
            ),
            "message": (
                "found a priority of the system's own, expected none of those; take "
                "priorityClassName out"
            ),
        },
        {
            "expression": (
                f"object.spec.?tolerations.orValue([]).all(t, t.?key.orValue({_NONE}) != {_NONE} "
                f'&& !t.?key.orValue({_NONE}).startsWith("node-role.kubernetes.io/"))'
            ),
            "message": (
                "found a toleration of control planes or of everything, expected those that GPUs "
                "need; name the key of the taint"
            ),
        },
    ]


def _applications() -> Object:
    """The Application of a model: its project is the team's whose namespace it writes to.

    Only a changed spec is looked at, so that Argo CD can write what it found of one that was there
    before the policy.
    """
    return _policy(
        _APPLICATIONS,
        rules=[_rule("argoproj.io", "v1alpha1", ["applications"])],
        conditions=[
            ("of-argo-cd", 'request.namespace == "argocd"'),
            ("spec-changed", "oldObject == null || object.spec != oldObject.spec"),
        ],
        variables=[
            ("project", f"object.spec.?project.orValue({_NONE})"),
            ("path", f"object.spec.?source.?path.orValue({_NONE})"),
            ("own", f"variables.project in {_OWN_PROJECTS}"),
        ],
        validations=[*_of_a_model(), *_of_the_platform()],
    )


def _of_a_model() -> list[Object]:
    """Of the team whose namespace it writes to, and from its own rendered folder alone."""
    rendered = '"^apps/" + object.metadata.name + "/rendered/[a-z][-a-z0-9]*$"'
    namespace = f"object.spec.destination.?namespace.orValue({_NONE})"
    return [
        {
            "expression": f'variables.own || {namespace} == "models-" + variables.project',
            "message": (
                "found the project of one team and the namespace of another, expected both "
                "of the model's owner; write `owner` in its model.yaml and run modelctl render"
            ),
        },
        {
            "expression": f"variables.own || variables.path.matches({rendered})",
            "message": (
                "found another source than the model's own rendered folder, expected "
                "apps/<model>/rendered/<environment>; run modelctl render"
            ),
        },
        {
            "expression": (
                "variables.own || (!has(object.spec.sources) && !has(object.spec.sourceHydrator))"
            ),
            "message": (
                "found several sources, expected the model's own rendered folder alone; run "
                "modelctl render"
            ),
        },
    ]


def _of_the_platform() -> list[Object]:
    """No model is in a project of the platform, and root is alone in its own."""
    return [
        {
            "expression": '!variables.own || !variables.path.startsWith("apps/")',
            "message": (
                "found a model in a project of the platform, expected its owner's; write "
                "`owner` in its model.yaml and run modelctl render"
            ),
        },
        {
            "expression": 'variables.project != "root" || object.metadata.name == "root"',
            "message": (
                "found a second Application in the project root, expected root alone; write "
                "its own project"
            ),
        },
    ]


def _validation(expression: str, found: str, expected: str) -> Object:
    """A rule over images; its message names the first that breaks it."""
    return {
        "expression": expression,
        "message": f"found an image that is not allowed, {expected}",
        "messageExpression": f'"found the image " + {found}[0] + ", {expected}"',
    }


def _rule(group: str, version: str, resources: list[str]) -> Object:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
        "scope": "Namespaced",
    }


def _policy(
    name: str,
    *,
    rules: list[Object],
    conditions: list[tuple[str, str]],
    variables: list[tuple[str, str]],
    validations: list[Object],
) -> Object:
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": _labels(name)},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "resourceRules": rules,
            },
            "matchConditions": _named(conditions),
            "variables": _named(variables),
            "validations": validations,
        },
    }


def _binding(policy: Object) -> Object:
    """In force everywhere that the policy looks at; what it refuses is in the audit log too."""
    name = policy["metadata"]["name"]
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": _labels(name)},
        "spec": {"policyName": name, "validationActions": ["Deny", "Audit"]},
    }


def _named(expressions: Iterable[tuple[str, str]]) -> list[Object]:
    return [{"name": name, "expression": expression} for name, expression in expressions]


def _labels(name: str) -> dict[str, str]:
    return labels(name) | {"app.kubernetes.io/component": "policy"}
