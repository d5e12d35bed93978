"""The store's application: `create_app()` puts pages, admin and, where it is installed, the plugin together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from advanced_alchemy.extensions.litestar import SQLAlchemyPlugin
from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from host_example import checkout, staff, storefront
from host_example.bus import Bus
from host_example.catalogue import create_tables, open_shops
from host_example.context import Store
from host_example.database import make_config
from host_example.settings import StoreSettings

HERE = Path(__file__).parent


@get("/health")
async def health(store_session: NamedDependency[AsyncSession]) -> dict[str, str]:
    """200 when the store can reach its database."""
    await store_session.execute(text("SELECT 1"))
    return {"status": "ok"}


def create_app(
    settings: StoreSettings | None = None,
    *,
    plugin: bool = True,
    options: Any = None,
    routes: list[Any] | None = None,
    plugins: list[Any] | None = None,
) -> Litestar:
    """The store on `settings` (default: from the environment).

    Args:
        settings: addresses and secrets.
        plugin: whether the ad planning plugin is installed; the store sells without it just as well.
        options: the plugin's `Options`; by default those of `plugin_setup`.
        routes: further route handlers, e.g. those of the demo.
        plugins: further Litestar plugins.
    """
    settings = settings or StoreSettings.from_environment()
    store = Store(settings=settings, bus=Bus())
    database = make_config(settings.database_url)

    async def open_store() -> None:
        await create_tables(database.get_engine())
        async with database.create_session_maker()() as session, session.begin():
            await open_shops(session)
            await store.load(session)

    async def staff_names(shop: str, ids: Sequence[str]) -> Mapping[str, str]:
        async with database.create_session_maker()() as session:
            return await staff.names_of(session, shop, ids)

    store.opener, store.staff_names = open_store, staff_names

    installed: list[Any] = []
    if plugin:
        from host_example.plugin_setup import install  # noqa: PLC0415 - the store also runs where it is not installed

        installed.append(install(store, options))
    app = Litestar(
        route_handlers=[
            health,
            *storefront.ROUTES,
            *checkout.ROUTES,
            *staff.ROUTES,
            *(routes or []),
            create_static_files_router(path="/static", directories=[HERE / "static"]),
        ],
        plugins=[SQLAlchemyPlugin(config=database), *installed, *(plugins or [])],
        on_startup=[store.open],
        template_config=TemplateConfig(directory=HERE / "templates", engine=JinjaTemplateEngine),
    )
    app.state["store"] = store
    return app
