"""What role nvidia_driver makes of nvidia-smi's words, by what real hosts printed."""

from __future__ import annotations

import yaml

from harness.content import PROJECT
from harness.plugins import load

DRIVER = load(PROJECT / "roles/nvidia_driver/filter_plugins/nvidia_driver.py")
VENDOR = PROJECT / "tests/roles/vendors/nvidia_smi"
A100 = (VENDOR / "a100-sxm4-80gb.txt").read_text()
HEAD = A100[: A100.index("GPU 0000")]


def printed(name: str, count: int = 2) -> str:
    """A log of several GPUs, each with the vendor's text on its fabric."""
    fabric = (VENDOR / name).read_text()
    return HEAD + "".join(f"GPU 00000000:{place}9:00.0\n{fabric}\n" for place in range(count))


def verdict(output: str, **changes: object) -> list[str]:
    """Faults of a host with two GPUs on switches, but for `changes`."""
    asked: dict[str, object] = {
        "version": "555.42.02", "expected": 2, "fabric_state": True, "fabric_service": "active",
    }  # fmt: skip
    found: list[str] = DRIVER.faults(output, **asked | changes)
    return found


def test_an_a100_on_switches_is_judged_by_its_service() -> None:
    """Up to Ampere the state reads N/A while the fabric works: the unit decides."""
    assert [] == verdict(A100, fabric_state=False)
    assert ["service nvidia-fabricmanager failed"] == verdict(
        A100, fabric_state=False, fabric_service="failed"
    )


def test_a_fabric_that_completed_is_good() -> None:
    """From Hopper on each GPU says Completed and Success."""
    assert [] == verdict(printed("fabric-completed.txt"))


def test_a_fabric_on_its_way_is_a_fault_and_worth_another_look() -> None:
    """What stays In Progress makes CUDA hang: it is no success, but it may still come."""
    output = printed("fabric-in-progress.txt")

    assert ["fabric In Progress, N/A"] == verdict(output)
    assert DRIVER.is_training(output)
    assert not DRIVER.is_training(A100)


def test_a_fabric_that_says_nothing_is_a_fault_where_it_should() -> None:
    """N/A of a GPU that reports states is a broken fabric, not a good one."""
    assert ["fabric N/A, N/A"] == verdict(A100)


def test_a_driver_that_does_not_answer_is_a_fault() -> None:
    """A module that was not built leaves nvidia-smi without a driver and without GPUs."""
    assert ["driver none", "0 GPUs of 2"] == verdict("")


def test_a_lost_gpu_and_another_driver_are_told() -> None:
    """Fewer GPUs than on the bus, or the driver of before, are named."""
    output = printed("fabric-completed.txt", 1)

    assert ["driver 555.42.02", "1 GPUs of 2"] == verdict(output, version="580.173.02")


def test_the_fixtures_name_their_sources() -> None:
    """Every text says where it is from."""
    noted = yaml.safe_load((VENDOR / "sources.yml").read_text())["outputs"]

    assert {path.name for path in VENDOR.glob("*.txt")} == {entry["file"] for entry in noted}
    assert all(entry["source"] for entry in noted)
