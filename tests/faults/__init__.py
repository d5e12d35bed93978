"""Faults: real processes of one small store, what is done to them, and what must still be true afterwards."""
