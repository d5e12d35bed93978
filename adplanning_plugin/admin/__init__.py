"""Admin: what the admin pages need beside the domains' own routes: who am I, settings, keys, links, operations."""

from __future__ import annotations
