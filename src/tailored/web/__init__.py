"""Helpers for web frameworks: user and context from a request. A module for each, imported by its users."""
