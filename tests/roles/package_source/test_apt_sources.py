"""Sources that a host has already: what clouds, DGX OS and publishers' own guides leave there."""

from __future__ import annotations

import base64

import pytest

from harness.content import PROJECT
from harness.plugins import load

SOURCES = load(PROJECT / "roles/package_source/filter_plugins/apt_sources.py")
CUDA = "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64"
WANTED = [
    {"uri": CUDA, "suites": ["/"]},
    {"uri": "https://nvidia.github.io/libnvidia-container/stable/deb/amd64", "suites": ["/"]},
    {"uri": "https://download.docker.com/linux/debian", "suites": ["bookworm"]},
    {"uri": "https://pkgs.k8s.io/core:/stable:/v1.36/deb/", "suites": ["/"]},
]
# As package cuda-keyring, NVIDIA's and Docker's guides write them.
OTHERS = {
    "cuda-debian12-x86_64.list": (
        f"deb [signed-by=/usr/share/keyrings/cuda-archive-keyring.gpg] {CUDA}/ /\n"
    ),
    "nvidia-container-toolkit.list": (
        "deb [signed-by=/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg] "
        "https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /\n"
        "#deb [signed-by=/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg] "
        "https://nvidia.github.io/libnvidia-container/experimental/deb/$(ARCH) /\n"
    ),
    "docker.list": (
        "deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] "
        "https://download.docker.com/linux/debian bookworm stable\n"
    ),
    "docker.sources": (
        "Types: deb\nURIs: https://download.docker.com/linux/debian\nSuites: bookworm\n"
        "Components: stable\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBFit2ioB\n"
    ),
    "kubernetes.list": (
        "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] "
        "http://pkgs.k8s.io/core:/stable:/v1.36/deb/ /\n"
    ),
}
DEBIAN = """\
deb http://deb.debian.org/debian bookworm main
deb-src http://deb.debian.org/debian bookworm main
"""


def found(**files: str) -> dict[str, list[str]]:
    """What the filter says of files by name."""
    listed = [
        {
            "item": f"/etc/apt/sources.list.d/{name}",
            "content": base64.b64encode(text.encode()).decode(),
        }
        for name, text in files.items()
    ]
    result: dict[str, list[str]] = SOURCES.conflicts(listed, wanted=WANTED, architecture="amd64")
    return result


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_repository_in_a_file_of_its_own_is_taken_over(name: str) -> None:
    """Under whatever name, scheme or key a publisher's guide wrote it."""
    taken = {"taken_over": [f"/etc/apt/sources.list.d/{name}"], "refused": []}

    assert taken == found(**{name: OTHERS[name]})


def test_a_file_that_holds_other_repositories_too_is_refused() -> None:
    """Nothing of a file that a person mixed is lost: they are told which lines."""
    answer = found(**{"mixed.list": DEBIAN + OTHERS["docker.list"]})

    assert [] == answer["taken_over"]
    (sentence,) = answer["refused"]
    assert "mixed.list names download.docker.com/linux/debian bookworm beside others" in sentence


@pytest.mark.parametrize(
    "text",
    [
        DEBIAN,
        "deb https://download.docker.com/linux/debian trixie stable\n",
        f"# deb {CUDA}/ /\n",
        "# nothing\n",
    ],
)
def test_other_sources_are_left_alone(text: str) -> None:
    """Another repository, another suite and a line that is switched off are no conflict."""
    assert {"taken_over": [], "refused": []} == found(**{"other.list": text})


def test_a_stanza_that_is_switched_off_is_left_alone() -> None:
    """Apt does not read it, so it does no harm."""
    text = "Enabled: no\n" + OTHERS["docker.sources"]

    assert {"taken_over": [], "refused": []} == found(**{"docker.sources": text})
