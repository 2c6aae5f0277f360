"""Models as people save them: what `modelctl package` brings into production."""
