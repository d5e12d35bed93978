"""Links: every entity of an installation behind one face, whether the host has it or the plugin keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Subquery
from sqlalchemy.ext.asyncio import AsyncConnection

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.links.compile import Source
from adplanning_plugin.links.entities import ENTITIES, Entity
from adplanning_plugin.links.link import Link
from adplanning_plugin.links.live import Finding, IndexAdvice, advise_indexes, check_links


class MissingColumn(msgspec.Struct, frozen=True):
    """An optional column that is not linked, and what that switches off."""

    column: str
    effect: str


class LinkReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one entity is provided."""

    entity: str
    state: str
    """linked (the host's rows), owned (rows of the plugin's own) or absent (no rows at all)."""
    source: str
    columns: tuple[str, ...]
    missing: tuple[MissingColumn, ...]
    writeback: dict[str, str]
    """Column → where it is written: a host column or a table of the plugin."""
    warnings: tuple[str, ...] = ()


class Links:
    """The installation's links.

    Args:
        links: the host's declarations, one an entity.
        tenants_known: whether the host lists tenants; every link then says whose row is whose.
        extra_entities: entities that plugins declare beside the built-in ones.

    Raises:
        ConfigurationError: an entity is linked twice, or a link lacks its tenant.
    """

    def __init__(self, links: Sequence[Link], *, tenants_known: bool, extra_entities: Iterable[Entity] = ()) -> None:
        self.tenants_known = tenants_known
        self.entities: dict[str, Entity] = dict(ENTITIES)
        for extra in extra_entities:
            if extra.name in self.entities:
                message = f"Entity {extra.name!r} is declared twice: a plugin's entity needs a name of its own."
                raise ConfigurationError(message)
            self.entities[extra.name] = extra
        by_entity: dict[str, Link] = {}
        for link in links:
            name = link.entity.name
            if name in by_entity:
                link.fail(f"linked twice ({by_entity[name].source_name}; {link.source_name}): keep one, or a union.")
            if tenants_known and link.tenant is None:
                link.fail(
                    "the store lists its tenants, but the link does not say whose row is whose: "
                    "write tenant=<column>, or make the source a select(...) that joins the table which knows."
                )
            by_entity[name] = link
            self.entities.setdefault(name, link.entity)
        self._sources = {name: Source(entity, by_entity.get(name)) for name, entity in self.entities.items()}
        self._warnings: dict[str, tuple[str, ...]] = {}

    def entity(self, name: str) -> Entity:
        """The entity's declaration.

        Raises:
            ConfigurationError: there is no such entity.
        """
        return self.source(name).entity

    def source(self, entity: str) -> Source:
        """Where the entity is read from."""
        found = self._sources.get(entity)
        if found is None:
            message = f"There is no entity {entity!r}; there are {', '.join(self.entities)}."
            raise ConfigurationError(message)
        return found

    def selectable(self, entity: str, tenant_id: str) -> Subquery:
        """The entity's rows of one tenant in canonical columns; a new subquery on each call."""
        return self.source(entity).subquery(tenant_id)

    def by_ids(self, entity: str, tenant_id: str, ids: Sequence[str], *, column: str = "id") -> Subquery:
        """Like `selectable`, only rows whose `id` (or other text column) is among `ids`, through the host's own index.

        An id that the host's key type cannot have matches nothing.
        """
        source = self.source(entity)
        return source.subquery(tenant_id, source.matching(column, ids))

    def since(
        self, entity: str, tenant_id: str, column: str | Sequence[str], after: Any, *, inclusive: bool = False
    ) -> Subquery:
        """Like `selectable`, only rows whose column lies after a bound, through the host's own index.

        Of several columns the first that is provided and not null counts, as in `coalesce(updated_at, placed_at)`.
        """
        source = self.source(entity)
        names = (column,) if isinstance(column, str) else tuple(column)
        return source.subquery(tenant_id, source.after(names, after, inclusive=inclusive))

    def has(self, entity: str) -> bool:
        """Whether rows are possible: linked, or kept by the plugin."""
        source = self.source(entity)
        return source.link is not None or source.owned is not None

    def linked(self, entity: str) -> bool:
        """Whether the host has the entity."""
        return self.source(entity).link is not None

    def provides(self, entity: str, column: str) -> bool:
        """Whether the column may hold values: linked, owned, or written by the plugin."""
        return self.source(entity).provides(column)

    def report(self) -> list[LinkReport]:
        """How each entity is provided, and what each missing column switches off."""
        return [self._report(source) for source in self._sources.values()]

    def _report(self, source: Source) -> LinkReport:
        entity, link = source.entity, source.link
        state = "linked" if link is not None else "owned" if source.owned is not None else "absent"
        missing = tuple(
            MissingColumn(name, f"{entity.name}.{name} is not linked: {column.lacking}")
            for name, column in entity.columns.items()
            if column.lacking and not source.provides(name)
        )
        return LinkReport(
            entity=entity.name,
            state=state,
            source=link.source_name if link is not None else source.owned.fullname if source.owned is not None else "",
            columns=tuple(name for name in entity.columns if source.provides(name)),
            missing=missing,
            writeback={name: source.written_to(name) for name in entity.writeback} if state != "absent" else {},
            warnings=self._warnings.get(entity.name, ()),
        )

    async def check(self, connection: AsyncConnection) -> list[Finding]:
        """Compare the links with the live database; the report carries what was found from then on."""
        found = await check_links(connection, list(self._sources.values()))
        self._warnings = {
            name: tuple(finding.message for finding in found if finding.entity == name) for name in self.entities
        }
        return found

    async def index_advice(self, connection: AsyncConnection) -> list[IndexAdvice]:
        """Indexes on the host's tables that would help; none is created."""
        return await advise_indexes(connection, list(self._sources.values()))
