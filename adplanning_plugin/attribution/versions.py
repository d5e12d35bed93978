"""Versions: which rule version counts. Two sets of credit may stand side by side, and readers take the active one."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import ColumnElement, ScalarSelect, Table, select

from adplanning_plugin.attribution.models import ACTIVE, Credit, RuleVersion

_rule_version = cast("Table", RuleVersion.__table__)

ACTIVE_VERSION = f"(SELECT r.version FROM adplanning.rule_version r WHERE r.tenant_id = :tenant AND {ACTIVE})"  # noqa: S608
"""The active version in a statement that is written out: `c.rule_version = {ACTIVE_VERSION}`, parameter `tenant`."""


def active_version(tenant_id: str | ColumnElement[str]) -> ScalarSelect[Any]:
    """The active version as a scalar subquery, read once by a statement; null before any credit was computed."""
    r = _rule_version.c
    is_active = (r.activated_at.is_not(None), r.superseded_at.is_(None))
    return select(r.version).where(r.tenant_id == tenant_id, *is_active).scalar_subquery()


def of_active(tenant_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Which rows of `credit` count: those of the store's active rule version."""
    return Credit.rule_version == active_version(tenant_id)
