"""Paths over HTTP. What a path is, `paths` says; from where it is read, `path_summary`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import Rules, current_rules, parse_window
from adplanning_plugin.journeys.path_answer import COLUMNS, analysis, campaign_ids, line
from adplanning_plugin.journeys.path_summary import summarised, summary_for
from adplanning_plugin.journeys.paths import Distribution, PathQuestion, Ranked, first_of, ranked_paths
from adplanning_plugin.journeys.questions import Day, Window, check_type, read_dates, wire
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.links import Links, names_by_id

Level = Literal["channel", "platform", "source", "campaign"]
Collapse = Literal["unique", "exposure", "first", "frequency", "recency"]
Rank = Literal["journeys", "conversions", "value", "conversion_rate"]


class PathController(Controller):
    """The ways that journeys took."""

    path = ""
    tags = ("Journeys",)

    @get(["/journeys/paths", "/journey/paths"], operation_id="listJourneyPaths", summary="The most common paths")
    async def paths(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        window: Window = None,
        conversion_type: FromQuery[str] = "purchase",
        level: Annotated[Level, QueryParameter(description="What the steps of a path are.")] = "channel",
        collapse: Annotated[
            Collapse,
            QueryParameter(
                description="What becomes of repeats: unique keeps all, exposure makes repeats in a row one, first and "
                "recency keep each step once, where it was first or last met, frequency counts them."
            ),
        ] = "exposure",
        newest: Annotated[int | None, QueryParameter(ge=1, le=50, description="Only the last steps of a path.")] = None,
        non_converting: Annotated[bool, QueryParameter(description="Also journeys without a conversion.")] = True,
        by: Annotated[Rank, QueryParameter(description="What the first paths have most of.")] = "conversions",
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Paths to answer.")] = 10,
        fresh: Annotated[bool, QueryParameter(description="Read touches, whatever is counted already.")] = False,
    ) -> Response[Any]:
        """With counts, conversion rate and value, and how long paths are and take. `source` says what was read."""
        check_type(conversion_type)
        period = read_dates(call, from_date, to_date)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            question = PathQuestion(
                tenant_id=call.tenant_id,
                zone=call.tenant.zone,
                currency=call.tenant.currency,
                start=period.start,
                end=period.end,
                window_days=parse_window(rules, window),
                conversion_type=conversion_type,
                level=level,
                collapse=collapse,
                newest=newest,
                open=non_converting,
            )
            ranked, spread, as_of = await _read(session, rules, question, by, limit, fresh=fresh)
            names = await names_by_id(session, links, call.tenant_id, "ad_campaign", campaign_ids(ranked.lines, level))
        lines = [
            line(
                each,
                currency=question.currency,
                all_conversions=ranked.conversions,
                opened=non_converting,
                names=names,
            )
            for each in ranked.lines
        ]
        extra = {
            "count": ranked.paths,
            "limit": limit,
            "total": {
                "journeys": ranked.conversions + ranked.unconverted,
                "conversions": ranked.conversions,
                "unconverted": ranked.unconverted if non_converting else None,
            },
            "analysis": analysis(spread),
            "source": "touches" if as_of is None else "summary",
            "as_of": as_of,
            "basis": {
                "period": wire(period, call.tenant.zone),
                "window_days": question.window_days,
                "conversion_type": conversion_type,
                "level": level,
                "collapse": collapse,
                "newest": newest,
                "by": by,
            },
        }
        return table_response(call, "paths", lines, extra, columns=COLUMNS)


async def _read(
    session: AsyncSession, rules: Rules, question: PathQuestion, by: str, limit: int, *, fresh: bool
) -> tuple[Ranked, Distribution, str | None]:
    summary = None if fresh else await summary_for(session, rules, question)
    if summary is None:
        ranked, spread = await ranked_paths(session, question, by, limit)
        return ranked, spread, None
    lines, spread = await summarised(session, question, summary)
    return first_of(lines, by, question.currency, limit), spread, rfc3339(summary.as_of)
