"""The coordinator: admits agents, hands out shares, says when a phase begins, adds up."""
