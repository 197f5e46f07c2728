"""Who a client is and what it may do: tokens, the keys that sign them, capabilities."""
