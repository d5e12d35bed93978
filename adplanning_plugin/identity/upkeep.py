"""Components: keeps who is one with whom in step with the edges, for the part that a change concerns, and tells of it.

One transaction of a store at a time does so. Whoever links while another is at it does not wait: the part is left to
an event (`identity.stale`), so that no checkout or login stands behind a sweep, and no two can wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.grouping import PERSON, Component, Node, Seen, group, most_linked
from adplanning_plugin.identity.settings import IdentitySettings
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime

LINKED, UNLINKED = "identity.linked", "identity.unlinked"
"""The events of visitors that came to be one with others, or ceased to be; data is {"ids": visitor ids, "people": ids
of the people they are, or were, one with}."""
STALE = "identity.stale"
"""The event of visitors whose edges changed while another transaction kept the components; {"ids": visitor ids}."""
TOLD_AT_ONCE = 2_000
AT_ONCE = 2_000
"""Visitors whose parts are looked at together."""
MOST_NODES = 250_000
"""Visitors and identifiers of such a look; beyond it the graph is cut where it is thickest."""

_LOCK = "hashtextextended('adplanning.identity ' || CAST(:tenant AS text), 0)"
_TRY = text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")
_WAIT = text(f"SELECT count(pg_advisory_xact_lock({_LOCK}))")


def denied(identifier: str) -> str:
    """SQL: whether an identifier (an expression) links nobody."""
    return (
        "EXISTS (SELECT 1 FROM adplanning.identity_denylist d WHERE d.tenant_id = :tenant"  # noqa: S608
        f" AND d.identifier = {identifier} AND d.allowed_at IS NULL)"
    )


def live(e: str) -> str:
    """SQL: whether the edge of that alias links: it is of the store, strong, not revoked and not denied."""
    counts = f"{e}.tenant_id = :tenant AND {e}.strength = 2 AND {e}.revoked_at IS NULL"
    return f"{counts} AND NOT {denied(f'{e}.identifier')}"


# A visitor is one with the person seen on it last: an earlier one's edge leads nowhere. Nor do the addresses of a
# browser that many people use.
_LEADS = f"""{live("e")} AND CASE WHEN starts_with(e.identifier, '{PERSON}') THEN NOT EXISTS (
    SELECT 1 FROM adplanning.identity_edge o WHERE o.visitor_id = e.visitor_id AND {live("o")}
      AND starts_with(o.identifier, '{PERSON}') AND o.identifier <> e.identifier
      AND (o.last_seen_at, e.identifier COLLATE "C") > (e.last_seen_at, o.identifier COLLATE "C"))
  ELSE (SELECT count(*) FROM (
    SELECT DISTINCT o.identifier FROM adplanning.identity_edge o WHERE o.visitor_id = e.visitor_id AND {live("o")}
      AND NOT starts_with(o.identifier, '{PERSON}') LIMIT :addresses + 1) other) <= :addresses END"""  # noqa: S608
_PART = text(
    f"""
    WITH RECURSIVE part (node, is_visitor) AS (
      SELECT * FROM (SELECT v, true FROM unnest(CAST(:visitors AS text[])) v
                     UNION SELECT i, false FROM unnest(CAST(:identifiers AS text[])) i) seed
      UNION
      SELECT next.node, next.is_visitor FROM part p CROSS JOIN LATERAL (
        SELECT e.identifier AS node, false AS is_visitor FROM adplanning.identity_edge e
        WHERE p.is_visitor AND e.visitor_id = p.node AND {_LEADS}
        UNION ALL
        (SELECT e.visitor_id, true FROM adplanning.identity_edge e
         WHERE NOT p.is_visitor AND e.identifier = p.node AND {_LEADS} LIMIT :each)
      ) next
    )
    SELECT e.visitor_id, e.identifier, max(e.last_seen_at)
    FROM (SELECT node FROM (SELECT * FROM part LIMIT :most) part WHERE is_visitor) p
    CROSS JOIN LATERAL (SELECT * FROM adplanning.identity_edge e WHERE e.visitor_id = p.node AND {_LEADS} OFFSET 0) e
    GROUP BY 1, 2
    """  # noqa: S608
)
_NODES = """(SELECT v AS node, true AS is_visitor FROM unnest(CAST(:visitors AS text[])) v
             UNION ALL SELECT i, false FROM unnest(CAST(:identifiers AS text[])) i)"""
_MEMBERS = text(
    f"""
    SELECT DISTINCT m.node, m.is_visitor, m.component_id
    FROM {_NODES} n
    JOIN adplanning.identity_component c ON c.tenant_id = :tenant AND c.node = n.node AND c.is_visitor = n.is_visitor
    JOIN adplanning.identity_component m ON m.tenant_id = :tenant AND m.component_id = c.component_id
    """  # noqa: S608
)
_WRITE = text(
    """
    INSERT INTO adplanning.identity_component (tenant_id, node, is_visitor, component_id)
    SELECT :tenant, * FROM unnest(CAST(:nodes AS text[]), CAST(:kinds AS boolean[]), CAST(:components AS text[]))
    ON CONFLICT (tenant_id, node, is_visitor) DO UPDATE SET component_id = excluded.component_id
    """
)
_FORGET = text(
    """
    DELETE FROM adplanning.identity_component c
    USING unnest(CAST(:nodes AS text[]), CAST(:kinds AS boolean[])) AS gone (node, is_visitor)
    WHERE c.tenant_id = :tenant AND c.node = gone.node AND c.is_visitor = gone.is_visitor
    """
)
_DENY = text(
    """
    INSERT INTO adplanning.identity_denylist (tenant_id, identifier, reason, created_at)
    VALUES (:tenant, :identifier, :reason, now())
    ON CONFLICT (tenant_id, identifier) DO UPDATE
      SET reason = excluded.reason, created_at = now(), created_by = NULL, allowed_at = NULL, allowed_by = NULL,
          version = adplanning.identity_denylist.version + 1
    """
)
_NAMED = text(
    "SELECT DISTINCT identifier FROM adplanning.identity_edge"
    " WHERE tenant_id = :tenant AND visitor_id = ANY(CAST(:visitors AS text[])) AND strength = 2"
)


async def hold(session: AsyncSession, tenant_id: str) -> None:
    """Keep the store's components to this transaction until its end; call it before any row is locked."""
    await session.execute(_WAIT, {"tenant": tenant_id})


async def keep_in_step(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    settings: IdentitySettings,
    visitors: Iterable[str],
    identifiers: Iterable[str],
    told: Iterable[str] = (),
) -> None:
    """Bring the components of what was touched in step, now or (while another does so) by an event.

    Args:
        told: visitors that are told of even where their component stays what it was.
    """
    touched, names = sorted(set(visitors)), sorted(set(identifiers))
    if not touched and not names:
        return
    if (await session.execute(_TRY, {"tenant": tenant_id})).scalar_one():
        await refresh(session, runtime, tenant_id, settings, touched, names, told)
        return
    for start in range(0, len(touched), TOLD_AT_ONCE):
        await publish(session, runtime, tenant_id, STALE, {"ids": touched[start : start + TOLD_AT_ONCE]})


async def refresh_visitors(
    session: AsyncSession, runtime: Runtime, tenant_id: str, settings: IdentitySettings, visitors: Sequence[str]
) -> None:
    """The same for visitors and all that they were ever strongly linked to; waits for its turn, and tells of them."""
    await hold(session, tenant_id)
    values = {"tenant": tenant_id, "visitors": list(visitors)}
    identifiers = list((await session.execute(_NAMED, values)).scalars())
    await refresh(session, runtime, tenant_id, settings, visitors, identifiers, visitors)


async def refresh(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    settings: IdentitySettings,
    visitors: Sequence[str],
    identifiers: Sequence[str],
    told: Iterable[str] = (),
) -> None:
    """Bring the components of these, and of what they are linked to, in step; the caller holds the store's."""
    linked, unlinked = _Told(), _Told()
    told = set(told)
    rounds = max(1, -(-len(visitors) // AT_ONCE), -(-len(identifiers) // AT_ONCE))
    for number in range(rounds):
        part = slice(number * AT_ONCE, (number + 1) * AT_ONCE)
        await _refresh_part(session, tenant_id, settings, visitors[part], identifiers[part], told, linked, unlinked)
    await unlinked.publish(session, runtime, tenant_id, UNLINKED)
    await linked.publish(session, runtime, tenant_id, LINKED)


class _Told:
    """Visitors that will be told of, each with the people that it is or was one with."""

    def __init__(self) -> None:
        self.people: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, visitor_id: str, *component_ids: str | None) -> None:
        found = self.people[visitor_id]
        found.update(each.removeprefix(PERSON) for each in component_ids if each and each.startswith(PERSON))

    async def publish(self, session: AsyncSession, runtime: Runtime, tenant_id: str, name: str) -> None:
        ids = sorted(self.people)
        for start in range(0, len(ids), TOLD_AT_ONCE):
            some = ids[start : start + TOLD_AT_ONCE]
            people = sorted(set[str]().union(*(self.people[each] for each in some)))
            await publish(session, runtime, tenant_id, name, {"ids": some, "people": people})


async def _refresh_part(
    session: AsyncSession,
    tenant_id: str,
    settings: IdentitySettings,
    visitors: Sequence[str],
    identifiers: Sequence[str],
    told: set[str],
    linked: _Told,
    unlinked: _Told,
) -> None:
    before = await _members(session, tenant_id, [Node(each, True) for each in visitors], identifiers)
    seeds = {*before, *(Node(each, True) for each in visitors), *(Node(each, False) for each in identifiers)}
    edges, components = await _components(session, tenant_id, settings, seeds)
    after = {node: component for component in components for node in _nodes(component)}
    more = [node for node in after if node not in before and node not in seeds]
    if more:
        names = [node.name for node in more if not node.is_visitor]
        before |= await _members(session, tenant_id, [node for node in more if node.is_visitor], names)
    written = [node for node, component in after.items() if before.get(node) != component.id]
    gone = [node for node in before if node not in after]
    if written:
        written.sort()
        ids = [after[node].id for node in written]
        await session.execute(_WRITE, {"tenant": tenant_id, **_columns(written), "components": ids})
    if gone:
        gone.sort()
        await session.execute(_FORGET, {"tenant": tenant_id, **_columns(gone)})
    _tell(before, after, edges, told, linked, unlinked)


async def _members(
    session: AsyncSession, tenant_id: str, visitors: Iterable[Node], identifiers: Iterable[str]
) -> dict[Node, str]:
    """The components of these, with all their members."""
    values = {"tenant": tenant_id, "visitors": [node.name for node in visitors], "identifiers": list(identifiers)}
    return {Node(row[0], row[1]): row[2] for row in await session.execute(_MEMBERS, values)}


async def _components(
    session: AsyncSession, tenant_id: str, settings: IdentitySettings, seeds: Iterable[Node]
) -> tuple[list[Seen], list[Component]]:
    """The part of the graph around the seeds, in components; what is too crowded for one is denied first."""
    most = settings.most_visitors_together
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "visitors": [node.name for node in seeds if node.is_visitor],
        "identifiers": [node.name for node in seeds if not node.is_visitor],
        "each": most + 1,
        "addresses": settings.most_addresses_of_visitor,
        "most": MOST_NODES,
    }
    while True:
        edges = [Seen(*row) for row in await session.execute(_PART, values)]
        components = group(edges)
        crowded = {most_linked(edges, each.visitors) for each in components if len(each.visitors) > most}
        if not crowded and len({edge.visitor_id for edge in edges}) >= MOST_NODES // 2:
            crowded = {most_linked(edges, frozenset(edge.visitor_id for edge in edges))}
        if not crowded:
            return edges, components
        reason = f"together with what it is linked to it would make more than {most} visitors one"
        for identifier in sorted(crowded):
            await session.execute(_DENY, {"tenant": tenant_id, "identifier": identifier, "reason": reason})


def _tell(
    before: dict[Node, str],
    after: dict[Node, Component],
    edges: Iterable[Seen],
    told: set[str],
    linked: _Told,
    unlinked: _Told,
) -> None:
    """Who is one with more than before, and who with fewer."""
    was: defaultdict[str, set[Node]] = defaultdict(set)
    for node, component_id in before.items():
        was[component_id].add(node)
    for component_id, nodes in was.items():
        now = {after[node].id if node in after else None for node in nodes}
        if len(now) > 1 or None in now:
            for node in nodes:
                if node.is_visitor:
                    unlinked.add(node.name, component_id, after[node].id if node in after else None)
    named = {edge.identifier for edge in edges if _joined(Node(edge.identifier, False), before, after, was)}
    for edge in edges:
        visitor = Node(edge.visitor_id, True)
        if visitor not in after:
            continue
        if edge.visitor_id in told or edge.identifier in named or _joined(visitor, before, after, was):
            linked.add(edge.visitor_id, before.get(visitor), after[visitor].id)


def _joined(node: Node, before: dict[Node, str], after: dict[Node, Component], was: dict[str, set[Node]]) -> bool:
    """Whether the node came to others than those that it was one with."""
    if node not in after:
        return False
    now, earlier = after[node], before.get(node)
    if earlier is None:
        return True
    return earlier != now.id and any(each not in was[earlier] for each in _nodes(now))


def _nodes(component: Component) -> Iterable[Node]:
    yield from (Node(each, True) for each in component.visitors)
    yield from (Node(each, False) for each in component.identifiers)


def _columns(nodes: Sequence[Node]) -> dict[str, list[Any]]:
    return {"nodes": [node.name for node in nodes], "kinds": [node.is_visitor for node in nodes]}
