"""What people write: strict YAML with positions, the models of the sections, linking, diagnostics."""
