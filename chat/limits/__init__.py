"""How much and how fast: token buckets per connection, per user and per address."""
