"""Admin route of discrepancies: why a platform says something else than we do, cause by cause."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from adplanning_plugin.attribution import Rules, current_rules, parse_window
from adplanning_plugin.insights.admin import Day, Model, Window
from adplanning_plugin.insights.discrepancies import (
    CLAIM_WINDOWS,
    By,
    Compared,
    Counted,
    Discrepancies,
    claim_window,
    discrepancies,
    less,
    wire_counted,
)
from adplanning_plugin.insights.discrepancies_sql import (
    CURRENCY,
    DATE_BASIS,
    OURS,
    REFUNDS,
    SHARED,
    UNCOUNTED,
    WINDOW,
    ZONE,
)
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.roi import Question, ask
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import wants_csv

_NAMES = {"meta": "Meta", "google": "Google", "ga4": "GA4"}
_TITLES = (
    (REFUNDS, "refunds", "Refunds"),
    (UNCOUNTED, "not_counted", "Orders cancelled or not paid"),
    (SHARED, "shared_credit", "Credit of other visits"),
    (WINDOW, "window", "Window after the click"),
    (DATE_BASIS, "date_basis", "Day of the click or of the order"),
    (ZONE, "zone", "Zone of the ad account"),
    (CURRENCY, "currency", "Exchange rate of the day"),
)


class DiscrepancyController(Controller):
    """Why Meta, Google or GA4 says something else."""

    path = "/discrepancies"
    tags = ("Campaigns",)

    @get("/", operation_id="getDiscrepancies", summary="What platforms claim beside what we count, cause by cause")
    async def discrepancies(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        by: FromQuery[By] = "campaign",
        platform: FromQuery[str | None] = None,
        ad_campaign_id: FromQuery[str | None] = None,
        model: Model = None,
        window: Window = None,
        platform_window: Annotated[
            str | None,
            QueryParameter(description="Days after a click that the platform claims; its default without it."),
        ] = None,
    ) -> Response[Any]:
        """Most claimed first. The parts of a line sum to its difference, to the minor unit."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, model=model, window=window)
            rules = await current_rules(session, call.tenant_id)
            given = None if platform_window is None else _claimed_within(rules, platform_window)
            found = await discrepancies(
                session,
                call.runtime,
                question,
                by=by,
                platform=platform,
                campaign_id=ad_campaign_id,
                window_days=given,
            )
        lines = [_line(line, found, question, by, given) for line in found.lines]
        if wants_csv(call.request.headers.get("accept", "")):
            return table_response(call, "discrepancies", [_flat(line) for line in lines], {})
        basis = {
            "period": period.wire(),
            "by": by,
            "model": question.model,
            "window_days": question.window_days,
            "currency": question.currency,
            "missing_rates": found.missing_rates,
        }
        total = _line(found.total, found, question, "total", given)
        return table_response(call, "discrepancies", lines, {"total": total, "basis": basis})


def _claimed_within(rules: Rules, given: str) -> int:
    """The days of `platform_window`; what is wrong is said of it, and not of `window`."""
    try:
        return parse_window(rules, given)
    except Invalid as problem:
        errors = [FieldError("platform_window", each.code, f"platform_{each.message}") for each in problem.errors]
        raise Invalid(*errors) from None


def _line(line: Compared, found: Discrepancies, question: Question, by: str, given: int | None) -> dict[str, Any]:
    currency = question.currency
    campaign = line.campaigns[0] if by == "campaign" else None
    missing = _missing(line, found, question)
    difference = less(line.claimed, line.steps[OURS])
    return {
        "id": line.key or None,
        "name": campaign.name if campaign else _platform(line) if by == "platform" else "All",
        "platform": line.platform or None,
        "ad_campaign_id": campaign.id if campaign else None,
        "state": "insufficient_data" if missing else "ok",
        "missing": missing,
        "notes": _notes(line),
        "claimed": wire_counted(line.claimed, currency),
        "ours": wire_counted(line.steps[OURS], currency),
        "difference": wire_counted(difference, currency),
        "parts": _parts(line, found, question, given),
        "currency": currency,
    }


def _parts(line: Compared, found: Discrepancies, question: Question, given: int | None) -> list[dict[str, Any]]:
    """Every cause; those that have a figure sum to the difference."""
    currency = question.currency
    parts: list[dict[str, Any]] = []
    for step, cause, title in _TITLES:
        amount = less(line.steps[step], line.steps[step - 1])
        sentence, is_known = _sentence(cause, line, question, given)
        if line.claimed.value is None:
            amount.value = None
        if line.claimed.conversions is None:
            amount.conversions = None
        parts.append(_part(cause, title, sentence, amount if is_known else Counted(), currency, is_known=is_known))
    parts.append(
        _part(
            "view_through",
            "Views without a click",
            "Platforms also claim orders after an ad was only seen; they do not say here which, so it is not known.",
            Counted(),
            currency,
            is_known=False,
        )
    )
    unjoined = _part(
        "not_consented",
        "Orders that cannot be joined",
        "Shoppers who declined, or whose visit was blocked or left no trace. Which ad brought them cannot be known: at"
        " most so many of the store's orders can be within the rest.",
        Counted(),
        currency,
        is_known=False,
    )
    parts.append({**unjoined, "up_to": wire_counted(found.without_visit, currency)})
    rest = less(line.claimed, line.steps[CURRENCY])
    parts.append(
        _part(
            "not_explained",
            "Not explained",
            "What is left, views and orders that cannot be joined among it.",
            rest,
            currency,
            is_known=rest.conversions is not None or rest.value is not None,
        )
    )
    return parts


def _part(cause: str, title: str, sentence: str, amount: Counted, currency: str, *, is_known: bool) -> dict[str, Any]:
    return {
        "cause": cause,
        "title": title,
        "sentence": sentence,
        "state": "computed" if is_known else "not_known",
        **wire_counted(amount, currency),
        "up_to": None,
    }


def _sentence(cause: str, line: Compared, question: Question, given: int | None) -> tuple[str, bool]:
    """What the cause is here, and whether it can be known."""
    who = _platform(line)
    if cause == "zone":
        zones = sorted({each.account_zone for each in line.campaigns if each.account_zone})
        if not zones:
            return "The ad account's zone is not linked: ad_account.zone says which days it counts.", False
        return f"{who} counts days in {', '.join(zones)}, the store in {question.period.zone}.", True
    if cause == "window":
        if given is None and line.platform and line.platform not in CLAIM_WINDOWS:
            return f"How long {who} claims after a click is not known: choose its window (platform_window).", False
        if not line.platform and given is None:
            return "Each platform claims within its own window after a click.", True
        theirs = _window(claim_window(line.platform, question, given))
        assumed = " (its default)" if given is None else ""
        return (
            f"{who} claims orders {theirs} a click{assumed}; here they count {_window(question.window_days)} one.",
            True,
        )
    sentences = {
        "refunds": f"{who} does not take back what was refunded.",
        "not_counted": f"{who} keeps orders that were cancelled, or never paid.",
        "shared_credit": f"{who} claims the whole of each order that one of its clicks led to; here other visits have"
        f" their part of it, or all, by {question.model.replace('_', ' ')}.",
        "date_basis": f"{who} counts an order on the day of the click, the store on the day of the order.",
        "currency": _currency(line, question),
    }
    return sentences[cause], True


def _currency(line: Compared, question: Question) -> str:
    theirs = sorted({each.account_currency for each in line.campaigns if each.account_currency})
    foreign = [code for code in theirs if code != question.currency]
    said = f" Claims in {', '.join(foreign)} are converted at the rate of their day." if foreign else ""
    return f"Orders of other currencies are converted on the day of the click instead of the order's.{said}"


def _window(days: int) -> str:
    return "any time after" if days == 0 else "within a day of" if days == 1 else f"within {days} days of"


def _platform(line: Compared) -> str:
    return _NAMES.get(line.platform, line.platform) or "A platform"


def _missing(line: Compared, found: Discrepancies, question: Question) -> list[str]:
    missing: list[str] = []
    if line.claimed.conversions is None:
        missing.append(
            f"{_platform(line)} gives no conversions for this period: link ad_insight.platform_conversions, or put them"
            " in with the spend."
        )
    if line.claimed.value is None and not line.unknown:
        missing.append(
            f"{_platform(line)} gives no conversion value for this period: link ad_insight.platform_value, or put it in"
            " with the spend."
        )
    if line.unknown:
        codes = ", ".join(found.missing_rates)
        missing.append(f"A rate from {codes} to {question.currency} is missing: add it under exchange rates.")
    return missing


def _notes(line: Compared) -> list[str]:
    if not line.left_out:
        return []
    if line.left_out == 1:
        return ["1 campaign gives no claims and stands on neither side."]
    return [f"{line.left_out} campaigns give no claims and stand on neither side."]


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """One row a line, a column a cause."""
    flat = {name: line[name] for name in ("id", "name", "platform", "ad_campaign_id", "state", "currency")}
    for side in ("claimed", "ours", "difference"):
        flat |= {f"{side}_{name}": line[side][name] for name in ("conversions", "value")}
    for part in line["parts"]:
        flat |= {f"{part['cause']}_{name}": part[name] for name in ("conversions", "value")}
    return flat
