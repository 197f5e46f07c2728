"""The same cases on this server and on others, by one client, on one machine."""
