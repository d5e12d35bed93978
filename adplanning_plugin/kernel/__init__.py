"""Kernel: what every domain stands on (ids, money, time, database, events, work, HTTP); it knows no domain."""
