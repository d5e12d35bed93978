"""An address is hashed alike in Python and in SQL, so that guests are joined set-wise without keeping it."""

import pluggy
import pytest
from sqlalchemy import Text, cast, literal, select
from sqlalchemy.ext.asyncio import create_async_engine

from adplanning_plugin.hookspecs import PROJECT
from adplanning_plugin.identity import email_identifier_sql, identifier_for_email
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.options import Options

ADDRESSES = [
    "asha@example.com",
    "  Asha@Example.COM \n",
    "\u00a0asha@example.com\ufeff",
    "Ünïcode.ÄÖ@exämple.de",
    "ünïcode.äö@exämple.de",
    "राम@उदाहरण.भारत",
    "straße@example.com",
    "İstanbul@example.com",
    'o\'brien+tag%20"x"\\y@example.com',
    "",
    "   \t",
    "x" * 500 + "@example.com",
]


def runtime(secret: str | None = "one secret", *, demo: bool = False) -> Runtime:
    return Runtime(Options(secret=secret, demo=demo), pluggy.PluginManager(PROJECT))


async def test_python_and_sql_give_every_address_the_same_identifier(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        for address in ADDRESSES:
            in_sql = select(email_identifier_sql(cast(literal(address), Text()), runtime()))
            assert (await connection.execute(in_sql)).scalar_one() == identifier_for_email(runtime(), address), address
        nothing = select(email_identifier_sql(cast(literal(None), Text()), runtime()))
        assert (await connection.execute(nothing)).scalar_one() is None
    await engine.dispose()


def test_case_and_white_space_do_not_make_another_person() -> None:
    assert identifier_for_email(runtime(), " ASHA@example.com\t") == identifier_for_email(runtime(), "asha@EXAMPLE.com")
    assert identifier_for_email(runtime(), "asha@example.com") != identifier_for_email(runtime(), "usha@example.com")


def test_an_identifier_holds_no_address_and_depends_on_the_secret() -> None:
    one = identifier_for_email(runtime(), "asha@example.com")
    other = identifier_for_email(runtime("another secret"), "asha@example.com")

    assert one is not None
    assert other is not None
    assert one != other
    assert "asha" not in one
    assert len(one) == len("email:") + 64


def test_an_installation_without_a_secret_hashes_nothing() -> None:
    with pytest.raises(ConfigurationError, match=r"Options\.secret"):
        identifier_for_email(runtime(None), "asha@example.com")
