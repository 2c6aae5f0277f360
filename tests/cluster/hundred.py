"""How long a real API server takes for the objects of many models, from nothing.

`python -m tests.cluster.hundred [MODELS]`, after `make cluster-tools`; 100 models unless told.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.bench import fleet
from tests.cluster import control_plane, world
from tests.cluster.api import Api, Object
from tests.cluster.argo import place


def main(models: int) -> None:
    """Render a fleet, apply it twice, and say how long that took."""
    with tempfile.TemporaryDirectory() as folder, control_plane.running() as plane:
        root = Path(folder, "fleet")
        root.mkdir()
        made = fleet.Fleet(models)
        fleet.make(root, made)
        environment = made.names[-1]
        folders = [str(p.relative_to(root)) for p in root.glob(f"apps/*/rendered/{environment}")]
        items = sorted(world.documents(root, *folders), key=place)
        with plane.client() as api:
            world.make_namespaces(api, items)
            first, second = _applied(api, items), _applied(api, items)
    print(
        f"{models} models, {len(items)} objects: applied from nothing in {first:.1f} s, "
        f"again in {second:.1f} s"
    )


def _applied(api: Api, items: list[Object]) -> float:
    began = time.perf_counter()
    for item in items:
        api.apply(item)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
