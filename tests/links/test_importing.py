"""A file becomes rows of an entity that the store lacks: each row once, each bad line named, in any encoding."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from adplanning_plugin.kernel.errors import Conflict, Invalid
from adplanning_plugin.links import Links, import_file, parse_mapping
from tests.links.stores import order_link

CDNOW = Path(__file__).parents[2].parent / "shared" / "data" / "retail" / "cdnow_master.txt"
needs_cdnow = pytest.mark.skipif(not CDNOW.exists(), reason=f"the CDNOW purchases are not at {CDNOW}")
CDNOW_ORDERS = """
delimiter = "whitespace"
currency = "USD"
unit = "major"
zone = "America/New_York"
[columns]
person_id = "customer_id"
placed_at = { column = "date", format = "%Y%m%d" }
total = "dollar_value"
payment_state = { value = "paid" }
"""
CDNOW_PERSONS = """
entity = "person"
delimiter = "whitespace"
header = true
[columns]
id = 1
"""
ORDERS = """
currency = "EUR"
unit = "major"
[columns]
id = "no"
email = "mail"
placed_at = "when"
total = "sum"
payment_state = { column = "state", map = { done = "paid", back = "refunded" } }
is_test = { column = "test", default = "no" }
"""
HEADER = "no,mail,when,sum,state,test"


@pytest.fixture
def links():
    return Links([], tenants_known=True)


@pytest.fixture
def load(database, links, tmp_path):
    """Import text as a file."""

    async def run(content, mapping=ORDERS, entity="order", **more):
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return await import_file(database, links, "main", entity, path, parse_mapping(mapping), **more)

    return run


@pytest.mark.slow
@needs_cdnow
async def test_cdnow_reconciles_exactly_and_loads_nothing_twice(database, links, tmp_path):
    mapping = tmp_path / "orders.toml"
    mapping.write_text(CDNOW_ORDERS)
    seen = []

    started = datetime.now(UTC)
    first = await import_file(
        database, links, "main", "order", CDNOW, mapping, progress=lambda done, lines: seen.append((done, lines))
    )
    took = (datetime.now(UTC) - started).total_seconds()
    again = await import_file(database, links, "main", "order", CDNOW, mapping)

    assert (first.read, first.loaded, first.already, first.bad) == (69_659, 69_659, 0, [])
    assert (again.read, again.loaded, again.already, again.bad) == (69_659, 0, 69_659, [])
    assert took < 60
    assert seen[-1] == (69_660, 69_660)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    orders = links.selectable("order", "main")
    async with database.reading("main") as session:
        figures = select(func.count(), func.sum(orders.c.total), func.count(orders.c.person_id.distinct()))
        assert (await session.execute(figures)).one() == (69_659, 250_031_563, 23_570)
        alike = select(func.count().label("n")).select_from(orders)
        alike = alike.group_by(orders.c.person_id, orders.c.placed_at, orders.c.total).subquery()
        repeats = (await session.execute(select(func.sum(alike.c.n - 1)))).scalar()
        # Repeats in these three columns; the file's fourth, the number of discs, tells some of them apart.
        assert repeats == _repeats()
        earliest = (await session.execute(select(func.min(orders.c.placed_at)))).scalar()
        assert earliest == datetime(1997, 1, 1, 5, tzinfo=UTC)
    assert _exact_repeats() == 255

    people = await import_file(database, links, "main", "person", CDNOW, parse_mapping(CDNOW_PERSONS))
    assert (people.loaded, people.already) == (23_570, 69_659 - 23_570)


def _lines():
    return [line.split() for line in CDNOW.read_text("latin-1").splitlines()[1:]]


def _repeats():
    rows = [(cells[0], cells[1], cells[3]) for cells in _lines()]
    return len(rows) - len(set(rows))


def _exact_repeats():
    rows = [tuple(cells) for cells in _lines()]
    return len(rows) - len(set(rows))


async def test_every_kind_of_value_arrives(load, links, read):
    done = await load(
        f"{HEADER}\nA-1,a@b.c,2026-02-07T10:00:00+05:30,4999.5,done,\nA-2,,2026-02-07T10:00Z,0,back,yes\n"
    )
    assert (done.read, done.loaded, done.bad) == (2, 2, [])
    first, second = await read(links.selectable("order", "main"), "main")
    assert (first["id"], first["email"], first["total"], first["currency"]) == ("A-1", "a@b.c", 499950, "EUR")
    assert first["placed_at"] == datetime(2026, 2, 7, 4, 30, tzinfo=UTC)
    assert (first["payment_state"], first["is_test"]) == ("paid", False)
    assert (second["email"], second["payment_state"], second["is_test"]) == (None, "refunded", True)
    assert second["updated_at"] is not None


async def test_each_bad_line_is_reported_with_its_number_and_reason(load, links, read, tmp_path):
    lines = [
        HEADER,
        "1,a@b.c,2026-02-07T10:00Z,12.00,done,no",
        ",a@b.c,2026-02-07T10:00Z,12.00,done,no",
        "3,a@b.c,2026-02-07T10:00,12.00,done,no",
        "4,a@b.c,yesterday,12.00,done,no",
        "5,a@b.c,2026-02-07T10:00Z,-12.00,done,no",
        "6,a@b.c,2026-02-07T10:00Z,12.001,done,no",
        "7,a@b.c,2026-02-07T10:00Z,99999999999999999999,done,no",
        "8,a@b.c,2026-02-07T10:00Z,NaN,done,no",
        "9,a@b.c,2026-02-07T10:00Z,12.00,odd,no",
        "",
        "10,a@b.c,2999-02-07T10:00Z,12.00,done,no",
        "11,a@b.c,2026-02-07T10:00Z,12.00,done,perhaps",
        "12,a@b.c,2026-02-07T10:00Z,12.00",
        "13,a@b.c,2026-02-07T10:00Z,12.00,done,no,more",
        '14,"a\nb",2026-02-07T10:00Z,12.00,done,no',
        "15,a\x00b,2026-02-07T10:00Z,12.00,done,no",
        "16,a@b.c,2026-02-07T10:00Z,,,no",
    ]
    done = await load("\r\n".join(lines), report=tmp_path / "bad.csv")
    assert (done.read, done.loaded) == (16, 2)
    reasons = dict(done.bad)
    assert reasons == {
        3: "id is empty",
        4: "placed_at '2026-02-07T10:00' has no offset: say which zone it is in, such as zone = \"Asia/Kolkata\"",
        5: "placed_at 'yesterday' is no ISO 8601 time (give its format)",
        6: "total must not be negative (it is '-12.00')",
        7: "total has more than the 2 decimals of EUR (it is '12.001')",
        8: "total is larger than the 9223372036854775807 minor units that fit (it is '99999999999999999999')",
        9: "total must be a decimal number such as 4999 or 49.90 (it is 'NaN')",
        10: "payment_state 'odd' is not in its map",
        12: "placed_at '2999-02-07T10:00Z' lies in the future",
        13: "is_test 'perhaps' is neither true nor false (map its words)",
        14: "it has 4 columns, the header has 6",
        15: "it has 7 columns, the header has 6",
        18: "it contains a NUL character",
        19: "total is empty; payment_state is empty",
    }
    with (tmp_path / "bad.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["line", "reason"], *([str(line), reason] for line, reason in done.bad)]
    assert [row["id"] for row in await read(links.selectable("order", "main"), "main")] == ["1", "14"]


async def test_a_mapped_id_is_the_rows_identity_across_files(load):
    row = "1,a@b.c,2026-02-07T10:00Z,12.00,done,no"
    assert (await load(f"{HEADER}\n{row}\n")).loaded == 1
    more = await load(f"{HEADER}\n{row}\n{row.replace('1,', '2,', 1)}\n{row}\n")
    assert (more.read, more.loaded, more.already) == (3, 1, 2)


async def test_without_an_id_equal_rows_count_and_the_same_file_loads_once(load, links, read):
    mapping = ORDERS.replace('id = "no"\n', "")
    row = "1,a@b.c,2026-02-07T10:00Z,12.00,done,no"
    content = f"{HEADER}\n{row}\n{row}\n"
    assert (await load(content, mapping)).loaded == 2
    assert (await load(content, mapping)).already == 2
    assert len(await read(links.selectable("order", "main"), "main")) == 2


async def test_an_interrupted_import_goes_on_where_it_stopped(load):
    mapping = ORDERS.replace('id = "no"\n', "")
    content = HEADER + "\n" + "".join(f"{n},a@b.c,2026-02-07T10:00Z,{n},done,no\n" for n in range(25))

    def stop(done, _lines):
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await load(content, mapping, batch=10, progress=stop)
    rest = await load(content, mapping, batch=10)
    assert (rest.already, rest.loaded) == (20, 5)


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        ("no;mail;sum\r\n1;j\xfcrgen;1.234,50\r\n".encode("latin-1"), 'decimal = ","'),
        ("no\tmail\tsum\n1\tj\xfcrgen\t1234.50\n".encode(), ""),
        ("\ufeffno,mail,sum\n1,j\xfcrgen,1234.50".encode(), ""),
        ("# export\n\nno|mail|sum\n1|j\xfcrgen|1234.50\n".encode("cp1252"), 'skip = 2\nencoding = "cp1252"'),
        ("no   mail\tsum\n 1  j\xfcrgen   1234.50  \n".encode("latin-1"), 'delimiter = "whitespace"'),
        ('no,mail,sum\n"1","j\xfcrgen","1234.50"\n'.encode("utf-16"), 'encoding = "utf-16"\ndelimiter = "comma"'),
    ],
)
async def test_encodings_delimiters_and_decimal_signs(load, links, read, content, settings):
    mapping = (
        settings
        + """
unit = "major"
currency = "EUR"
[columns]
id = "no"
email = "mail"
total = "sum"
payment_state = { value = "paid" }
placed_at = { value = 2026-02-07T10:00:00Z }
"""
    )
    done = await load(content, mapping)
    assert (done.loaded, done.bad) == (1, [])
    [row] = await read(links.selectable("order", "main"), "main", "id", "email", "total")
    assert row == {"id": "1", "email": "jürgen", "total": 123450}


async def test_bytes_that_are_not_in_the_declared_encoding_are_a_bad_line(load):
    mapping = 'encoding = "utf-8"\n[columns]\nid = 1\nname = 2\n'
    done = await load(b"1,fine\n2,j\xfcrgen\n3,fine\n", mapping, "person")
    assert (done.loaded, done.bad) == (2, [(2, "it contains bytes that are not in the file's encoding")])


async def test_currencies_by_row_joined_cells_dates_and_json(load, links, read):
    mapping = """
unit = "major"
[columns]
id = { columns = ["campaign", "day"], separator = "/" }
ad_campaign_id = "campaign"
day = { column = "day", format = "%d.%m.%Y" }
spend = "spend"
currency = "money"
clicks = "clicks"
"""
    content = "campaign,day,spend,money,clicks\nc1,07.02.2026,1500,jpy,12\nc1,08.02.2026,1.234,KWD,1.5\nc2,x,1,ZZZ,1\n"
    done = await load(content, mapping, "ad_insight")
    assert done.loaded == 1
    assert [line for line, _ in done.bad] == [3, 4]
    assert "clicks '1.5' is no whole number" in done.bad[0][1]
    assert "currency 'ZZZ' is no ISO 4217 code" in done.bad[1][1]
    [row] = await read(links.selectable("ad_insight", "main"), "main")
    assert (row["id"], row["day"], row["spend"], row["clicks"]) == ("c1/07.02.2026", date(2026, 2, 7), 1500, 12)

    events = "[columns]\nid = 1\nname = 2\noccurred_at = 3\nproperties = 4\n"
    line = '7;view;2026-02-07T10:00Z;{"a": [1]}\n8;view;2026-02-07T10:00Z;{a}\n'
    done = await load(line, 'delimiter = ";"\n' + events, "analytics_event")
    assert [number for number, _ in done.bad] == [2]
    [event] = await read(links.selectable("analytics_event", "main"), "main")
    assert event["properties"] == {"a": [1]}


async def test_a_linked_entity_is_refused_by_naming_its_link(database, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("1\n")
    links = Links([order_link()], tenants_known=True)
    with pytest.raises(Conflict, match=r"order is linked to shop.purchases \(Link\(entity='order'"):
        await import_file(database, links, "1", "order", path, parse_mapping(ORDERS))


async def test_rows_belong_to_the_tenant_that_imported_them(load, links, read, database):
    await load(f"{HEADER}\n1,a@b.c,2026-02-07T10:00Z,12.00,done,no\n")
    assert await read(links.selectable("order", "second"), "second") == []
    async with database.reading("second") as session:
        assert (await session.execute(text("SELECT count(*) FROM adplanning.owned_order"))).scalar() == 0


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("columns = 1", "The mapping file cannot be used"),
        ("[columns", "The mapping file cannot be used"),
        ("[columns]\nid = 1\n[colums]", "unknown field `colums`"),
        ("[columns]\ntotl = 1", "order has no column totl: did you mean total?"),
        ("[columns]\nid = 1", "order.placed_at is required"),
        ("[columns]\ntotal = 1", 'say unit = "major"'),
        ('unit = "major"\n[columns]\ntotal = 1', 'say currency = "EUR" for the file'),
        ("[columns]\nid = 0", "positions are counted from 1"),
        ("[columns]\nid = { column = 1, value = 2 }", "needs exactly one of column, columns and value"),
        ("[columns]\nid = { colum = 1 }", "unknown field `colum`"),
        ('zone = "Mars"\n[columns]\nid = 1', "zone must be an IANA name"),
        ('currency = "ZZZ"\n[columns]\nid = 1', "currency must be an ISO 4217 code"),
        ('encoding = "klingon"\n[columns]\nid = 1', "encoding 'klingon' is unknown"),
        ('delimiter = "--"\n[columns]\nid = 1', "delimiter must be comma"),
        ('entity = "lead"\n' + ORDERS, "The mapping is for lead, not for order."),
        (ORDERS.replace('"sum"', '"summ"'), "has the column 'summ' not in its header: no, mail, when, sum"),
    ],
)
async def test_a_mapping_that_cannot_work_is_refused_before_anything_is_loaded(load, mapping, says):
    with pytest.raises(Invalid) as refused:
        await load(f"{HEADER}\n", mapping)
    assert says in str(refused.value)


async def test_a_file_that_is_not_there_is_named(database, links, tmp_path):
    with pytest.raises(Invalid, match=r"gone\.csv cannot be read"):
        await import_file(database, links, "main", "order", tmp_path / "gone.csv", parse_mapping(ORDERS))


async def test_an_empty_file_loads_nothing(load):
    with pytest.raises(Invalid, match="not in its header"):
        await load("")
    done = await load("", "[columns]\nid = 1\n", "person")
    assert (done.read, done.loaded, done.bad) == (0, 0, [])
