"""The tests of a book: run them, explain what failed, and tell what none of them has tried."""
