"""Use cases: one public function is one use case, one transaction, one docstring."""
