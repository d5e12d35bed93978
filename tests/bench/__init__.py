"""Benchmarks: `./run bench [section …]`. They measure and report; no check runs them, and none can fail a build."""
