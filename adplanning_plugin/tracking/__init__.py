"""Tracking: visits, events, conversions and goals; nothing else may be imported from outside."""

from __future__ import annotations

from adplanning_plugin.tracking.agents import DEVICES, agent_of
from adplanning_plugin.tracking.binding import (
    bind_visitor,
    current_visitor,
    identify,
    signed_link,
    stamp_request,
    visitor_token,
)
from adplanning_plugin.tracking.bots import is_bot
from adplanning_plugin.tracking.capture import CaptureMiddleware
from adplanning_plugin.tracking.capture_hooks import (
    CaptureHooks,
    app_routes,
    capture_routes,
    start_capture,
    stop_capture,
)
from adplanning_plugin.tracking.expansion import expanded, read_expand
from adplanning_plugin.tracking.filters import read_period
from adplanning_plugin.tracking.forms import link_sessions
from adplanning_plugin.tracking.leads import record_leads
from adplanning_plugin.tracking.ledger import order_ledger
from adplanning_plugin.tracking.models import (
    CheckoutBinding,
    Conversion,
    ConversionAdjustment,
    DroppedTraffic,
    Event,
    Goal,
    OrderVisit,
    Session,
)
from adplanning_plugin.tracking.origins import LastTouches
from adplanning_plugin.tracking.partitions import drop_expired, ensure_partitions
from adplanning_plugin.tracking.purchases import record_purchases
from adplanning_plugin.tracking.recording import named_visits, visit_sessions, visits_as_rows
from adplanning_plugin.tracking.repository import Assignment, stamp_attribution, write_attribution
from adplanning_plugin.tracking.stamps import stamp_orders
from adplanning_plugin.tracking.stats import Period, visits
from adplanning_plugin.tracking.tokens import write_visit
from adplanning_plugin.tracking.visit_counts import sessions_by_day, visit_totals
from adplanning_plugin.tracking.vocabulary import CONVERSION_TYPES, COUNTED, ConversionType

event_table = Event.__table__
dropped_table = DroppedTraffic.__table__
session_table = Session.__table__
checkout_binding_table = CheckoutBinding.__table__
order_visit_table = OrderVisit.__table__
conversion_table = Conversion.__table__
conversion_adjustment_table = ConversionAdjustment.__table__
goal_table = Goal.__table__

__all__ = [
    "CONVERSION_TYPES",
    "COUNTED",
    "DEVICES",
    "Assignment",
    "CaptureHooks",
    "CaptureMiddleware",
    "ConversionType",
    "LastTouches",
    "Period",
    "agent_of",
    "app_routes",
    "bind_visitor",
    "capture_routes",
    "checkout_binding_table",
    "conversion_adjustment_table",
    "conversion_table",
    "current_visitor",
    "drop_expired",
    "dropped_table",
    "ensure_partitions",
    "event_table",
    "expanded",
    "goal_table",
    "identify",
    "is_bot",
    "link_sessions",
    "named_visits",
    "order_ledger",
    "order_visit_table",
    "read_expand",
    "read_period",
    "record_leads",
    "record_purchases",
    "session_table",
    "sessions_by_day",
    "signed_link",
    "stamp_attribution",
    "stamp_orders",
    "stamp_request",
    "start_capture",
    "stop_capture",
    "visit_sessions",
    "visit_totals",
    "visitor_token",
    "visits",
    "visits_as_rows",
    "write_attribution",
    "write_visit",
]
