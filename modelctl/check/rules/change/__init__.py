"""What a change does to what runs: what no cluster could follow, and what hits much at once."""
