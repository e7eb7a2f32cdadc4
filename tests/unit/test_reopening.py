"""A version that was deployed is opened as it is, whatever rules say today."""

from service.engine.intake import read_bundle, reopen_bundle
from service.engine.known import Known
from service.engine.rules import ERROR
from tests.unit.test_intake import SMALL


def test_a_version_that_was_deployed_opens_although_a_rule_was_tightened_since() -> None:
    files = {"small_alarm.bpmn": SMALL}
    strict, findings = read_bundle(
        files, bundle_id="small_alarm", decisions={}, known=Known(procedures={"small_check"}, roles=set())
    )
    assert strict is None
    assert {item.rule for item in findings if item.severity == ERROR} == {"role_unknown"}
    reopened, none = reopen_bundle(files, bundle_id="small_alarm", decisions={})
    assert (reopened is not None, none) == (True, [])
    broken, findings = reopen_bundle({"small_alarm.bpmn": b"<nothing"}, bundle_id="small_alarm", decisions={})
    assert broken is None
    assert findings
