"""What a change does, as Markdown: the comment below a pull request."""

from collections.abc import Sequence
from fractions import Fraction

from modelctl.check.effects import Effect, Footprint, Side

_MOST = 100  # rows: a comment has room for no more than some


def markdown(effects: Sequence[Effect], base: str) -> str:
    """A table of traffic, one of what pods ask for, and the way back."""
    if not effects:
        return f"Nothing changes in what is served, compared with {base}."
    shown = effects[:_MOST]
    traffic = [
        f"| {e.environment} | {e.model} | {_traffic(e.before)} | {_traffic(e.after)} "
        f"| {_names(e.entering)} | {_names(e.leaving)} | {_names(e.restarting)} |"
        for e in shown
    ]
    amounts = [
        f"| {e.environment} | {e.model} | {_amounts(e.before.footprint, e.after.footprint)} |"
        for e in shown
        if e.before.footprint != e.after.footprint
    ]
    lines = [
        f"Compared with {base}:",
        "",
        "| environment | model | traffic before | after | entering | leaving | restarting |",
        "|---|---|---|---|---|---|---|",
        *traffic,
    ]
    if amounts:
        head = "| environment | model | pods at least | cpu | memory | GPUs |"
        lines += ["", head, "|---|---|---|---|---|---|", *amounts]
    if len(effects) > len(shown):
        lines += ["", f"{len(effects) - len(shown)} more rows are left out."]
    return "\n".join([*lines, "", *_back(effects)])


def _back(effects: Sequence[Effect]) -> list[str]:
    """The one-line way back, and what is cold on it."""
    line = "The way back, once it is merged: `git revert --no-edit COMMIT` (`-m 1` for a merge)."
    cold = [
        f"In {e.environment} that starts {_names(e.leaving)} of {e.model} cold: "
        f"`modelctl rollback {e.model} --env {e.environment}` warms it first."
        for e in effects
        if e.is_cold_back
    ]
    return [line, *cold]


def _traffic(side: Side) -> str:
    weights = [
        f"{release} {weight} %{' (stable)' if release == side.stable else ''}"
        for release, weight in side.weights.items()
    ]
    shadow = [f"{side.shadow} shadow"] if side.shadow else []
    return ", ".join([*weights, *shadow]) or "-"


def _names(releases: Sequence[str]) -> str:
    return ", ".join(releases) or "-"


def _amounts(before: Footprint, after: Footprint) -> str:
    pairs = (
        (f"{before.pods}", f"{after.pods}"),
        (_cores(before.cpu), _cores(after.cpu)),
        (_memory(before.memory_mib), _memory(after.memory_mib)),
        (_gpus(before), _gpus(after)),
    )
    return " | ".join(old if old == new else f"{old} → {new}" for old, new in pairs)


def _cores(cpu: Fraction) -> str:
    return f"{float(cpu):g}"


def _memory(mib: int) -> str:
    return f"{mib} MiB"


def _gpus(footprint: Footprint) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(footprint.gpus.items())) or "0"
