"""Two web and two worker processes on one PostgreSQL, while they are killed or restarted one after the other."""
