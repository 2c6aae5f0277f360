"""The generated reference pages, as pure functions from tables to Markdown."""
