"""The store: where artifact bytes live outside git, and how they get there and back."""
