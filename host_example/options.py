"""The plugin's options as this store sets them: its database, its cookies, where its admin is; no hooks."""

from adplanning_plugin import Options
from adplanning_plugin.options import CookieOptions, DatabaseOptions, IngestOptions, PageOptions
from host_example.settings import StoreSettings


def options_of(settings: StoreSettings) -> Options:
    """From the store's own settings."""
    return Options(
        database=DatabaseOptions(url=settings.database_url),
        cookie=CookieOptions(secure=settings.secure_cookies),
        pages=PageOptions(login_url="/app/login", home_url="/app"),
        ingest=IngestOptions(count_programs=settings.count_programs),
        secret=settings.secret,
        sessions="host",
    )
