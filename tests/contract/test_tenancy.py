"""Tenancy, asked of the database catalogue: a table without a tenant, a policy or an index led by it fails here."""

from __future__ import annotations

import json
import re
from typing import Any

import asyncpg
import pytest

from tests.contract.store import Contract

EXEMPT = frozenset({"tenant", "public_key", "wakeup", "alembic_version"})
"""No rows of people: tenants, public keys (hashes), wake-ups, and the version table of the migrations."""
RELATIONS = """
SELECT c.oid, c.relname AS name, c.relispartition AS is_partition, c.relrowsecurity AS enabled,
       c.relforcerowsecurity AS forced, pg_get_expr(c.relpartbound, c.oid) AS bound,
       (SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p WHERE p.polrelid = c.oid) AS using_,
       (SELECT pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_policy p WHERE p.polrelid = c.oid) AS check_
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'adplanning' AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
INDEXES = """
SELECT t.relname AS table_, i.relname AS index_, a.attname AS leads
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
WHERE n.nspname = 'adplanning' ORDER BY 1, 2
"""
COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, a.attnotnull AS required, a.atthasdef AS has_default,
       a.attgenerated <> '' OR a.attidentity <> '' AS is_made
FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
VALUES = {
    "text": "'planted'",
    "character varying": "'planted'",
    "bigint": "987654321",
    "integer": "987654321",
    "smallint": "1",
    "numeric": "1",
    "double precision": "1",
    "boolean": "false",
    "timestamp with time zone": "now()",
    "date": "'1999-01-01'",
    "jsonb": "'{}'",
    "bytea": "'\\x00'",
}
LOWER_BOUND = re.compile(r"FROM \('([^']+)'\)")


@pytest.fixture
async def link(contract: Contract, contract_url: str) -> Any:
    """A connection of the ordinary role, in no tenant, whose transaction is never committed."""
    connection = await asyncpg.connect(contract_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def relations(link: asyncpg.Connection) -> list[Any]:
    return [row for row in await link.fetch(RELATIONS) if row["name"] not in EXEMPT]


async def enter(link: asyncpg.Connection, tenant: str) -> None:
    await link.execute("SELECT set_config('app.tenant_id', $1, true)", tenant)


async def insert(link: asyncpg.Connection, table: Any, tenant: str) -> str:
    """Try to insert a row made up from the columns' types; what the database said, or ''."""
    names, values = [], []
    times = VALUES["timestamp with time zone"]
    if table["is_partition"]:
        lower = LOWER_BOUND.search(table["bound"])
        times = f"'{lower[1]}'" if lower else "'1999-01-01'"
    for column in await link.fetch(COLUMNS, table["oid"]):
        if column["name"] == "tenant_id":
            names.append("tenant_id")
            values.append(f"'{tenant}'")
        elif not column["is_made"] and (column["required"] and not column["has_default"]):
            names.append(column["name"])
            kind = column["type"]
            values.append("'{}'" if kind.endswith("[]") else times if kind.startswith("timestamp") else VALUES[kind])
    statement = f'INSERT INTO adplanning."{table["name"]}" ({", ".join(names)}) VALUES ({", ".join(values)})'
    try:
        async with link.transaction():
            await link.execute(statement)
    except asyncpg.PostgresError as error:
        return str(error)
    return ""


async def test_the_role_is_an_ordinary_one(link: asyncpg.Connection) -> None:
    row = await link.fetchrow("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    assert tuple(row) == (False, False)


async def test_every_table_has_a_forced_policy_of_its_tenant(link: asyncpg.Connection) -> None:
    tables = await relations(link)
    assert len(tables) > 25
    assert {"event", "conversion", "touchpoint", "credit", "setting", "audit_entry", "owned_order"} <= {
        table["name"] for table in tables
    }
    for table in tables:
        columns = {row["name"]: row for row in await link.fetch(COLUMNS, table["oid"])}
        assert "tenant_id" in columns, f"{table['name']} has no tenant_id"
        assert columns["tenant_id"]["required"], f"{table['name']}.tenant_id may be null"
        assert (table["enabled"], table["forced"]) == (True, True), f"{table['name']}: row-level security is not forced"
        for clause in (table["using_"], table["check_"]):
            assert clause is not None, f"{table['name']} has no policy"
            assert clause.replace("::text", "").replace("'::", "'") == (
                "(tenant_id = NULLIF(current_setting('app.tenant_id', true), ''))"
            ), f"{table['name']}: {clause}"


async def test_the_tenant_leads_every_index_and_unique_key(link: asyncpg.Connection) -> None:
    found = [row for row in await link.fetch(INDEXES) if row["table_"] not in EXEMPT]
    assert len(found) > 40
    wrong = [
        f"{row['table_']}.{row['index_']} is led by {row['leads']}" for row in found if row["leads"] != "tenant_id"
    ]
    assert wrong == []


async def test_without_a_tenant_there_are_no_rows_and_none_can_be_added(link: asyncpg.Connection) -> None:
    for table in await relations(link):
        name = table["name"]
        assert await link.fetchval(f'SELECT count(*) FROM adplanning."{name}"') == 0, name
        for tenant in ("101", "", "202"):
            assert "row-level security" in await insert(link, table, tenant), f"{name} took a row without a tenant"


async def test_a_tenant_neither_reads_nor_writes_rows_of_another(link: asyncpg.Connection, contract: Contract) -> None:
    mine, theirs = contract.main.tenant, contract.second.tenant
    for table in await relations(link):
        name = f'adplanning."{table["name"]}"'
        await enter(link, theirs)
        assert await insert(link, table, theirs) == "", f"{name}: the planted row does not fit"
        held = await link.fetchval(f"SELECT count(*) FROM {name}")
        assert held > 0
        assert await link.fetchval(f"SELECT count(*) FROM {name} WHERE tenant_id <> $1", theirs) == 0
        await enter(link, mine)
        assert await link.fetchval(f"SELECT count(*) FROM {name} WHERE tenant_id = $1", theirs) == 0, name
        assert await link.fetchval(f"SELECT count(*) FROM {name} WHERE tenant_id <> $1", mine) == 0, name
        for change in (
            f"UPDATE {name} SET tenant_id = tenant_id WHERE tenant_id = $1",
            f"DELETE FROM {name} WHERE tenant_id = $1",
        ):
            assert int((await link.execute(change, theirs)).split()[-1]) == 0, change
        assert "row-level security" in await insert(link, table, theirs), f"{name} took a row of another tenant"
        if await insert(link, table, mine) == "":
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with link.transaction():
                    await link.execute(f"UPDATE {name} SET tenant_id = $1", theirs)
        await enter(link, theirs)
        assert await link.fetchval(f"SELECT count(*) FROM {name}") == held, name


async def test_the_exempt_tables_hold_no_personal_data(link: asyncpg.Connection, contract: Contract) -> None:
    rows = {name: await link.fetch(f"SELECT * FROM adplanning.{name}") for name in EXEMPT - {"alembic_version"}}
    assert rows["tenant"]
    assert rows["public_key"]
    content = json.dumps(
        [
            [value.hex() if isinstance(value, bytes) else str(value) for value in row.values()]
            for found in rows.values()
            for row in found
        ]
    )
    assert "@" not in content
    for side in (contract.main, contract.second):
        assert side.key not in content, "a publishable key is stored in clear"
