"""What rendered routes and policies say, as values: one reading for check, engine and simulator."""
