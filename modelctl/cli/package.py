"""`modelctl package`: anybody's model, made a release."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from modelctl.cli import branching, names, new, release, shift
from modelctl.cli.parser import Parser
from modelctl.cli.values import text
from modelctl.errors import UsageError
from modelctl.model.tensors import Contract
from modelctl.packaging import packing
from modelctl.packaging.packing import Package, Wish
from modelctl.repo import git, layout
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree

# Arguments of `new` and `release` that are handed on as they were typed.
_NEW = ("--owner", "--description", "--image", "--env", "--artifacts-at", "--trained-from",
        "--data-sha256", "--latency-p99-ms", "--error-rate", "--peak-rps")  # fmt: skip
_RELEASE = ("--image", "--artifacts-at", "--trained-from", "--data-sha256")
_PERCENT = 100


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="file or folder of the model")
    parser.add_argument(
        "--model", type=text("model", "name"), metavar="NAME", help="model that gets the release"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="only write model and golden file into a folder"
    )
    _configure_conversion(parser)
    _configure_savings(parser)
    for option in _NEW:
        parser.add_argument(option, metavar="…", help="as of `modelctl new` and `release`")
    parser.add_argument("--metric", action="append", default=[], metavar="NAME=VALUE", help="too")
    parser.add_argument("--commit", action="store_true", help="commit what is written")
    parser.add_argument("--no-verify", action="store_true", help="pass over git's commit hooks")
    parser.add_argument(
        "--branch", metavar="NAME", help="commit on a new branch, with a pull request's text"
    )
    parser.goes_with("--branch", "--model", "it is about a release")


def _configure_conversion(parser: Parser) -> None:
    parser.add_argument(
        "--samples", type=Path, metavar="FILE", help="rows of input, .npz: an array for each"
    )
    parser.add_argument(
        "--trust", action="store_true", help="read formats that run code: you know who made it"
    )
    parser.add_argument(
        "--python", type=Path, metavar="PATH", help="interpreter that has the framework"
    )
    parser.add_argument(
        "--option",
        action="append",
        type=_option,
        default=[],
        metavar="NAME=VALUE",
        help="of the converter; may be given several times",
    )
    for option, place in (("--before", "takes requests"), ("--after", "gives answers")):
        parser.add_argument(option, type=Path, metavar="FILE", help=f"ONNX graph that {place}")


def _configure_savings(parser: Parser) -> None:
    parser.add_argument(
        "--quantize", choices=("auto", "dynamic", "static"), help="8 bits, kept where it pays"
    )
    parser.add_argument(
        "--prune", type=_fraction, metavar="FRACTION", help="of hidden units, kept where it pays"
    )
    parser.add_argument(
        "--aim", choices=("latency", "size"), default="latency", help="what has to get less"
    )
    parser.add_argument(
        "--max-loss",
        type=_percent,
        default=1.0,
        metavar="PERCENT",
        help="of rows with another label, or of the answers' spread; default: 1",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="the truth for each sample, .npy or .npz"
    )
    parser.goes_with("--labels", "--samples", "they are the truth of these")


def _option(word: str) -> tuple[str, object]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"found {word!r}, expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _fraction(word: str) -> float:
    return _between(word, 1.0, "a fraction above 0 and below 1 such as 0.5")


def _percent(word: str) -> float:
    return _between(word, float(_PERCENT), "percent above 0 and below 100 such as 1")


def _between(word: str, below: float, what: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < below:
        raise argparse.ArgumentTypeError(f"found {word!r}, expected {what}")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Convert, prove, save; then write what `new` or `release` would."""
    if (arguments.model is None) == (arguments.out is None):
        found = "neither" if arguments.model is None else "both"
        raise UsageError(
            f"found {found} of --model and --out, expected one: --model NAME for a release, "
            "--out DIR for the files alone"
        )
    if arguments.out is not None:
        _write(packing.package(_wish(arguments)), arguments.out)
        return 0
    root = git.top_level(Path.cwd())
    repository = load(WorkTree(root))
    _refuse_unready(arguments, repository)
    made = packing.package(_wish(arguments), _contract(arguments, repository))
    packages = root / ".modelctl" / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    (packages / ".gitignore").write_text("*\n", encoding="utf-8")
    folder = packages / arguments.model
    _write(made, folder)
    return _released(arguments, root, repository, made, folder)


def _wish(arguments: argparse.Namespace) -> Wish:
    return Wish(
        source=arguments.source,
        samples=arguments.samples,
        labels=arguments.labels,
        before=arguments.before,
        after=arguments.after,
        quantize=arguments.quantize,
        prune=arguments.prune,
        aim=arguments.aim,
        max_loss_percent=arguments.max_loss,
        trust=arguments.trust,
        python=arguments.python,
        options=dict(arguments.option),
    )


def _write(made: Package, folder: Path) -> None:
    """Write the files of a package, and say what was found out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(made.model)
    provenance = json.dumps(made.provenance, indent=2) + "\n"
    (folder / "provenance.json").write_text(provenance, encoding="utf-8")
    golden = folder / "golden.json"
    golden.unlink(missing_ok=True)
    if made.golden is not None:
        golden.write_bytes(made.golden)
    print("\n".join(made.lines))
    for path in sorted(folder.iterdir()):
        print(f"  wrote {path}")


def _refuse_unready(arguments: argparse.Namespace, repository: Repository) -> None:
    """Refuse before the long work what would be refused after it."""
    if arguments.env:
        names.refuse_unknown_environment(repository, arguments.env)
    details = [one for one in _NEW if one not in (*_RELEASE, "--env") and _given(arguments, one)]
    if arguments.model in repository.folders and details:
        raise UsageError(
            f"found {details[0]} of the model {arguments.model}, which is there already, expected "
            f"what a release says: edit {layout.model_file(arguments.model)}"
        )
    if arguments.model not in repository.folders:
        words = [arguments.model, "--artifact", "model.onnx", *_handed_on(arguments, _NEW)]
        new.owner(_parser("new", new.configure).read(words), repository)


def _contract(arguments: argparse.Namespace, repository: Repository) -> Contract | None:
    """What the model promises already, None of a new one."""
    if arguments.model not in repository.folders:
        return None
    model = repository.model(arguments.model).model
    return model.contract if model else None


def _given(arguments: argparse.Namespace, option: str) -> str | None:
    value: str | None = getattr(arguments, option.removeprefix("--").replace("-", "_"))
    return value


def _handed_on(arguments: argparse.Namespace, options: Sequence[str]) -> list[str]:
    words = [f"{one}={value}" for one in options if (value := _given(arguments, one))]
    words += [f"--metric={each}" for each in arguments.metric]
    if not arguments.trained_from:
        words.append(f"--trained-from={arguments.source.name}")
    if arguments.commit or arguments.branch:
        words += ["--commit", *(["--no-verify"] if arguments.no_verify else [])]
    return words


def _released(
    arguments: argparse.Namespace,
    root: Path,
    repository: Repository,
    made: Package,
    folder: Path,
) -> int:
    """Write the files of the release, on a branch of its own if that is asked."""
    files = ["--artifact", str(folder / "model.onnx")]
    if made.golden is not None:
        files += ["--golden", str(folder / "golden.json")]
    with branching.on_branch(root, arguments.branch) as begun:
        if arguments.model in repository.folders:
            code = _next_release(arguments, repository, made, files)
        else:
            parser = _parser("new", new.configure)
            words = [arguments.model, *files, *_handed_on(arguments, _NEW)]
            code = new.run(_with_story(parser.read(words), made))
    if begun:
        pull_request = branching.pull_request(root, begun, made.lines, made.provenance)
        path = folder / "pull-request.md"
        path.write_text(pull_request, encoding="utf-8")
        print(f"\n{pull_request}\n  wrote {path}")
    return code


def _next_release(
    arguments: argparse.Namespace, repository: Repository, made: Package, files: Sequence[str]
) -> int:
    """Add the release, and introduce it at weight 0 where the model serves."""
    parser = _parser("release", release.configure)
    words = [arguments.model, *files, *_handed_on(arguments, _RELEASE)]
    code = release.run(_with_story(parser.read(words), made))
    served = [place.name for place, _ in repository.model(arguments.model).served]
    environment = arguments.env or next(iter(served), None)
    if code or environment is None:
        return code
    root = git.top_level(Path.cwd())
    added = list(load(WorkTree(root)).model(arguments.model).releases)[-1]
    parser = _parser("shift", shift.configure)
    committing = [word for word in words if word in ("--commit", "--no-verify")]
    words = [arguments.model, "--env", environment, f"{added}=0", *committing]
    return shift.run(parser.read(words))


def _with_story(arguments: argparse.Namespace, made: Package) -> argparse.Namespace:
    arguments.packaged = made.provenance
    return arguments


def _parser(name: str, configured: branching.Configure) -> Parser:
    parser = Parser(f"modelctl {name}", name)
    configured(parser)
    return parser
