"""What an environment allows: steps, freezes, amounts, places and evidence."""
