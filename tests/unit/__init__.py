"""Pure functions of domain and engine."""
