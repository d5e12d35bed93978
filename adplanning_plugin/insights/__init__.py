"""Insights: dashboard, ROI, coverage and trends over the domains below; of its own it keeps spend and rates."""
