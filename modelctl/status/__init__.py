"""What an engine says of what it runs: values for programs, text for people."""
