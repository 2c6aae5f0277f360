"""The repository as a value: its files, what they say, and who said it when."""
