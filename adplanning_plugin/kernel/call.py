"""AdminCall: what an admin handler gets to work with, its tenant, its actor and its transactions. No routing here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.audit import record
from adplanning_plugin.kernel.errors import Forbidden
from adplanning_plugin.kernel.idempotency import answer_once
from adplanning_plugin.kernel.runtime import Actor, Runtime, Scope, Tenant

Work = Callable[[AsyncSession], Awaitable[Mapping[str, Any] | msgspec.Struct]]


@dataclass(frozen=True, slots=True)
class AdminCall:
    """One admin request, already signed in, inside one tenant."""

    runtime: Runtime
    tenant: Tenant
    actor: Actor
    request: Request[Any, Any, Any]

    @property
    def tenant_id(self) -> str:
        """The tenant that every statement of this call names."""
        return self.tenant.id

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction in the tenant; commits at the end, rolls back on any error."""
        return self.runtime.database.transaction(self.tenant_id, actor=self.actor.id)

    def reading(self, *, heavy: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        """A read-only transaction in the tenant; `heavy` waits for one of the few places for large queries."""
        return self.runtime.database.reading(self.tenant_id, heavy=heavy)

    def allows(self, scope: Scope) -> bool:
        """Whether the actor has the scope."""
        return scope in self.actor.scopes

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden`, naming the scope, where the actor lacks it."""
        if not self.allows(scope):
            raise Forbidden(f"This needs the scope {scope}.", code="missing_scope")

    async def audit(
        self,
        session: AsyncSession,
        action: str,
        object_type: str,
        object_id: str,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write who did what, in the transaction of the change; `changes` holds names and ids, nothing personal."""
        await record(session, self.tenant_id, self.actor.id, action, object_type, object_id, changes)

    async def create(self, work: Work, body: object, *, status: int = 201) -> Response[Any]:
        """Run a create in one transaction and answer 201; with an `Idempotency-Key` it happens once.

        Args:
            work: `async (session) -> the answer's body`, a struct or a mapping such as `{"goal": goal}`.
            body: what the caller sent; the same key with another body is refused.
        """
        key = self.request.headers.get("idempotency-key")
        route = f"{self.request.method} {self.request.scope['path']}"
        async with self.transaction() as session:
            answer = await answer_once(session, self.tenant_id, route, key, body, work, status=status)
        headers = {"idempotency-replayed": "true"} if answer.replayed else {}
        return Response(answer.body, status_code=answer.status, headers=headers)
