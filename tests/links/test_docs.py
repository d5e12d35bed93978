"""The page about links tells the truth: its tables are those of the code, and its examples work as they stand."""

import os
import re
from pathlib import Path

from adplanning_plugin.links import ENTITIES, Links, parse_mapping
from adplanning_plugin.links.mapping import check_mapping

PAGE = Path(__file__).parents[2] / "docs" / "links.md"
SECTION = re.compile(r"(<!-- entities:.*?-->\n)(.*)(<!-- end -->)", re.DOTALL)


def rendered():
    parts = []
    for entity in ENTITIES.values():
        parts += [f"### {entity.name}", "", "| column | type | | without it |", "|---|---|---|---|"]
        for column in entity.columns.values():
            kind = column.type + (
                ": " + ", ".join(f"`{choice}`" for choice in column.choices) if column.choices else ""
            )
            role = "required" if column.required else "written" if column.writeback else ""
            parts.append(f"| `{column.name}` | {kind} | {role} | {column.lacking} |")
        parts.append("")
    return "\n" + "\n".join(parts) + "\n"


def test_the_tables_of_entities_are_those_of_the_code():
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("ADPLANNING_WRITE_DOCS"):
        page = SECTION.sub(lambda found: found[1] + rendered() + found[3], page)
        PAGE.write_text(page, encoding="utf-8")
    found = SECTION.search(page)
    assert found is not None
    assert found[2] == rendered(), "run ADPLANNING_WRITE_DOCS=1 pytest tests/links/test_docs.py"


def test_the_example_link_works_as_it_stands():
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    links = Links(names["LINKS"], tenants_known=True)
    assert links.linked("order")


def test_the_example_mapping_works_as_it_stands():
    [toml] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    check_mapping(parse_mapping(toml), ENTITIES["order"])
