"""Pages in a real Chromium; run by `make e2e`."""
