"""Plain Python: commands, events, errors, clock, deadlines, access, gateway protocols."""
