"""Lines: a report's rows in minor units, their total, and how they are answered. No SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from adplanning_plugin.insights.figures import cost_per, money, ratio
from adplanning_plugin.insights.revenue import CREDIT_MONEY
from adplanning_plugin.insights.sums import Sums, rounded

if TYPE_CHECKING:
    from adplanning_plugin.insights.names import Names

MONEY = ("spend", "platform_value", *CREDIT_MONEY)
_ALWAYS = frozenset(MONEY) - {"cost", "platform_value"}
"""Money that is zero where nothing carries it; the others are null then."""
_COUNTED = ("impressions", "clicks", "leads")


class LineKey(NamedTuple):
    """What makes two lines, also of different periods, the same."""

    kind: str
    """touch, unattributed, renewal, offline, or pending (credit is not computed yet)."""
    key: str | None = None
    """The campaign, channel or platform."""
    set_key: str | None = None
    ad_key: str | None = None


class Line(msgspec.Struct, kw_only=True):
    """One row of the report; money in minor units of the report's currency, None where a rate is missing."""

    id: LineKey
    spend: int | None = 0
    revenue: int | None = 0
    refunds: int | None = 0
    new_revenue: int | None = 0
    paid_revenue: int | None = 0
    paid_new_revenue: int | None = 0
    cost: int | None = None
    costed_revenue: int | None = 0
    platform_value: int | None = None
    orders: float = 0.0
    new_customers: float = 0.0
    paid_orders: float = 0.0
    impressions: int | None = None
    clicks: int | None = None
    leads: int | None = None
    platform_conversions: float | None = None

    @property
    def margin(self) -> int | None:
        """Revenue less the cost of the goods, of orders that carry a cost; None where none does."""
        return None if self.cost is None or self.costed_revenue is None else self.costed_revenue - self.cost


def lines_of(sums: Mapping[LineKey, Sums]) -> list[Line]:
    """Lines whose money sums to the money of all, touches first, most revenue first."""
    parts = {name: rounded(sums, name) for name in MONEY}
    lines = [_line(key, sums[key], {name: parts[name][key] for name in MONEY}) for key in sums]
    return sorted(lines, key=lambda line: (line.id.kind != "touch", -(line.revenue or 0), *(k or "" for k in line.id)))


def total_of(sums: Sums) -> Line:
    """One line by itself."""
    return _line(LineKey("total"), sums, {name: sums.minor(name) for name in MONEY})


def _line(key: LineKey, sums: Sums, amounts: Mapping[str, int | None]) -> Line:
    """A figure that is neither known nor unknown is absent: nothing, or null where nothing is no figure."""
    found: dict[str, Any] = {
        name: 0 if amount is None and name in _ALWAYS and name not in sums.unknown else amount
        for name, amount in amounts.items()
    }
    counted: dict[str, Any] = {name: int(sums.counts[name]) for name in _COUNTED if name in sums.counts}
    shares: dict[str, Any] = {name: sums.counts.get(name, 0.0) for name in ("orders", "new_customers", "paid_orders")}
    return Line(id=key, **found, **counted, **shares, platform_conversions=sums.counts.get("platform_conversions"))


def wire(line: Line, currency: str, labels: Names) -> dict[str, Any]:
    """A line as it is answered: money twice, ratios with null where there is no denominator."""
    spent = line.spend or None
    profit = None if line.revenue is None or line.spend is None else line.revenue - line.spend
    out: dict[str, Any] = {"kind": line.id.kind, **labels.of(line.id)}
    for name in ("spend", "revenue", "refunds", "margin"):
        out |= money(name, getattr(line, name), currency)
    return out | {
        "currency": currency,
        "orders": round(line.orders, 4),
        "new_customers": round(line.new_customers, 4),
        "impressions": line.impressions,
        "clicks": line.clicks,
        "leads": line.leads,
        "roas": ratio(line.revenue, spent),
        "roi": ratio(profit, spent),
        "new_customer_roas": ratio(line.new_revenue, spent),
        "cac": cost_per(spent, line.new_customers, currency),
        "cpa": cost_per(spent, line.orders, currency),
        "cpc": cost_per(spent, line.clicks, currency),
        "cpl": cost_per(spent, line.leads, currency),
        "ctr": ratio(line.clicks, line.impressions),
        "platform_conversions": line.platform_conversions,
        **money("platform_value", line.platform_value, currency),
    }


def headline(total: Line, store: Line, currency: str) -> dict[str, Any]:
    """Store-wide money and ratios, the same by whatever dimension the lines are.

    ROAS is the revenue credited to campaigns that cost something in the period over all spend, CPA the spend per order
    so credited. MER is all revenue over all spend, and CAC the spend per new customer of the store.
    """
    spent = total.spend or None
    out: dict[str, Any] = {"currency": currency}
    out |= money("spend", total.spend, currency)
    out |= money("revenue", store.revenue, currency)
    out |= money("refunds", store.refunds, currency)
    out |= money("attributed_revenue", total.paid_revenue, currency)
    out |= money("margin", store.margin, currency)
    return out | {
        "orders": int(store.orders),
        "new_customers": int(store.new_customers),
        "roas": ratio(total.paid_revenue, spent),
        "mer": ratio(store.revenue, spent),
        "new_customer_roas": ratio(total.paid_new_revenue, spent),
        "cac": cost_per(spent, store.new_customers, currency),
        "cpa": cost_per(spent, total.paid_orders, currency),
        "impressions": total.impressions,
        "clicks": total.clicks,
        "ctr": ratio(total.clicks, total.impressions),
        "cpc": cost_per(spent, total.clicks, currency),
        "platform_conversions": total.platform_conversions,
    }


def paying(lines: Sequence[Line]) -> list[Line]:
    """Lines that cost something, also where no rate says how much of the report's currency."""
    return [line for line in lines if line.spend is None or line.spend > 0]
