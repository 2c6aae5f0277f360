"""`python -m tests.mutation`: how many errors, put into the rules, the rules' fixtures notice."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from modelctl.check.rules import RULES, Rule
from tests.fuzz.judging import in_time
from tests.mutation.fixtures import Case, Found, cases, found
from tests.mutation.mutants import Mutant, mutants

_IDS = tuple(rule.ID for rule in RULES)


@dataclass(frozen=True, slots=True)
class Score:
    """The mutants of a rule: how many there are, and which nobody noticed."""

    rule: str
    count: int
    survivors: tuple[Mutant, ...]


def score(rule: Rule, *, only_own: bool = False) -> Score:
    """Try every mutant of a rule on the fixtures: its own, then all others."""
    known = [(case, found(rule, case)) for case in cases(rule, only_own=only_own)]
    module = import_module(getattr(rule, "__name__", ""))
    tried = list(mutants(Path(str(module.__file__)).read_text("utf-8")))
    left = (mutant for mutant in tried if not is_noticed(mutant, module, known))
    return Score(rule.ID, len(tried), tuple(left))


def is_noticed(mutant: Mutant, module: ModuleType, known: Sequence[tuple[Case, Found]]) -> bool:
    """Whether any fixture tells the mutant from the rule, by other findings or by an error."""
    mutated: Rule = ModuleType(module.__name__)
    try:
        with in_time():
            exec(compile(mutant.tree, str(module.__file__), "exec"), vars(mutated))  # noqa: S102 - the mutant itself
            return any(found(mutated, case) != expected for case, expected in known)
    except Exception:  # noqa: BLE001 - whatever it is, a test would fail with it
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the score of each rule, the mutants that nobody notices, and the score of all."""
    asked = _parser().parse_args(arguments)
    chosen = [rule for rule in RULES if not asked.rule or rule.ID in asked.rule]
    count = noticed = 0
    for rule in chosen:
        of_rule = score(rule, only_own=asked.own)
        count += of_rule.count
        noticed += of_rule.count - len(of_rule.survivors)
        print("\n".join(_told(of_rule)), flush=True)
    print(f"{noticed} of {count} noticed: {noticed / max(count, 1):.1%}")
    return 0


def _told(of_rule: Score) -> Iterator[str]:
    yield f"{of_rule.rule}: {of_rule.count - len(of_rule.survivors)} of {of_rule.count}"
    for mutant in of_rule.survivors:
        yield f"  line {mutant.line}: {mutant.what}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.mutation", description=__doc__)
    parser.add_argument("--rule", action="append", choices=_IDS, default=[], metavar="ID")
    parser.add_argument("--own", action="store_true", help="only with the rule's own fixtures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
