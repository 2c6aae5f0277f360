"""What a change does, as JSON for programs."""

import json
from collections.abc import Sequence
from typing import Any

from modelctl.check.effects import Effect, Side


def effects_as_json(effects: Sequence[Effect], base: str) -> str:
    """One object: the commit that is compared with, and an entry a model and environment."""
    return json.dumps({"base": base, "effects": [_effect(each) for each in effects]}, indent=2)


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "model": effect.model,
        "environment": effect.environment,
        "before": _side(effect.before),
        "after": _side(effect.after),
        "entering": effect.entering,
        "leaving": effect.leaving,
        "restarting": effect.restarting,
        "is_cold_back": effect.is_cold_back,
    }


def _side(side: Side) -> dict[str, Any]:
    footprint = side.footprint
    return {
        "stable": side.stable,
        "weights": dict(side.weights),
        "shadow": side.shadow,
        "pods": footprint.pods,
        "cpu": float(footprint.cpu),
        "memory_mib": footprint.memory_mib,
        "gpus": dict(footprint.gpus),
    }
