"""The repository that is followed, and what each of its revisions asks for."""
