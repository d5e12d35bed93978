"""Identity: who is who. Visitors, and what links them to a person; it neither captures visits nor decides credit."""

from adplanning_plugin.identity.identifiers import (
    email_identifier_sql,
    identifier_for_email,
    person_identifier,
    secret_of,
)
from adplanning_plugin.identity.repository import (
    MAX_VISITORS,
    STRONG,
    WEAK,
    Edge,
    allow,
    deny,
    denylist_table,
    edge_table,
    link,
    link_from,
    people_of_visitors,
    resolve_person,
    see_visitors,
    visitor_edges,
    visitor_table,
    visitors_of,
)

__all__ = [
    "MAX_VISITORS",
    "STRONG",
    "WEAK",
    "Edge",
    "allow",
    "deny",
    "denylist_table",
    "edge_table",
    "email_identifier_sql",
    "identifier_for_email",
    "link",
    "link_from",
    "people_of_visitors",
    "person_identifier",
    "resolve_person",
    "secret_of",
    "see_visitors",
    "visitor_edges",
    "visitor_table",
    "visitors_of",
]
