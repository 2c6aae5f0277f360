"""The grammar of paths: what a path says, and that spelling and reading are inverse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.repo import layout
from modelctl.repo.layout import GENERATED, Kind, Place, place

# Any part of a path that git or a file system may have: not empty, without a slash or a NUL.
NAMES = st.text(
    st.characters(exclude_characters="/\0"),
    min_size=1,
    max_size=20,
)
KINDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1)  # a kind is one word
RELEASES = st.integers(1, 10**9).map(lambda number: f"r{number}")
LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)  # as schemas want them


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("apps/linear/model.yaml", Place(Kind.MODEL, "linear")),
        ("apps/linear/releases/r1.yaml", Place(Kind.RELEASE, "linear", release="r1")),
        ("apps/linear/releases/r907.yaml", Place(Kind.RELEASE, "linear", release="r907")),
        ("apps/linear/envs/prod.yaml", Place(Kind.SERVING, "linear", environment="prod")),
        ("argocd/environments.yaml", Place(Kind.ENVIRONMENTS)),
        (
            "argocd/projects/prod/vision.yaml",
            Place(Kind.PROJECT, environment="prod", team="vision"),
        ),
        ("argocd/teams.yaml", Place(Kind.TEAMS)),
        ("argocd/bootstrap/prod.yaml", Place(Kind.BOOTSTRAP, environment="prod")),
        ("argocd/config/prod/configmap-a.yaml", Place(Kind.SETTINGS, environment="prod")),
        ("argocd/config/configmap-a.yaml", Place(Kind.PLATFORM)),
        ("argocd/platform/prod/gateway.yaml", Place(Kind.PLATFORM, environment="prod")),
        ("argocd/platform/prod/own/issuer.yaml", Place(Kind.PLATFORM, environment="prod")),
        ("argocd/root.yaml", Place(Kind.PLATFORM)),
        (
            "argocd/platform/prod/gateway/envoyproxy-models.yaml",
            Place(Kind.PLATFORM_RENDERED, environment="prod"),
        ),
        (
            "apps/linear/rendered/prod/httproute-linear.yaml",
            Place(Kind.RENDERED, "linear", environment="prod"),
        ),
        (
            "apps/linear/rendered/prod/deployment-linear-r12.yaml",
            Place(Kind.RENDERED, "linear", "r12", "prod"),
        ),
        (
            "argocd/applications/prod/linear.yaml",
            Place(Kind.APPLICATION, "linear", environment="prod"),
        ),
    ],
)
def test_every_kind_has_its_place(path: str, expected: Place) -> None:
    """A path says the kind of file and whose it is."""
    assert expected == place(path)


def test_every_kind_is_read_from_somewhere() -> None:
    """No kind is without a path, and the last of them are those that people do not write."""
    paths = [
        layout.model_file("a"),
        layout.release_file("a", "r1"),
        layout.serving_file("a", "prod"),
        layout.ENVIRONMENTS,
        layout.TEAMS,
        "argocd/platform/prod/cert-manager.yaml",
        layout.project_file("prod", "vision"),
        layout.bootstrap_file("prod"),
        layout.settings_file("prod", "ConfigMap", "argocd-cm"),
        layout.platform_file("prod", "gateway", "EnvoyProxy", "models"),
        layout.rendered_file("a", "prod", "Service", "a-r1"),
        layout.application_file("prod", "a"),
        "README.md",
    ]

    assert list(Kind) == [place(path).kind for path in paths]
    assert list(Kind)[6:-1] == [kind for kind in Kind if kind in GENERATED]


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "apps", "apps/", "apps/README.md", "apps//model.yaml", "/apps/a/model.yaml"),
        *("argocd", "argocd/", "argocd/environments.yml", "argocd/environments.yaml/x"),
        *("argocd/projects", "argocd/applications", "argocd/bootstrap", "argocd/config"),
        *("argocd/teams.yml", "argocd/platform/prod/notes.txt", "argocd/README.md", "README.md"),
        *("examples/apps/a/model.yaml", "Apps/a/model.yaml", "apps.yaml"),
    ],
)
def test_a_stranger_belongs_to_nobody(path: str) -> None:
    """What lies outside of the grammar has no kind and no owner."""
    assert Place(Kind.OTHER) == place(path)
    assert place(path).pair is None


@pytest.mark.parametrize(
    "below",
    [
        *("model.yml", "Model.yaml", "model.yaml/x", "model.yaml ", "notes.md", "docs/slope.png"),
        *("release/r1.yaml", "releases", "releases/r0.yaml", "releases/r01.yaml"),
        *("releases/R1.yaml", "releases/r1.yml", "releases/r1", "releases/v1.yaml"),
        *("releases/r1.yaml\n", "releases/r\u0661.yaml", "releases/r-1.yaml", "releases/.yaml"),
        *("releases/old/r1.yaml", "envs", "envs/prod.yml", "envs/prod", "envs/.yaml"),
        *("envs/eu/prod.yaml", "rendered"),
    ],
)
def test_a_stranger_in_a_models_folder_belongs_to_the_model(below: str) -> None:
    """A file that nothing is read from is still the model's, and nothing else's."""
    assert Place(Kind.OTHER, "linear") == place(f"apps/linear/{below}")


@pytest.mark.parametrize(
    ("path", "environment"),
    [
        ("apps/linear/rendered/notes.txt", ""),
        ("apps/linear/rendered/prod/notes.txt", "prod"),
        ("apps/linear/rendered/prod/old/service-linear.yaml", "prod"),
        ("argocd/applications/linear.yaml", ""),
        ("argocd/applications/prod/old/linear.yaml", "prod"),
    ],
)
def test_whatever_lies_among_generated_files_is_generated(path: str, environment: str) -> None:
    """Nothing can hide among generated files: it has a kind and a model, so it can be an orphan."""
    found = place(path)

    assert found.kind in GENERATED
    assert ("linear", environment) == (found.model, found.environment)


@pytest.mark.parametrize(
    "path",
    [
        *("argocd/projects/vision.yaml", "argocd/projects/prod/x/vision.yaml"),
        *("argocd/projects/prod/vision.yml", "argocd/projects/prod/.yaml"),
        *("argocd/bootstrap/prod.yml", "argocd/bootstrap/.yaml", "argocd/bootstrap/x/prod.yaml"),
        *("argocd/config/prod/notes.txt", "argocd/config/prod/x/y.yaml"),
        *("argocd/platform/prod/gateway/notes.txt", "argocd/platform/prod/policies/x/y.yaml"),
    ],
)
def test_nothing_hides_among_what_is_generated_for_all(path: str) -> None:
    """What lies there by another name is generated too, and no model's."""
    found = place(path)

    assert found.kind in GENERATED
    assert found.pair is None


def test_an_application_by_another_name_is_a_models_too() -> None:
    """A file that is no YAML is named after itself."""
    expected = Place(Kind.APPLICATION, "linear.yml", environment="prod")

    assert expected == place("argocd/applications/prod/linear.yml")
    assert ".yaml" == place("argocd/applications/prod/.yaml").model


def test_pairs_of_paths() -> None:
    """A file belongs to a model in an environment where its path names one of each."""
    pair = ("linear", "prod")

    assert pair == place("apps/linear/rendered/prod/httproute-linear.yaml").pair
    assert pair == place("argocd/applications/prod/linear.yaml").pair
    assert pair == place("apps/linear/envs/prod.yaml").pair
    assert place("apps/linear/rendered/notes.txt").pair is None
    assert place("apps/linear/model.yaml").pair is None
    assert place("apps/linear/releases/r1.yaml").pair is None
    assert place("argocd/projects/prod/vision.yaml").pair is None


@given(folder=NAMES, release=RELEASES, environment=NAMES, team=NAMES)
def test_what_is_spelled_is_read_back(
    folder: str, release: str, environment: str, team: str
) -> None:
    """Whatever the names are, the place of a spelled path has just these."""
    assert Place(Kind.MODEL, folder) == place(layout.model_file(folder))
    assert Place(Kind.RELEASE, folder, release=release) == place(
        layout.release_file(folder, release)
    )
    assert Place(Kind.SERVING, folder, environment=environment) == place(
        layout.serving_file(folder, environment)
    )
    assert Place(Kind.PROJECT, environment=environment, team=team) == place(
        layout.project_file(environment, team)
    )
    assert Place(Kind.APPLICATION, folder, environment=environment) == place(
        layout.application_file(environment, folder)
    )


@given(folder=NAMES, environment=NAMES, kind=NAMES, name=NAMES)
def test_a_rendered_file_is_read_back(folder: str, environment: str, kind: str, name: str) -> None:
    """A rendered object belongs to its model and environment, whatever it is and is called."""
    path = layout.rendered_file(folder, environment, kind, name)
    found = place(path)

    assert path.startswith(f"{layout.rendered_folder(folder, environment)}/")
    assert (Kind.RENDERED, (folder, environment)) == (found.kind, found.pair)


@given(folder=LABELS, environment=LABELS, kind=KINDS, release=RELEASES)
def test_an_object_of_a_release_names_it(
    folder: str, environment: str, kind: str, release: str
) -> None:
    """An object that is rendered for a release says which, however the model is called."""
    path = layout.rendered_file(folder, environment, kind, f"{folder}-{release}")

    assert Place(Kind.RENDERED, folder, release, environment) == place(path)


@given(folder=LABELS, environment=LABELS, kind=LABELS)
def test_an_object_of_a_model_names_no_release(folder: str, environment: str, kind: str) -> None:
    """An object that all releases share names none, even of a model whose name ends like one."""
    for model in (folder, f"{folder}-r2"):
        path = layout.rendered_file(model, environment, kind, model)

        assert Place(Kind.RENDERED, model, "", environment) == place(path)


@pytest.mark.parametrize("name", ["linear-canary", "linear-r0", "linear-r2-blue", "r2", "other-r2"])
def test_a_name_that_only_looks_like_a_release(name: str) -> None:
    """An object whose name goes on with anything but a release belongs to none."""
    found = place(layout.rendered_file("linear", "prod", "Service", name))

    assert Place(Kind.RENDERED, "linear", "", "prod") == found


def respelled(found: Place) -> str:
    """The path that a place was read from."""
    match found.kind:
        case Kind.MODEL:
            return layout.model_file(found.model)
        case Kind.RELEASE:
            return layout.release_file(found.model, found.release)
        case Kind.SERVING:
            return layout.serving_file(found.model, found.environment)
        case Kind.TEAMS:
            return layout.TEAMS
        case _:
            return layout.ENVIRONMENTS


@given(
    st.lists(
        st.sampled_from(
            ["apps", "argocd", "releases", "envs", "model.yaml", "environments.yaml", "teams.yaml"]
        )
        | NAMES
        | RELEASES.map(lambda release: f"{release}.yaml")
        | NAMES.map(lambda name: f"{name}.yaml"),
        min_size=1,
        max_size=5,
    ).map("/".join)
)
def test_what_is_read_is_spelled_so(path: str) -> None:
    """A path that anything typed is read from is the only one with its place."""
    found = place(path)

    if found.kind not in GENERATED | {Kind.OTHER, Kind.PLATFORM}:
        assert path == respelled(found)


@given(path=st.lists(NAMES | st.just(""), max_size=6).map("/".join))
def test_every_path_has_a_place(path: str) -> None:
    """No path is an error, and only what lies below a model's folder or Applications is its."""
    is_of_a_model = path.startswith(("apps/", "argocd/applications/"))

    assert is_of_a_model or not place(path).model


@pytest.mark.parametrize("name", ["r1", "r12", "r907"])
def test_names_of_releases(name: str) -> None:
    """A release is named by a number from 1, and ordered by it."""
    assert layout.is_release(name)
    assert int(name[1:]) == layout.release_number(name)


@pytest.mark.parametrize("name", ["", "r", "r0", "r01", "R1", "v1", "r1\n", "r1.yaml", "r1-r2"])
def test_names_that_are_no_release(name: str) -> None:
    """Anything else is not the name of a release."""
    assert not layout.is_release(name)
