"""Clients of outside systems and a rehearsal twin of each; knows service.domain and httpx only."""
