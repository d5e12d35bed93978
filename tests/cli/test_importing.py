"""Files of entities that a store lacks: bad lines reported, nothing loaded twice, what is linked refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal, query

pytestmark = [pytest.mark.slow]
MAPPING = """
[columns]
id = "key"
name = "title"
platform = { value = "meta" }
"""


@pytest.fixture
def mini(terminal_on: Callable[..., Terminal], database_url: str) -> Terminal:
    return terminal_on(database_url, ADPLANNING_APP="tests.cli.mini:plugin")


def test_good_lines_are_loaded_once_and_bad_ones_reported_with_their_reasons(mini: Terminal, tmp_path: Path) -> None:
    (tmp_path / "campaigns.toml").write_text(MAPPING)
    (tmp_path / "campaigns.csv").write_text("key,title\nc1,Spring\n,Nameless\nc2,Summer\nc3\n")
    command = ["import", "campaigns.csv", "--entity", "ad_campaign", "--mapping", "campaigns.toml", "--bad", "bad.csv"]
    said = mini.run(*command)
    assert said.status == 1
    assert said.out.splitlines()[0] == "4 read, 2 loaded, 0 there before, 2 bad"
    with (tmp_path / "bad.csv").open(newline="") as file:
        reported = list(csv.reader(file))
    assert reported[0] == ["line", "reason"]
    assert [line for line, _ in reported[1:]] == ["3", "5"]
    assert "id is empty" in reported[1][1]
    assert f"line 3: {reported[1][1]}" in said.out

    (tmp_path / "campaigns.csv").write_text("key,title\nc1,Spring\nc2,Summer\n")
    assert mini.run(*command).ok() == "2 read, 0 loaded, 2 there before, 0 bad\n"
    rows = query(mini.url, "SELECT id, name FROM adplanning.owned_ad_campaign ORDER BY id", "default")
    assert rows == [("c1", "Spring"), ("c2", "Summer")]


def test_a_linked_entity_is_refused_by_naming_its_link(mini: Terminal, tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text('[columns]\nid = "key"\n')
    (tmp_path / "people.csv").write_text("key\np1\n")
    said = mini.run("import", "people.csv", "--entity", "person", "--mapping", "people.toml").refused()
    assert "person is linked to mini.members" in said


def test_a_file_that_is_not_there_is_one_sentence(mini: Terminal, tmp_path: Path) -> None:
    (tmp_path / "campaigns.toml").write_text(MAPPING)
    said = mini.run("import", "nowhere.csv", "--entity", "ad_campaign", "--mapping", "campaigns.toml").refused()
    assert "nowhere.csv" in said
