"""Grouping: from edges to who is one with whom. Pure; the same edges in any order give the same groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

PERSON = "person:"


class Seen(NamedTuple):
    """A visitor seen with an identifier, and when last."""

    visitor_id: str
    identifier: str
    last_seen_at: datetime


class Node(NamedTuple):
    """A visitor, or an identifier."""

    name: str
    is_visitor: bool


class Component(NamedTuple):
    """Visitors and identifiers that are one."""

    id: str
    visitors: frozenset[str]
    identifiers: frozenset[str]


def group(edges: Iterable[Seen]) -> list[Component]:
    """Components of the graph of edges, of which none has two people.

    Edges join one after the other: those to people first, since a shared browser belongs to whoever was seen on it
    last, and among equals the latest first; one that would make two people one joins nothing.
    """
    ordered = sorted(edges, key=_precedence)
    ordered.sort(key=lambda edge: edge.last_seen_at, reverse=True)
    ordered.sort(key=lambda edge: not edge.identifier.startswith(PERSON))
    parent: dict[Node, Node] = {}
    person: dict[Node, str] = {}

    def root(node: Node) -> Node:
        found = parent.setdefault(node, node)
        while parent[found] != found:
            parent[found] = parent[parent[found]]
            found = parent[found]
        parent[node] = found
        return found

    for edge in ordered:
        mine, theirs = root(Node(edge.visitor_id, True)), root(Node(edge.identifier, False))
        if edge.identifier.startswith(PERSON):
            person.setdefault(theirs, edge.identifier)
        if mine == theirs or (mine in person and theirs in person):
            continue
        parent[mine] = theirs
        if mine in person:
            person[theirs] = person[mine]
    members: defaultdict[Node, list[Node]] = defaultdict(list)
    for node in parent:
        members[root(node)].append(node)
    return [_component(person.get(top), nodes) for top, nodes in members.items() if len(nodes) > 1]


def most_linked(edges: Iterable[Seen], visitors: frozenset[str]) -> str:
    """The identifier that links most of these visitors; among equals the least."""
    linked: defaultdict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge.visitor_id in visitors:
            linked[edge.identifier].add(edge.visitor_id)
    return min(linked, key=lambda identifier: (-len(linked[identifier]), identifier))


def _component(person: str | None, nodes: list[Node]) -> Component:
    identifiers = frozenset(node.name for node in nodes if not node.is_visitor)
    visitors = frozenset(node.name for node in nodes if node.is_visitor)
    return Component(person or min(identifiers), visitors, identifiers)


def _precedence(edge: Seen) -> tuple[str, str]:
    return edge.identifier, edge.visitor_id
