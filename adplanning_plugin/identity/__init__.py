"""Identity: who is who. Visitors, and what links them to a person; it neither captures visits nor decides credit."""

from adplanning_plugin.identity.denylist import allow, deny
from adplanning_plugin.identity.erased import (
    PSEUDONYM,
    erased_as,
    erased_key,
    erased_since,
    erased_table,
    remember_erased,
)
from adplanning_plugin.identity.filling import ask_for, must_be_asked_for
from adplanning_plugin.identity.identifiers import (
    email_identifier_sql,
    identifier_for_email,
    person_identifier,
    secret_of,
)
from adplanning_plugin.identity.reading import (
    claimed_visitors,
    component_table,
    components,
    people_of_visitors,
    resolve_person,
    visitor_edges,
    visitor_table,
    visitors_of,
)
from adplanning_plugin.identity.repository import (
    STRONG,
    WEAK,
    Edge,
    denylist_table,
    edge_table,
    link,
    link_from,
    see_visitors,
)
from adplanning_plugin.identity.settings import IDENTITY_SECTION, MAX_VISITORS, IdentitySettings
from adplanning_plugin.identity.upkeep import LINKED, UNLINKED

__all__ = [
    "IDENTITY_SECTION",
    "LINKED",
    "MAX_VISITORS",
    "PSEUDONYM",
    "STRONG",
    "UNLINKED",
    "WEAK",
    "Edge",
    "IdentitySettings",
    "allow",
    "ask_for",
    "claimed_visitors",
    "component_table",
    "components",
    "deny",
    "denylist_table",
    "edge_table",
    "email_identifier_sql",
    "erased_as",
    "erased_key",
    "erased_since",
    "erased_table",
    "identifier_for_email",
    "link",
    "link_from",
    "must_be_asked_for",
    "people_of_visitors",
    "person_identifier",
    "remember_erased",
    "resolve_person",
    "secret_of",
    "see_visitors",
    "visitor_edges",
    "visitor_table",
    "visitors_of",
]
