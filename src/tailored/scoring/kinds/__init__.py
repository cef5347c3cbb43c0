"""The kinds of scorers that need no training."""
