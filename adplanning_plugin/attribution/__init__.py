"""Attribution: touchpoints, the campaigns they belong to, and the credit that each conversion gives them."""

from adplanning_plugin.attribution.adoption import refuse_without_fit
from adplanning_plugin.attribution.crediting import compute_credit, due_conversions
from adplanning_plugin.attribution.fits import ask_for_first_fit
from adplanning_plugin.attribution.late import TOUCHED
from adplanning_plugin.attribution.models import Credit, RuleVersion, Touchpoint
from adplanning_plugin.attribution.rules import (
    WINDOWS,
    AttributionSettings,
    Rules,
    canonical_model,
    check_window,
    current_rules,
    model_position,
    parse_window,
)
from adplanning_plugin.attribution.versions import ACTIVE_VERSION, active_version, of_active

credit_table = Credit.__table__
"""Read-only: one row per conversion, window, touch and rule version; `touch_id = ''` is the unattributed row.

Every reader takes one rule version: `of_active(tenant_id)` is the predicate, `ACTIVE_VERSION` the same for statements
that are written out.
"""
touchpoint_table = Touchpoint.__table__
"""Read-only: every touch, resolved or not."""
rule_version_table = RuleVersion.__table__

__all__ = [
    "ACTIVE_VERSION",
    "TOUCHED",
    "WINDOWS",
    "AttributionSettings",
    "Rules",
    "active_version",
    "ask_for_first_fit",
    "canonical_model",
    "check_window",
    "compute_credit",
    "credit_table",
    "current_rules",
    "due_conversions",
    "model_position",
    "of_active",
    "parse_window",
    "refuse_without_fit",
    "rule_version_table",
    "touchpoint_table",
]
