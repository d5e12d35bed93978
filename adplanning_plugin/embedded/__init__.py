"""PostgreSQL and Valkey for a machine that has neither: for the demo and the tests, never for production."""

from adplanning_plugin.embedded.accounts import EmbeddedError, home
from adplanning_plugin.embedded.postgres import ROLE, SUPERUSER, Postgres
from adplanning_plugin.embedded.valkey import Valkey

__all__ = ["ROLE", "SUPERUSER", "EmbeddedError", "Postgres", "Valkey", "home"]
