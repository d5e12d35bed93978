"""What the fixtures give to every other test: migrated databases of their own, for an ordinary role."""

import asyncpg

from adplanning_plugin.embedded import ROLE


async def test_a_database_is_migrated_owned_by_the_ordinary_role_and_empty(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT current_user") == ROLE
        assert not await connection.fetchval(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        schemas = await connection.fetch("SELECT DISTINCT schemaname FROM pg_tables WHERE tableowner = current_user")
        assert {row["schemaname"] for row in schemas} >= {"adplanning", "store"}
        assert await connection.fetchval("SELECT count(*) FROM adplanning.tenant") == 0
        await connection.execute("INSERT INTO adplanning.tenant (id, zone, currency) VALUES ('a', 'UTC', 'EUR')")
    finally:
        await connection.close()


async def test_each_test_has_a_database_to_itself(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM adplanning.tenant") == 0
    finally:
        await connection.close()


def test_two_databases_at_once_are_two(make_database, template_database) -> None:
    assert make_database(template_database) != make_database(template_database)
