"""What can be placed, made ready to show: templates, rendered."""
