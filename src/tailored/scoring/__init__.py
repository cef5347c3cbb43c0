"""Scoring: what puts candidates in an order, made safe, and the scorers that ship."""
