"""Tracking: visits, events, conversions and goals; nothing else may be imported from outside."""

from __future__ import annotations

from adplanning_plugin.tracking.binding import (
    bind_visitor,
    current_visitor,
    identify,
    signed_link,
    stamp_request,
    visitor_token,
)
from adplanning_plugin.tracking.capture import CaptureMiddleware
from adplanning_plugin.tracking.capture_hooks import (
    CAPTURE_HEALTH,
    CAPTURE_SETTINGS,
    app_routes,
    capture_routes,
    start_capture,
    stop_capture,
)
from adplanning_plugin.tracking.models import CheckoutBinding, Conversion, Event, OrderVisit, Session
from adplanning_plugin.tracking.partitions import drop_expired, ensure_partitions
from adplanning_plugin.tracking.stamps import stamp_orders

event_table = Event.__table__
session_table = Session.__table__
checkout_binding_table = CheckoutBinding.__table__
order_visit_table = OrderVisit.__table__
conversion_table = Conversion.__table__

__all__ = [
    "CAPTURE_HEALTH",
    "CAPTURE_SETTINGS",
    "CaptureMiddleware",
    "app_routes",
    "bind_visitor",
    "capture_routes",
    "checkout_binding_table",
    "conversion_table",
    "current_visitor",
    "drop_expired",
    "ensure_partitions",
    "event_table",
    "identify",
    "order_visit_table",
    "session_table",
    "signed_link",
    "stamp_orders",
    "stamp_request",
    "start_capture",
    "stop_capture",
    "visitor_token",
]
