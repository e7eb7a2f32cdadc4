"""The matrix: which test asserts which step, decision row, deadline rule and form field (tests/matrix.md).

A line is asserted by a test when, in one and the same run of that test,

* it happened: the step was passed, the deadline started, the field was answered and accepted; and
* the test demanded it by name: it completed the task or sent the message (`World.do`, `act`, `send` fail where the
  process does not wait for it), found it in a read table (`World.rows`, `World.deadline`) or in the log with its
  minute or the rows that fired (`World.passed`, `World.decided`), looked at the stored value (`World.saved`), or an
  `assert` of the test names it.

A rule that no element is marked with is kept by the timers that read its value, and asserted where one of them is.

What a test merely passes through does not count. A decision row is asserted by a case or an example that expects it
and no other. Gateways are no lines: `make flows` demands that every sequence flow was walked.
"""
