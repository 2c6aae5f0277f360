"""Models as other platforms write them down: what they say, and what of it has a place here."""
