"""The kinds of scorers that learn from data, or hold what was learnt elsewhere."""
