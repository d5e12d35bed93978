"""Lists: order, search, counts, deep pages, cursors, and CSV that a spreadsheet cannot be tricked by."""

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from sqlalchemy import event, func, select, text

from adplanning_plugin.kernel.export import csv_line
from adplanning_plugin.kernel.paging import ListParams, paginate, wants_csv
from adplanning_plugin.kernel.runtime import Runtime
from tests.kernel_http.conftest import make_app
from tests.kernel_http.test_problems import ADMIN, assert_problem

pytestmark = pytest.mark.usefixtures("clean")
CSV = {"accept": "text/csv"}


async def fill(runtime: Runtime, rows: int, tenant: str = "main") -> None:
    """Items i = 1…rows, of which each three share a time."""
    statement = text(
        """
        INSERT INTO adplanning.audit_entry (tenant_id, id, at, actor_id, action, object_type, object_id)
        SELECT :t, 'item_' || lpad(i::text, 8, '0'), timestamptz '2026-01-01' + (i / 3) * interval '1 minute', '1',
               CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END, 'item', 'Object ' || i
        FROM generate_series(1, :rows) AS i
        """
    )
    async with runtime.database.transaction(tenant) as session:
        await session.execute(statement, {"t": tenant, "rows": rows})


async def page(client: AsyncClient, query: str = "") -> dict[str, Any]:
    response = await client.get(f"{ADMIN}/items?{query}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def ids(body: dict[str, Any]) -> list[int]:
    return [int(item["id"].removeprefix("item_")) for item in body["items"]]


async def test_the_envelope_and_the_defaults(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 60)
    body = await page(client)
    assert {key: body[key] for key in body if key != "items"} == {"count": 60, "offset": 0, "limit": 50}
    assert ids(body) == list(range(60, 10, -1))
    assert body["items"][0]["at"] == "2026-01-01T00:20:00Z"


async def test_pages_of_equal_order_values_repeat_and_lose_no_row(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 700)
    for order in ("at", "-at", "action", "-action"):
        seen: list[int] = []
        for offset in range(0, 700, 100):
            seen += ids(await page(client, f"limit=100&offset={offset}&order={order}"))
        assert len(seen) == 700, order
        assert len(set(seen)) == 700, order
    assert ids(await page(client, "order=at&limit=3&offset=600")) == [601, 602, 603]
    assert ids(await page(client, "offset=700")) == []


async def test_a_cursor_walks_the_same_rows_also_while_new_ones_arrive(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 250)
    response = (await client.get(f"{ADMIN}/items/plain?limit=100")).json()
    assert "count" not in response
    seen = [item["id"] for item in response["items"]]
    async with runtime.database.transaction("main") as session:
        added = "INSERT INTO adplanning.audit_entry (tenant_id, id, actor_id, action, object_type, object_id)"
        await session.execute(text(f"{added} VALUES ('main', 'item_00000000', '1', 'new', 'item', '0')"))
    while response["next_cursor"]:
        cursor = response["next_cursor"]
        response = (await client.get(f"{ADMIN}/items/plain", params={"limit": 100, "cursor": cursor})).json()
        seen += [item["id"] for item in response["items"]]
    assert seen == [f"item_{i:08}" for i in range(1, 251)]


async def test_search_and_filters_narrow_the_count(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 40)
    assert (await page(client, "action=even"))["count"] == 20
    assert ids(await page(client, "q=OBJECT 12")) == [12]
    assert ids(await page(client, "q=%25")) == []
    assert ids(await page(client, "q=_")) == []
    assert_problem(await client.get(f"{ADMIN}/items/plain?q=x"), 422, "invalid")


async def test_a_list_without_conditions_of_its_own_counts_its_rows_and_reaches_its_second_page(
    runtime: Runtime,
) -> None:
    column = select(func.generate_series(1, 250).label("number")).subquery().c.number
    async with runtime.database.transaction("main") as session:
        pages = [
            await paginate(
                session,
                select(column),
                ListParams(200, offset, None, None, None, csv=False),
                sortable={"number": column},
                default="number",
                tiebreak=column,
            )
            for offset in (0, 200)
        ]
    assert [page.count for page in pages] == [250, 250]
    assert [row.number for page in pages for row in page.items] == list(range(1, 251))


async def test_the_count_is_exact_to_ten_thousand_and_estimated_above(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 10_000)
    body = await page(client, "limit=1")
    assert (body["count"], "count_estimated" in body) == (10_000, False)
    await fill(runtime, 30_000, "second")
    async with runtime.database.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
            text("ANALYZE adplanning.audit_entry")
        )
    body = (await client.get(f"{ADMIN}/items?limit=1", headers={"x-actor": "second"})).json()
    assert body["count_estimated"] is True
    assert 20_000 < body["count"] < 45_000


async def test_a_deep_page_reads_the_index_and_only_its_own_rows(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 10_000)
    engine = runtime.database.engine
    async with engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("SET app.tenant_id = 'main'"))
        wide = "UPDATE adplanning.audit_entry SET changes = jsonb_build_object('note', repeat(id, 60))"
        await connection.execute(text(wide))
        await connection.execute(text("CREATE INDEX covering ON adplanning.audit_entry (tenant_id, at, id)"))
        await connection.execute(text("VACUUM FULL adplanning.audit_entry"))
        await connection.execute(text("VACUUM ANALYZE adplanning.audit_entry"))
        await connection.execute(text("RESET app.tenant_id"))
    try:
        first = await _blocks(client, runtime, "limit=50&offset=0&order=-at")
        deep = await _blocks(client, runtime, "limit=50&offset=9900&order=-at")
        async with runtime.database.system() as session:
            pages = text("SELECT relpages FROM pg_class WHERE oid = 'adplanning.audit_entry'::regclass")
            whole = int((await session.execute(pages)).scalar_one())
        assert whole > 1_000
        assert deep < whole / 3, (first, deep, whole)
    finally:
        async with runtime.database.system() as session:
            await session.execute(text("DROP INDEX adplanning.covering"))


async def _blocks(client: AsyncClient, runtime: Runtime, query: str) -> int:
    """Blocks that the page's own statement touches, from PostgreSQL's account of running it again."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "cursor_value" in statement:
            seen.append((statement, parameters))

    engine = runtime.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await page(client, query)
    event.remove(engine, "before_cursor_execute", note)
    ((statement, parameters),) = seen
    async with runtime.database.reading("main") as session:
        connection = await session.connection()
        explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        plan = (await connection.exec_driver_sql(explained, parameters)).scalar_one()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


async def test_csv_is_everything_that_is_filtered(client: AsyncClient, runtime: Runtime) -> None:
    await fill(runtime, 2_600)
    response = await client.get(f"{ADMIN}/items?action=odd&limit=5&offset=3&order=at", headers=CSV)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="items.csv"'
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert len(rows) == 1_300
    assert rows[0] == {
        "id": "item_00000001",
        "action": "odd",
        "object_id": "Object 1",
        "at": "2026-01-01T00:00:00Z",
        "changes": "{}",
    }
    assert_problem(await client.get(f"{ADMIN}/items?order=x", headers=CSV), 422, "invalid")


async def test_csv_texts_are_no_formulas(client: AsyncClient, runtime: Runtime) -> None:
    formulas = ("=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "\n=1", "＝1+1", "＋1", "－2", "＠SUM(A1)")
    texts = ('say "hi", twice\nplease', "जयपुर")
    for title in (*formulas, *texts):
        assert (await client.post(f"{ADMIN}/items", json={"title": title})).status_code == 201
    response = await client.get(f"{ADMIN}/items?order=at", headers=CSV)
    found = [row["object_id"] for row in csv.DictReader(io.StringIO(response.text, newline=""))]
    assert found == [*(f"'{formula}" for formula in formulas), *texts]
    assert "\r\n" in response.text


@given(st.lists(st.one_of(st.text(), st.integers(), st.none(), st.booleans()), min_size=1, max_size=5))
def test_any_cell_survives_csv_and_begins_with_no_formula(cells: list[Any]) -> None:
    written = csv_line(cells)
    assert written.endswith("\r\n")
    (read,) = list(csv.reader(io.StringIO(written, newline="")))
    for cell, got in zip(cells, read, strict=True):
        if isinstance(cell, str):
            assert got in {cell, f"'{cell}"}
            assert not got.startswith(("=", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


def test_negative_numbers_stay_numbers() -> None:
    assert csv_line([-12, "-12.50", "-1e5", "+3", "-inf"]) == "-12,-12.50,-1e5,+3,'-inf\r\n"


async def test_two_exports_at_a_time(runtime: Runtime) -> None:
    await fill(runtime, 5_000)
    app = make_app(runtime)
    gates = [asyncio.Event(), asyncio.Event()]
    begun = [asyncio.Event(), asyncio.Event()]
    running = [asyncio.create_task(_slow_export(app, begun[i], gates[i])) for i in range(2)]
    await asyncio.gather(*(event.wait() for event in begun))
    status, _ = await _slow_export(app, asyncio.Event(), gates[0], wait=False)
    assert status == 503
    for gate in gates:
        gate.set()
    assert [(await task)[0] for task in running] == [200, 200]
    status, body = await _slow_export(app, asyncio.Event(), gates[0])
    assert status == 200
    assert body.count(b"\r\n") == 5_001


async def test_a_reader_that_goes_away_ends_the_query(runtime: Runtime) -> None:
    await fill(runtime, 20_000)
    gate = asyncio.Event()
    gate.set()
    status, body = await _slow_export(make_app(runtime), asyncio.Event(), gate, leave_after=2)
    assert status == 200
    assert body.count(b"\r\n") < 10_000
    async with runtime.database.system() as session:
        busy = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid()"
        )
        assert (await session.execute(busy)).scalar_one() == 0


async def _slow_export(
    app: Litestar, begun: asyncio.Event, gate: asyncio.Event, *, wait: bool = True, leave_after: int | None = None
) -> tuple[int, bytes]:
    """Speaks ASGI by hand: a reader that waits after the first piece, or leaves after some."""
    status, body, pieces = 0, b"", 0
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if leave_after is None:
            await asyncio.Event().wait()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, body, pieces
        if message["type"] == "http.response.start":
            status = message["status"]
            return
        body += message.get("body", b"")
        pieces += 1
        if pieces == 1:
            begun.set()
            if wait:
                await gate.wait()
        if leave_after is not None and pieces >= leave_after:
            left.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"{ADMIN}/items",
        "raw_path": f"{ADMIN}/items".encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"store.test"), (b"x-actor", b"admin"), (b"accept", b"text/csv")],
        "client": ("127.0.0.1", 1),
        "server": ("store.test", 80),
        "state": {},
    }
    await app(scope, receive, send)  # pyright: ignore[reportArgumentType]
    return status, body


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/csv", True),
        ("text/csv;q=0.5, application/json", False),
        ("application/json;q=0.1, text/csv;q=0.9", True),
        ("text/csv;q=abc", False),
    ],
)
def test_accept_is_weighed(accept: str, wanted: bool) -> None:
    assert wants_csv(accept) is wanted
