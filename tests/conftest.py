"""Nothing hidden: what a test needs it builds itself (`an_incident(...)`), so a test reads on its own."""
