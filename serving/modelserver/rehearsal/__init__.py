"""A server's start, done once beside no traffic: what would become of a release, as a report."""
