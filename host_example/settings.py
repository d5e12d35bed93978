"""What the store is told when it starts; read from `STORE_*` variables or passed by whoever creates the app."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field

from host_example.database import database_url


def _random_secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Settings of one running store."""

    database_url: str
    secret: str = field(default_factory=_random_secret)
    """Signs cookies and bearer tokens; a random one logs everybody out at a restart."""
    payment_url: str = "http://127.0.0.1:9001"
    """Origin of the payment provider."""
    payment_secret: str = "shared-with-the-payment-provider"
    secure_cookies: bool = False
    record_sessions: bool = True
    """Whether the store's own analytics writes `web_sessions` for shoppers who accepted cookies."""
    count_programs: bool = False
    """Whether scripts and headless browsers count as shoppers."""
    publishable_key: str = "pk_demo"
    second_publishable_key: str = "pk_demo_second"

    @classmethod
    def from_environment(cls) -> StoreSettings:
        """Settings from `STORE_DATABASE_URL`, `STORE_SECRET`, `STORE_PAYMENT_URL`, `STORE_PAYMENT_SECRET`."""
        return cls(
            database_url=database_url(),
            secret=os.environ.get("STORE_SECRET") or _random_secret(),
            payment_url=os.environ.get("STORE_PAYMENT_URL", cls.payment_url),
            payment_secret=os.environ.get("STORE_PAYMENT_SECRET", cls.payment_secret),
        )
