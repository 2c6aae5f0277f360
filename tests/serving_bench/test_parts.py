"""The steps of a request are timed on the server's own code."""

import pytest

from serving.bench import parts


def test_parts_are_less_than_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every part takes time, and no part as much as the request that it is a part of."""
    monkeypatch.setattr(parts, "ROUNDS", 3)
    monkeypatch.setattr(parts, "TURNS", 5)

    parts.main()

    rows = [line.split("|") for line in capsys.readouterr().out.splitlines()[2:]]
    found = {name.strip(): float(took_us) for _, name, took_us, *_ in rows}
    whole = found.pop("whole request")
    assert len(found) == 6
    assert all(0 < took_us < whole for took_us in found.values())
