"""Which sequence flows the path tests visit: collected while they run, gated afterwards (`make flows`)."""
