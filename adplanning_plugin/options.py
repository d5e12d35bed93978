"""Options: every setting of an installation; the host passes them, `ADPLANNING_*` variables override them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

_S = TypeVar("_S", bound=msgspec.Struct)


class DatabaseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the plugin reaches PostgreSQL with a pool of its own."""

    url: str | None = None
    replica_url: str | None = None
    owner_url: str | None = None
    """The owner that migrates and maintains partitions; `url` where it is not given."""
    pool_size: int = 6
    max_overflow: int = 2
    pool_timeout: float = 5.0
    connect_timeout: float = 5.0
    statement_timeout_ms: int = 30_000
    heavy_queries: int = 2
    heavy_work_mem_mb: int = 64
    pgbouncer: bool = False


class PathOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the routes are mounted."""

    admin: str = "/admin/ad-planning"
    web: str = "/web/ad-planning"
    app: str = "/app/ad-planning"
    script: str = "/web/ad-planning/tracker.js"
    capture_exclude: tuple[str, ...] = ("/admin", "/app", "/static", "/auth")
    """Path prefixes on which the capture middleware does nothing."""


class PageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the admin pages meet the host's own admin."""

    login_url: str | None = None
    """The host's login page: who is not signed in goes there with `?next=`, the address to come back to."""
    home_url: str | None = None
    """The host's own admin, which the pages' sidebar leads back to."""
    host_script: str | None = None
    """A script of the host's that runs before the pages; it may set `window.adplanning = {token}` for bearer tokens."""
    frame_ancestors: tuple[str, ...] = ("'self'",)
    """Origins whose pages may show ours in a frame."""


class CookieOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The first-party visitor cookie."""

    name: str = "_adp_vid"
    session_name: str = "_adp_sid"
    domain: str | None = None
    max_age_days: int = 395
    secure: bool = True


class IngestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the public endpoints."""

    body_cap: int = 256 * 1024
    max_events: int = 100
    queue_limit: int = 20_000
    """Events waiting for a flush in one process; above it the answer is 503."""
    rate_per_minute: int = 6_000
    """Events per minute and client address (a batch of 100 counts 100)."""
    trusted_proxies: int = 0
    """How many proxies append to X-Forwarded-For in front of the app."""
    max_future_minutes: int = 10
    max_age_days: int = 31
    count_programs: bool = False
    """Counts headless browsers and scripts as shoppers, for a demo or a test of the store; crawlers never count."""
    freeze_garbage_collector: bool = True
    """Once started, what the process has loaded is left out of Python's garbage collections (`gc.freeze`) until it
    shuts down: under load each full one would halt all requests to walk through it. Measured on `/track`: 10 % more
    events a CPU second, p99 down by a third. It concerns the host's whole process; False leaves it alone."""


class WorkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How background work runs."""

    mode: Literal["embedded", "external", "off"] = "embedded"
    """embedded: inside the web process; external: `adplanning worker` and `adplanning scheduler`; off: nothing runs."""
    redis_url: str | None = None
    beat_seconds: float = 2.0
    lease_seconds: float = 10.0
    heartbeat_seconds: float = 3.0
    concurrency: int = 4
    max_attempts: int = 8


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """All settings; each has a default that is safe in production."""

    database: DatabaseOptions = msgspec.field(default_factory=DatabaseOptions)
    paths: PathOptions = msgspec.field(default_factory=PathOptions)
    pages: PageOptions = msgspec.field(default_factory=PageOptions)
    cookie: CookieOptions = msgspec.field(default_factory=CookieOptions)
    ingest: IngestOptions = msgspec.field(default_factory=IngestOptions)
    work: WorkOptions = msgspec.field(default_factory=WorkOptions)
    secret: str | None = None
    """Signs visitor tokens and CSRF tokens and keys the hashes of identifiers; required outside the demo."""
    demo: bool = False
    """Relaxes start-up refusals (superuser role, missing guard, missing secret) for a machine of one's own."""
    sessions: Literal["host", "own"] = "own"
    """Whose sessions count: the host's AnalyticsSession link or the tracker's; never summed."""
    trace_hooks: bool = False
    """Logs every hook call (`ADPLANNING_TRACE_HOOKS=1`)."""
    disabled_domains: tuple[str, ...] = ()
    """The kill switch: domains that are not loaded."""
    event_retention_months: int = 25
    default_tenant: str = "default"
    zone: str = "UTC"
    """Zone of the `default` tenant, where the host has no tenants."""
    currency: str | None = None
    """Currency of the `default` tenant, where the host has no tenants."""


def load_options(given: Options | None = None, environ: Mapping[str, str] | None = None) -> Options:
    """The host's options with `ADPLANNING_SECRET`, `ADPLANNING_DATABASE_URL`, `ADPLANNING_WORK_MODE`, … on top.

    Raises:
        ConfigurationError: a variable whose value does not fit its setting.
    """
    from adplanning_plugin.kernel.errors import ConfigurationError

    options = given or Options()
    environment = os.environ if environ is None else environ
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(Options):
        current: Any = getattr(options, field.name)
        if isinstance(current, msgspec.Struct):
            nested = {
                inner.name: environment[name]
                for inner in msgspec.structs.fields(current)
                if (name := f"ADPLANNING_{field.name}_{inner.name}".upper()) in environment
            }
            if nested:
                changes[field.name] = _merge(current, nested, f"ADPLANNING_{field.name}_".upper(), ConfigurationError)
        elif (name := f"ADPLANNING_{field.name}".upper()) in environment:
            changes[field.name] = environment[name]
    return _merge(options, changes, "ADPLANNING_", ConfigurationError) if changes else options


def _merge(base: _S, changes: Mapping[str, Any], prefix: str, error: type[Exception]) -> _S:
    values: dict[str, Any] = {name: getattr(base, name) for name in base.__struct_fields__}
    for field in msgspec.structs.fields(base):
        if field.name not in changes:
            continue
        value = changes[field.name]
        try:
            if isinstance(value, str) and "tuple" in str(field.type):
                value = tuple(part.strip() for part in value.split(",") if part.strip())
            elif isinstance(value, str):
                value = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as problem:
            message = f"{prefix}{field.name.upper()} does not fit its setting: {problem}."
            raise error(message) from problem
        values[field.name] = value
    return type(base)(**values)
