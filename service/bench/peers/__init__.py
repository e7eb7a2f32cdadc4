"""The reference procedure, or as much of it as they have, on other engines; run in environments of their own."""
