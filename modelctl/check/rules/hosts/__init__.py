"""What is said of the hosts of a cluster, and of who answers for folders."""
