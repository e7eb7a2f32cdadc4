"""Golden states (R10): running incidents as each release stored them, with invented people and without any key.

A folder per release holds the incidents and the definitions they are on. `python -m tests.golden` writes those of
this release; a test loads each under the code as it is now, finishes it, and proves its log and read tables.
"""
