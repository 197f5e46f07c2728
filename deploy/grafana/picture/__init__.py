"""A picture of a dashboard by Grafana's own components."""
