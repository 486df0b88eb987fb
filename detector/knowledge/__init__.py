"""Loading what the judges know: shipped tables, trust stores, pins, policy, history."""
