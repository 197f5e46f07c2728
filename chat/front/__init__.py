"""HAProxy in front of the workers: its list of servers and its runtime API (docs/haproxy.md)."""
