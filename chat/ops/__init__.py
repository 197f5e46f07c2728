"""Seeing what runs: counters, reports, metrics, logs and the operations port."""
