"""A server under load that is killed at every boundary of a commit, disturbed, or asked for the same by two at once."""
