"""The load-test harness: scenarios, agents, one coordinator, honest figures, a report."""
