"""Procedures walked through the application functions on a virtual clock."""
