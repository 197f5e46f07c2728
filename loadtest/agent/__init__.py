"""An agent: one process, one thread, one epoll, and the clients it carries."""
