"""`access.yaml`: roles per country, and what each is shown of datasets with, without and with a computed country."""

from pathlib import Path

import pytest

from bi.access import NO_ROWS, Access, Role, RowRule, clauses, read_access
from bi.tree import TREE, Tree, TreeError

RULE = RowRule(role="Manager", column="country", values=["DE", "IT's"], instead={"special": "origin = {value}"})


def dataset(name: str, *columns: dict[str, str]) -> dict[str, object]:
    return {"table_name": name, "columns": list(columns)}


def test_a_role_of_a_row_rule_stands_for_one_role_per_value() -> None:
    access = Access(roles={"Manager": Role(description="x"), "Viewer": Role(description="y")}, rows=[RULE])
    assert set(access.each_role()) == {"Manager DE", "Manager IT's", "Viewer"}
    assert access.expanded("Viewer") == ["Viewer"]


def test_rows_are_those_of_the_value_and_none_where_nobody_can_tell() -> None:
    tree = Tree(
        dataset={
            "plain": dataset("plain", {"column_name": "country"}),
            "computed": dataset("computed", {"column_name": "country", "expression": "if(kind = 'c', v, '')"}),
            "without": dataset("without", {"column_name": "plan"}),
            "special": dataset("special", {"column_name": "origin"}),
        }
    )
    assert clauses(RULE, "IT's", tree) == {
        "country = 'IT''s'": ["plain"],
        "(if(kind = 'c', v, '')) = 'IT''s'": ["computed"],
        NO_ROWS: ["without"],
        "origin = 'IT''s'": ["special"],
    }


def test_every_page_is_read_by_somebody_and_country_managers_are_many() -> None:
    access = read_access(TREE)
    assert len(access.expanded("Country manager")) > 5
    assert all("Viewer" in roles for roles in access.dashboards.values())


@pytest.mark.parametrize("text", ["roles: {A: {descriptoin: x}}", "rows: [{role: A}]", "roles: ["])
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "access.yaml").write_text(text)
    with pytest.raises(TreeError, match=r"^access\.yaml: "):
        read_access(tmp_path)
