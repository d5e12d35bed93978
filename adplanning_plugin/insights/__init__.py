"""Insights: what it all adds up to (dashboard, ROI, coverage, trends); reads the domains below, writes spend and rates."""
