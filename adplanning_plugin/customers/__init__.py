"""Customers: one view of each person, what is held about them as a file, and the way to have it erased."""
