"""Data: a store's year in SQL, the same in every run: visits with touches, conversions, campaigns and their spend."""

from __future__ import annotations

from typing import Any

import asyncpg

CAMPAIGNS = 200
# A number in [0, 1) that looks random and is the same in every run.
_RANDOM = "(abs(hashint8extended({seed}, {salt})) % 1000000 / 1000000.0)"


def _r(seed: str, salt: int) -> str:
    return _RANDOM.format(seed=seed, salt=salt)


async def touches(
    connection: asyncpg.Connection[Any], tenant: str, visitors: int, each: int, *, days: int = 365, now: str = "now()"
) -> None:
    """`visitors` × `each` touches; a fifth of them direct; the last one of a visitor lies before the conversion.

    The older a touch, the further it lies from the next, over up to sixty days: every window has its share.
    """
    end = f"({now} - interval '1 day' * ({_r('v', 1)} * {days}))"
    before = f"({each} - n) * ({each} - n) * {1440 / each**2}"
    age = f"interval '1 hour' * ({before} * {_r('v * 100 + n', 2)} + {_r('v * 100 + n', 3)})"
    campaign = f"(floor({_r('v * 100 + n', 4)} * {CAMPAIGNS}))::int"
    await connection.execute(
        f"""
        INSERT INTO adplanning.touchpoint (tenant_id, id, origin, session_id, visitor_id, occurred_at, source, medium,
          campaign, campaign_key, channel, platform, is_direct, is_resolved, resolution_method, ad_campaign_id)
        SELECT '{tenant}', 'touch_' || v || '_' || n, 'own', 'ses_' || v || '_' || n, 'vis_' || v, {end} - {age},
          CASE WHEN direct THEN '(direct)' WHEN c % 2 = 0 THEN 'google' ELSE 'facebook' END,
          CASE WHEN direct THEN '(none)' WHEN c % 2 = 0 THEN 'cpc' ELSE 'paid' END,
          CASE WHEN NOT direct THEN 'campaign ' || c END, CASE WHEN NOT direct THEN 'campaign ' || c END,
          CASE WHEN direct THEN 'Direct' WHEN c % 2 = 0 THEN 'Paid Search' ELSE 'Paid Social' END,
          CASE WHEN direct THEN 'direct' WHEN c % 2 = 0 THEN 'google' ELSE 'meta' END,
          direct, NOT direct, CASE WHEN direct THEN 'not_applicable' ELSE 'exact_utm_match' END,
          CASE WHEN NOT direct THEN 'camp_' || c END
        FROM (SELECT v, n, {campaign} AS c, {_r("v * 100 + n", 5)} < 0.2 AS direct
              FROM generate_series(1, {visitors}) v, generate_series(1, {each}) n) t
        """
    )


async def conversions(
    connection: asyncpg.Connection[Any],
    tenant: str,
    visitors: int,
    *,
    days: int = 365,
    now: str = "now()",
    each: int = 1,
) -> None:
    """`each` paid orders a visitor, the first at the end of its touches."""
    at = f"({now} - interval '1 day' * ({_r('v', 1)} * {days}) - interval '9 days' * (n - 1))"
    await connection.execute(
        f"""
        INSERT INTO adplanning.conversion (tenant_id, id, conversion_type, status, origin, occurred_at, value, refunded,
          currency, cost, is_revenue, is_new_customer, sales_channel, order_id, visitor_id, session_id, person_id)
        SELECT '{tenant}', 'conv_' || v || '_' || n, 'purchase', 'confirmed', 'order', {at},
          1000 + (hashint8(v * 10 + n) & 1048575),
          CASE WHEN {_r("v * 10 + n", 6)} < 0.05 THEN 500 ELSE 0 END, 'INR', 700, true, n = {each}, 'online',
          'order_' || v || '_' || n, 'vis_' || v, 'ses_' || v || '_{each}', 'p' || v
        FROM generate_series(1, {visitors}) v, generate_series(1, {each}) n
        """
    )


async def campaigns(connection: asyncpg.Connection[Any], tenant: str, count: int = CAMPAIGNS) -> None:
    """Campaigns that the touches name, in the plugin's own table of them."""
    await connection.execute(
        f"""
        INSERT INTO adplanning.owned_ad_campaign (tenant_id, id, ad_account_id, platform, platform_id, name, status,
          source_key)
        SELECT '{tenant}', 'camp_' || c, 'acc', CASE WHEN c % 2 = 0 THEN 'google' ELSE 'meta' END, '{{pid}}' || c,
          'Campaign ' || c, 'active', 'bench:' || c
        FROM generate_series(0, {count - 1}) c
        """.replace("{pid}", "9000")
    )


async def spend(connection: asyncpg.Connection[Any], tenant: str, days: int, count: int = CAMPAIGNS) -> None:
    """A row of spend for every campaign and day."""
    await connection.execute(
        f"""
        INSERT INTO adplanning.owned_ad_account (tenant_id, id, platform, name, zone, currency, source_key)
        VALUES ('{tenant}', 'acc', 'google', 'Account', 'Asia/Kolkata', 'INR', 'bench:acc')
        """
    )
    await connection.execute(
        f"""
        INSERT INTO adplanning.owned_ad_insight (tenant_id, id, ad_account_id, ad_campaign_id, day, spend, currency,
          impressions, clicks, leads, source_key)
        SELECT '{tenant}', 'ins_' || c || '_' || d, 'acc', 'camp_' || c, current_date - d, 10000 + c * 10, 'INR', 5000,
          120, 2, 'bench:' || c || ':' || d
        FROM generate_series(0, {count - 1}) c, generate_series(0, {days - 1}) d
        """
    )


async def visits(connection: asyncpg.Connection[Any], tenant: str, visitors: int, each: int, days: int = 365) -> None:
    """The sessions of the touches, and what bound the orders to them."""
    await connection.execute(
        f"""
        INSERT INTO adplanning.session (tenant_id, id, visitor_id, started_at, ended_at, events, page_views)
        SELECT tenant_id, session_id, visitor_id, occurred_at, occurred_at + interval '4 minutes', 8, 6
        FROM adplanning.touchpoint WHERE tenant_id = '{tenant}'
        """
    )
    await connection.execute(
        f"""
        INSERT INTO adplanning.order_visit (tenant_id, order_id, visitor_id, session_id, method, consent, stamped_at)
        SELECT tenant_id, order_id, CASE WHEN hashint8(length(id) + ascii(right(id, 3))) % 10 <> 0 THEN visitor_id END,
          CASE WHEN hashint8(length(id) + ascii(right(id, 3))) % 10 <> 0 THEN session_id END, 'request', 'granted',
          occurred_at
        FROM adplanning.conversion WHERE tenant_id = '{tenant}'
        """
    )


async def events(connection: asyncpg.Connection[Any], tenant: str, count: int, days: int = 365) -> None:
    """Page views over the year, spread over the visits."""
    at = f"now() - interval '1 day' * ({_r('e / 8', 7)} * {days})"
    await connection.execute(
        f"""
        INSERT INTO adplanning.event (tenant_id, occurred_at, id, received_at, name, visitor_id, session_id, url, path,
          consent, xid)
        SELECT '{tenant}', at, 'evt_' || e, at, 'page_view', 'vis_' || (e / 80),
          'ses_' || (e / 80) || '_' || (e / 8 % 10 + 1), 'https://shop.example/product/' || (e % 500),
          '/product/' || (e % 500), 15, 0
        FROM (SELECT e, {at} AS at FROM generate_series(1, {count}) e) t
        """
    )


FILLED = ("touchpoint", "conversion", "session", "order_visit", "credit", "rule_version", "event",
          "owned_ad_campaign", "owned_ad_account", "owned_ad_insight")  # fmt: skip


async def copy_tenant(superuser: asyncpg.Connection[Any], source: str, target: str) -> None:
    """Give another tenant the same rows; the superuser's connection sees both."""
    for table in FILLED:
        names = await superuser.fetchval(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
            "WHERE attrelid = to_regclass('adplanning.' || $1) AND attnum > 0 AND NOT attisdropped "
            "AND attname <> 'tenant_id'",
            table,
        )
        await superuser.execute(
            f"INSERT INTO adplanning.{table} (tenant_id, {names}) "
            f"SELECT '{target}', {names} FROM adplanning.{table} WHERE tenant_id = '{source}'"
        )
