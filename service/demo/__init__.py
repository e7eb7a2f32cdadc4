"""The demo district: organisations, accounts and incidents so that no page is empty."""
