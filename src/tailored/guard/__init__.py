"""The guard: what a request permits, and the two gates that hold to it."""
