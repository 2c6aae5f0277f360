"""The steps of a request are timed on the server's own code."""

import pytest

from serving.bench import parts


def test_every_part_is_timed_beside_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each takes time; what share of the whole a part has, only a quiet machine can tell."""
    monkeypatch.setattr(parts, "ROUNDS", 3)
    monkeypatch.setattr(parts, "TURNS", 5)

    parts.main()

    rows = [line.split("|") for line in capsys.readouterr().out.splitlines()[2:]]
    found = {name.strip(): float(took_us) for _, name, took_us, *_ in rows}
    assert 7 == len(found)
    assert "whole request" in found
    assert all(took_us > 0 for took_us in found.values())
