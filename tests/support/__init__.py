"""What every test may use: a Redis server, worker processes, a client, a fault proxy."""
