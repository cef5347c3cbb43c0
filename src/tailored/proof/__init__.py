"""What is certain of a rule book for every request: reachability, conflicts, guarantees, differences (Z3)."""
