"""Whether the list of environments says that this machine is to run one."""

from modelctl.local.plan.values import PlanError
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.kinds import Environments


def require_local(environments: Environments, name: str) -> None:
    """Return if this machine is meant to run an environment.

    Raises:
        PlanError: There is no such one, or another engine runs it; the message has those to choose.
    """
    found = environments.get(name)
    if found is not None and found.engine == "local":
        return
    near = hint(name, [each.name for each in environments.ordered])
    said = f"no such environment ({near})" if found is None else f"engine: {found.engine}"
    local = ", ".join(each.name for each in environments.ordered if each.engine == "local")
    raise PlanError(
        f"{layout.ENVIRONMENTS}: environment {name}: found {said}, expected one with "
        f"engine: local ({local or 'none is there'}); choose it with --env"
    )
