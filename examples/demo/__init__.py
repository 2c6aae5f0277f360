"""The demo: a story that measures what it claims."""
