"""Model servers as child processes: started, probed, restarted and drained."""
