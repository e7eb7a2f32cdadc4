"""Every route against OpenAPI and the problem shape; every integration against recorded payloads."""
