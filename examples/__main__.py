"""Trains the sample models and writes their artifacts; `python -m examples --help` tells how."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # none exist

from examples import datasets, diabetes_mlp, digits_cnn, digits_mlp, linear
from examples.comparison import differences
from examples.release import Release

ARTIFACTS = Path(__file__).parent / "artifacts"
Trainer = Callable[[], tuple[Release, ...]]

TRAINERS: Mapping[str, Trainer] = {
    "linear": linear.releases,
    "diabetes-mlp": diabetes_mlp.releases,
    "digits-mlp": lambda: digits_mlp.releases(datasets.digits(), grey_levels=16),
    "digits-cnn": digits_cnn.releases,
}


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 the check found differences, 2 bad usage or bad data."""
    options = _options(arguments)
    try:
        trained = _train(options)
    except datasets.DataError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.check:
        _write(trained, options.out)
        return 0
    found = [line for release in trained for line in differences(release, options.out)]
    print("\n".join(found) or f"{len(trained)} releases are what their scripts train")
    return 1 if found else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line, with combinations that make no sense refused."""
    parser = argparse.ArgumentParser(
        prog="python -m examples", description="Train the sample models and write their artifacts."
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"some of {', '.join(TRAINERS)}")
    parser.add_argument("--check", action="store_true", help="write nothing, compare with --out")
    parser.add_argument("--out", type=Path, default=ARTIFACTS, metavar="DIR", help="artifacts")
    parser.add_argument(
        "--mnist", type=Path, metavar="DIR", help="train digits-mlp on MNIST's IDX files in DIR"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.models) - set(TRAINERS):
        parser.error(f"no model {', '.join(sorted(unknown))}: there are {', '.join(TRAINERS)}")
    if options.mnist and options.out == ARTIFACTS:
        parser.error("--mnist needs --out: a model of 28x28 images is not the committed sample")
    return options


def _train(options: argparse.Namespace) -> list[Release]:
    """The releases of the chosen models, in order."""
    chosen = [TRAINERS[model] for model in options.models or TRAINERS]
    if options.mnist:
        images = datasets.mnist(options.mnist)
        chosen = [lambda: digits_mlp.releases(images, grey_levels=255)]
    with threadpool_limits(limits=1):  # sums are then always added up in the same order
        return [release for train in chosen for release in train()]


def _write(releases: list[Release], folder: Path) -> None:
    """Write every file and report one line a release."""
    for release in releases:
        for name, content in release.files().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        metrics = ", ".join(f"{name} {value:.4f}" for name, value in release.metrics.items())
        print(f"{release.model} {release.name}: {metrics}")


if __name__ == "__main__":
    sys.exit(main())
