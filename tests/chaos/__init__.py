"""Chaos: random kills of every process of the store under constant load, and a count of what was lost or doubled."""
