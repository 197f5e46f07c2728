"""Tests of the chat cluster: real servers, real sockets, real Redis."""
