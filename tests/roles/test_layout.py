"""What must hold for the files of every role."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from harness.content import PROJECT
from harness.roles import ROLES, inside, module, read, task_files, tasks

FILES = (
    "defaults/main.yml",
    "meta/main.yml",
    "meta/argument_specs.yml",
    "meta/ownership.yml",
    "tasks/main.yml",
    "README.md",
)
TYPES = {
    "str": str,
    "path": str,
    "bool": bool,
    "int": int,
    "float": (int, float),
    "list": list,
    "dict": dict,
    "raw": object,
}
OWNERSHIP = {"paths": list, "units": list, "packages": list, "keep_on_reset": bool}
PHASES = {"assert", "install", "configure", "verify", "never", "destructive"}
ROUTES = {f"ansible.builtin.{kind}" for kind in ("import_tasks", "include_tasks", "import_role")}
REQUESTS = "/run/modelctl"  # every role asks node_reboot there; the boot clears it
GPU_HOST_ROLES = {"containerd", "nvidia_driver", "nvidia_container_toolkit", "nvidia_mig"}
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def options(role: Path) -> dict[str, dict[str, Any]]:
    """Options of a role's main entry point."""
    specs = read(role / "meta" / "argument_specs.yml")["argument_specs"]
    found: dict[str, dict[str, Any]] = specs["main"].get("options", {})
    return found


@each_role
def test_a_role_has_its_files(role: Path) -> None:
    """Whoever knows one role finds the way in every other."""
    assert [] == [name for name in FILES if not (role / name).exists()]


@each_role
def test_defaults_are_the_specs_defaults(role: Path) -> None:
    """Specs and defaults name the same variables with the same values."""
    told = {name: of["default"] for name, of in options(role).items() if "default" in of}

    assert told == (read(role / "defaults" / "main.yml") or {})


@each_role
def test_defaults_have_their_type(role: Path) -> None:
    """A literal default is of the type that its spec names."""
    wrong = []
    for name, option in options(role).items():
        default = option.get("default", "{{")
        if isinstance(default, str) and "{{" in default:
            continue
        wanted = TYPES[option.get("type", "str")]
        if not isinstance(default, wanted) or (wanted is int and isinstance(default, bool)):
            wrong.append(name)

    assert [] == wrong


@each_role
def test_every_option_is_described(role: Path) -> None:
    """Each variable says what it is for, and is required or has a default."""
    specs = read(role / "meta" / "argument_specs.yml")["argument_specs"]
    named = {k: of for spec in specs.values() for k, of in (spec.get("options") or {}).items()}
    bare = [name for name, of in named.items() if not of.get("description") or "type" not in of]
    open_ended = [
        n for n, of in options(role).items() if not of.get("required") and "default" not in of
    ]

    assert [] == bare
    assert [] == open_ended


@each_role
def test_variables_carry_the_roles_name(role: Path) -> None:
    """A default belongs to the role that its name begins with."""
    assert [] == [name for name in options(role) if not name.startswith(f"{role.name}_")]


@each_role
def test_every_variable_is_read(role: Path) -> None:
    """A variable that nothing reads would be set in vain: the role, or a playbook, names it."""
    folders = ("tasks", "templates", "vars", "handlers", "files")
    places = [path for folder in folders for path in role.glob(f"{folder}/*")]
    places += [role / "defaults" / "main.yml", *(PROJECT / "playbooks").rglob("*.yml")]
    lines = [line for path in places for line in path.read_text().splitlines()]
    unread = [
        name
        for name in options(role)
        if not any(re.search(rf"(?<!^)\b{name}\b(?!:)", f" {line}") for line in lines)
    ]

    assert [] == unread


@each_role
def test_ownership_is_complete_in_form(role: Path) -> None:
    """The manifest has each of its keys, with absolute paths."""
    owned = read(role / "meta" / "ownership.yml")

    assert list(OWNERSHIP) == [
        key for key in OWNERSHIP if isinstance(owned.get(key), OWNERSHIP[key])
    ]
    assert [] == sorted(set(owned) - set(OWNERSHIP))
    assert [] == [path for path in owned["paths"] if not path.startswith("/")]


@pytest.mark.parametrize("kind", ["paths", "units", "packages"])
def test_nothing_has_two_owners(kind: str) -> None:
    """No two roles write one path, run one unit or install one package."""
    owners = Counter(
        name for role in ROLES for name in set(read(role / "meta" / "ownership.yml")[kind])
    )

    assert [] == [name for name, count in owners.items() if count > 1]


def test_no_path_lies_inside_another_roles_path() -> None:
    """A folder that a role removes at reset holds no file of another role but requests."""
    owned = [
        (role.name, path.rstrip("/"))
        for role in ROLES
        for path in read(role / "meta" / "ownership.yml")["paths"]
    ]
    nested = [
        f"{b} of {b_role} in {a} of {a_role}"
        for (a_role, a), (b_role, b) in combinations(sorted(owned, key=lambda o: len(o[1])), 2)
        if a_role != b_role and a != REQUESTS and b.startswith(f"{a}/")
    ]

    assert [] == nested


@each_role
def test_the_router_only_imports(role: Path) -> None:
    """tasks/main.yml is a list of other files, each tagged with the role's name and its phases."""
    wrong = []
    for task in read(role / "tasks" / "main.yml") or []:
        tags = set(task.get("tags", []))
        if module(task) not in ROUTES or role.name not in tags or tags - {role.name} - PHASES:
            wrong.append(task.get("name"))

    assert [] == wrong


def called() -> set[tuple[str, str]]:
    """Role and entry point of every task that includes or imports a role."""
    files = [*(PROJECT / "playbooks").rglob("*.yml"), *(PROJECT / "roles").glob("*/tasks/*.yml")]
    found = set()
    for path in files:
        plays = [item for item in read(path) or [] if isinstance(item, dict)]
        parts = ("pre_tasks", "tasks", "post_tasks")
        listed = [task for play in plays for part in parts for task in play.get(part) or []]
        for task in inside(listed + plays):
            given = task.get("ansible.builtin.include_role") or task.get(
                "ansible.builtin.import_role"
            )
            if given:
                found.add((given["name"], given.get("tasks_from", "main")))
    return found


def test_every_entry_point_has_a_caller() -> None:
    """What a role offers beside its main way is used by a playbook or by another role."""
    offered = {
        (role.name, entry)
        for role in ROLES
        for entry in read(role / "meta" / "argument_specs.yml")["argument_specs"]
        if entry != "main" and (role / "tasks" / f"{entry}.yml").exists()
    }

    assert set() == offered - called()


@each_role
def test_task_names_are_unique(role: Path) -> None:
    """A name in the output points to one task of the role."""
    names = Counter(
        task["name"]
        for path in task_files(role)
        for task in tasks(path)
        if "name" in task and "block" not in task and module(task) not in ROUTES
    )

    assert [] == [name for name, count in names.items() if count > 1]


@each_role
def test_no_error_is_ignored(role: Path) -> None:
    """A task fails, or says in failed_when what is no failure; nothing installs `latest`."""
    wrong = []
    for path in task_files(role):
        for task in tasks(path):
            arguments = task.get(module(task))
            state = arguments.get("state") if isinstance(arguments, dict) else None
            if "ignore_errors" in task or state == "latest":
                wrong.append(task["name"])

    assert [] == wrong


@pytest.mark.parametrize("name", sorted(GPU_HOST_ROLES))
def test_gpu_hosts_reload_systemd_only_for_a_unit_file(name: str) -> None:
    """`daemon_reload` stands in handlers alone: a stray one can cut pods off their GPUs."""
    wrong = []
    for path in (PROJECT / "roles" / name).glob("tasks/**/*.yml"):
        for task in tasks(path):
            arguments = task.get(module(task))
            if isinstance(arguments, dict) and arguments.get("daemon_reload"):
                wrong.append(task["name"])

    assert [] == wrong


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "playbooks").glob("*.yml")), ids=lambda path: path.name
)
def test_every_play_has_a_name(path: Path) -> None:
    """Plays and their tasks are named, and no task ignores an error."""
    wrong = []
    for play in read(path):
        listed = [t for kind in ("pre_tasks", "tasks", "post_tasks") for t in play.get(kind) or []]
        wrong += [str(t)[:80] for t in inside(listed) if "name" not in t or "ignore_errors" in t]
        if "name" not in play:
            wrong.append(str(play)[:80])

    assert [] == wrong


def test_reset_knows_every_role() -> None:
    """The order in which a reset undoes the roles names each of them once."""
    order = read(PROJECT / "roles" / "reset" / "vars" / "main.yml")["__reset_order"]

    assert sorted(role.name for role in ROLES) == sorted(order)
