"""Budgets: how much, how fast."""
