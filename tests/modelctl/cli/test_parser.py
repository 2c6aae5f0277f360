"""Arguments: each word counts, and one that cannot is refused with what was expected."""

import pytest

from modelctl.cli.parser import Parser
from modelctl.errors import UsageError


@pytest.fixture
def parser() -> Parser:
    """Every kind of argument that a command may have."""
    parser = Parser("modelctl paint", "Paint a wall.")
    parser.add_argument("wall", metavar="WALL")
    parser.add_argument("coats", nargs="*", metavar="COAT")
    parser.add_argument("--colour")
    parser.add_argument("--finish", choices=("matt", "glossy"), default="matt")
    parser.add_argument("--size-mm", type=float)
    parser.add_argument("--brush", action="append", default=[])
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--primer")
    parser.goes_with("--primer", "--colour", "a primer is chosen by colour")
    return parser


def refusal(parser: Parser, *words: str) -> str:
    """Why the words are refused."""
    with pytest.raises(UsageError) as caught:
        parser.read(words)
    return str(caught.value)


def test_good_words(parser: Parser) -> None:
    """What is meant is read, in either spelling of a value, and after two hyphens."""
    words = ("--colour=red", "--brush", "a", "--brush", "b", "--primer", "red", "--dry-run")
    found = parser.read(("north", *words, "--size-mm", "-5", "--", "--first"))

    assert ("north", ["--first"], "red", ["a", "b"]) == (
        found.wall, found.coats, found.colour, found.brush,
    )  # fmt: skip
    assert (True, -5.0, "matt") == (found.dry_run, found.size_mm, found.finish)


def test_options_stand_anywhere(parser: Parser) -> None:
    """An option between two values of a list parts nothing."""
    found = parser.read(("north", "one", "--colour", "red", "two"))

    assert (["one", "two"], "red") == (found.coats, found.colour)


def test_one_word_too_many() -> None:
    """A word that no argument takes is named."""
    said = refusal(Parser("modelctl rest", "Do nothing."), "a", "b")

    assert "found 'a', expected no further argument (see `modelctl rest --help`)" == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("",), "found an empty argument, expected a value, or none at all"),
        (("north", " \t"), "found an empty argument"),
        (("north", "--colour", ""), "--colour: found an empty argument"),
        (("north", "--colour="), "--colour: found an empty value"),
        (("north", "--colour= "), "--colour: found an empty value"),
        (("north", "--brush", "a", "--brush", ""), "--brush: found an empty argument"),
        (("north", "--", ""), "found an empty argument"),
    ],
)
def test_blank_words(parser: Parser, words: tuple[str, ...], said: str) -> None:
    """A blank word, as a shell makes of a variable that is not set, is never taken for none."""
    assert refusal(parser, *words).startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("north", "--colour", "red", "--colour", "blue"), "--colour: found it 2 times"),
        (("north", "--colour", "red", "--colour=red"), "--colour: found it 2 times"),
        (("north", "--dry-run", "--dry-run"), "--dry-run: found it 2 times"),
        (("north", "--finish", "matt", "--finish", "glossy"), "--finish: found it 2 times"),
        (("north", "one", "two", "one"), "COAT: found one 2 times, expected it once"),
        (("north", "--brush", "a", "--brush", "a"), "--brush: found a 2 times, expected it once"),
    ],
)
def test_repeats(parser: Parser, words: tuple[str, ...], said: str) -> None:
    """No later word silently wins over an earlier one."""
    assert refusal(parser, *words).startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("north", "--color", "red"),
            "found the option --color, expected a known one: did you mean --colour?",
        ),
        (("north", "--col=red"), "found the option --col, expected"),
        (("--collour", "red"), "found the option --collour, expected"),
        (("north", "--dry_run"), "found the option --dry_run, expected a known one: did you mean"),
        (("north", "-x"), "found the option -x"),
        (("north", "--finish", "mat"), "--finish: found 'mat', expected matt or glossy: did you"),
        (("north", "--colour"), "--colour: expected one argument"),
        ((), "the following arguments are required: WALL"),
    ],
)
def test_unknown_words(parser: Parser, words: tuple[str, ...], said: str) -> None:
    """An unknown word is named, with the nearest known one, before anything else is complained."""
    assert refusal(parser, *words).startswith(said)


def test_an_option_without_its_partner(parser: Parser) -> None:
    """An option that would have no effect alone is refused, and says why."""
    assert (
        "found --primer without --colour, expected both: a primer is chosen by colour "
        "(see `modelctl paint --help`)"
    ) == refusal(parser, "north", "--primer", "red")


def test_a_value_may_begin_with_a_hyphen(parser: Parser) -> None:
    """Text in several words is a value, whatever it begins with."""
    assert "- warm red" == parser.read(("north", "--colour", "- warm red")).colour
