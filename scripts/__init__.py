"""What developers call from the top of a checkout."""
