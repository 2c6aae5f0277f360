"""A repository of one's own: what it begins with, and how it comes to be whole or not at all."""
