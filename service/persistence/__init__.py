"""Tables, unit of work and writer; the only place that opens and commits transactions."""
