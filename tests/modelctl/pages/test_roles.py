"""Every role's README says what its specs say."""

from pathlib import Path

from modelctl.pages.roles import Role, default_of, page, pages, prose, typed


def test_a_page_lists_options_below_their_parent() -> None:
    """An option of a list's elements is shown with its parent's name."""
    inner = {"name": {"type": "str", "required": True, "description": "Its name."}}
    option = {"type": "list", "elements": "dict", "description": "All | of them.", "options": inner}
    role = Role(
        "demo", "Show", {"main": {"options": {"demo_items": option}}}, {"paths": ["/etc/x"]}
    )

    text = page(role)

    assert r"| `demo_items` | list of dict |  | All \| of them. |" in text
    assert "| `demo_items[].name` | str | required | Its name. |" in text
    assert "- paths: `/etc/x`" in text


def test_ansible_markup_becomes_code() -> None:
    """C(), V() and O() are shown as code, wrapped lines as one."""
    assert "Writes `/etc/apt` alone." == prose("Writes C(/etc/apt)\n alone.")


def test_a_long_default_is_not_put_into_the_table() -> None:
    """What does not fit a cell is left to the defaults file."""
    assert "see defaults/main.yml" == default_of({"default": ["x" * 30, "y" * 30]})
    assert "`false`" == default_of({"default": False})
    assert "`''`" == default_of({"default": ""})


def test_elements_are_part_of_the_type() -> None:
    """A list says what it holds."""
    assert "list of str" == typed({"type": "list", "elements": "str"})


def test_only_roles_with_specs_get_a_page(tmp_path: Path) -> None:
    """A folder without specs is no role."""
    (tmp_path / "roles" / "empty").mkdir(parents=True)

    assert {} == pages(tmp_path)
