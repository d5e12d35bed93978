"""Every column of every table is registered as personal data, or is listed here as free of it: nothing is in between.

Only plain numbers, flags and instants need no line: they say what happened, not to whom, unless their name says so.
"""

import pytest
from sqlalchemy import ARRAY, Boolean, Column, DateTime, Float, Integer, Numeric

from adplanning_plugin.hookspecs import PersonalData
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.plugin import DOMAINS

# Keys of ours, names that the store's staff give, words of a fixed vocabulary, and what machines tell each other (ids
# only; working papers are deleted after days). A new column is either added here or registered where its table is.
FREE = {
    "ad_spend": "platform ad_campaign_id ad_set_id ad_id campaign_name currency zone source",
    "audit_entry": "id actor_id action object_type",
    "campaign_alias": "id kind names platform website_id ad_campaign_id decided_by work_id outcome reverted_by"
    " revert_work_id revert_outcome",
    "checkout_binding": "checkout_ref consent",
    "conversion": "id conversion_type status origin currency sales_channel order_id lead_id goal_id event_id website_id"
    " utm platform ad_campaign_id ad_set_id ad_id dedupe_key",
    "conversion_adjustment": "id conversion_id kind",
    "credit": "conversion_id touch_id channel platform ad_campaign_id ad_set_id ad_id currency",
    "data_driven_fit": "id status algorithm level conversion_type zone currency inputs_hash answer libraries problem"
    " work_id requested_by adopted_by",
    "dropped_traffic": "cause",
    "erased_identity": "key pseudonym",
    "erasure": "id status person_hash pseudonym requested_by rows kept",
    "erasure_subject": "erasure_id kind value",
    "event": "id name website_id utm currency source device browser",
    "exchange_rate": "base quote source",
    "goal": "id name description goal_type conditions currency",
    "idempotency_key": "key body_hash",
    "identity_denylist": "reason created_by allowed_by",
    "identity_edge": "kind source revoked_by revoked_reason",
    "job_slot": "job",
    "journey_event": "id source_kind event_type channel stage order_id conversion_id ad_campaign_id currency"
    " created_by",
    "journey_path": "level conversion_type currency path_key path",
    "journey_path_day": "zone",
    "journey_progress": "channel platform ad_campaign_id website_id device",
    "linked_analytics_session": "ad_campaign_id",
    "linked_feedback": "id sentiment_label",
    "linked_lead": "id resolved_campaign_id",
    "order_visit": "order_id method consent",
    "outbox_event": "id name",
    "owned_ad": "id ad_set_id platform_id name status source_key",
    "owned_ad_account": "id platform name zone currency source_key",
    "owned_ad_campaign": "id ad_account_id platform platform_id name status objective website_id source_key",
    "owned_ad_insight": "id ad_account_id ad_campaign_id ad_set_id ad_id currency source_key",
    "owned_ad_set": "id ad_campaign_id platform_id name status source_key",
    "owned_analytics_event": "id name currency source_key",
    "owned_analytics_session": "utm_source utm_medium utm_campaign utm_id device website_id ad_campaign_id",
    "owned_feedback": "id order_id sentiment_label source_key",
    "owned_form_response": "id form_id form_name source_key",
    "owned_lead": "id status ad_campaign_id source currency resolved_campaign_id source_key",
    "owned_order": "id currency payment_state sales_channel consent website_id source_key",
    "owned_order_line": "id order_id product_id title currency source_key",
    "owned_refund": "id order_id currency source_key",
    "owned_social_interaction": "id post_id kind source_key",
    "owned_social_post": "id platform status caption source_key",
    "owned_website": "id name domain source_key",
    "public_key": "id hint name website_id key_hash origins",
    "rule_version": "models settings fit_id created_by",
    "session": "website_id utm",
    "setting": "section value",
    "tenant": "id zone currency name",
    "touchpoint_class": "touch_id channel platform",
    "touchpoint": "id origin website_id source medium campaign campaign_key referrer_host device browser channel"
    " platform resolution_method resolution_reason ad_campaign_id ad_set_id ad_id",
    "wakeup": "queue",
    "watermark": "reader",
    "work_item": "id queue kind status",
    "workflow_run": "id workflow status",
    "workflow_step": "run_id name status",
}
EVERYWHERE = {"tenant_id", "day"}
TELLING = {
    "email", "phone", "first_name", "last_name", "person_id", "visitor_id", "user_agent", "comment", "birth_date",
}  # fmt: skip
TELLING_PARTS = ("phone", "birth", "latitude", "longitude", "ip_address", "age")
KINDS = {
    "person", "identifier", "email", "visitor", "session", "order", "lead", "feedback", "form_response", "conversion",
    "touchpoint", "subject", "named",
}  # fmt: skip
"""How a person's rows may be found: what docs/privacy.md lists, and erasure knows."""


def registrations() -> list[PersonalData]:
    return [each for _, make, _ in DOMAINS for each in getattr(make(), "register_personal_data", list)()]


def registered() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in registrations():
        found.setdefault(each.table, set()).update(each.columns)
    return found


def says_only_what_happened(column: Column[object]) -> bool:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    plain = isinstance(kind, (Boolean, DateTime, Float, Integer, Numeric))
    return plain and not any(part in column.name.split("_") for part in TELLING_PARTS)


def telling_columns() -> list[tuple[str, str]]:
    """(table, column) of every column that can say something of somebody."""
    return [
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if table.schema == "adplanning" and column.name not in EVERYWHERE and not says_only_what_happened(column)
    ]


def test_every_column_is_registered_as_personal_or_listed_as_free() -> None:
    personal = registered()
    unaccounted = [
        f"{table}.{column}"
        for table, column in telling_columns()
        if column not in personal.get(f"adplanning.{table}", ()) and column not in FREE.get(table, "").split()
    ]
    assert unaccounted == [], "register them by register_personal_data, or list them in FREE if nobody is in them"


def test_what_is_registered_or_listed_exists() -> None:
    tables = {table.fullname: set(table.columns.keys()) for table in Base.metadata.tables.values()}
    named = registered()
    for name, columns in FREE.items():
        named.setdefault(f"adplanning.{name}", set()).update(columns.split())
    gone = {f"{name}.{column}" for name, columns in named.items() for column in columns - tables.get(name, set())}
    assert gone == set()


def test_names_and_addresses_are_registered_and_never_listed() -> None:
    personal = registered()
    missing = [
        f"{table}.{column}"
        for table, column in telling_columns()
        if column in TELLING and column not in personal.get(f"adplanning.{table}", ())
    ]
    assert missing == []


@pytest.mark.parametrize("each", registrations(), ids=lambda each: each.table)
def test_each_registration_says_how_a_person_is_found_and_why_anything_is_kept(each: PersonalData) -> None:
    assert each.erase in {"delete", "pseudonymise", "keep"}
    assert each.found_by, "without it an erasure finds nothing"
    assert {kind for _, kind in each.found_by} <= KINDS
    columns = set(Base.metadata.tables[each.table].columns.keys())
    assert {column for column, _ in each.found_by if column.isidentifier()} <= columns
    if each.erase != "delete" or each.unless:
        assert each.why, "the receipt has to say why something is kept"
