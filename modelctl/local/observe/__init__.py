"""What runs, told to people: facts, sentences and the status page."""
