"""The condition tree and its readers: tests on attributes, joined by all, any and not."""
