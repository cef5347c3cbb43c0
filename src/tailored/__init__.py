"""Tailored decides what each user of a product sees, by rules that product teams write."""
