"""What BPMN 2.0 says an engine must do, as small cases of our own: diagrams in shorthand, traces beside them.

`*.yaml` hold the cases, `writing` makes BPMN of the shorthand, `running` simulates it. A case states its
traces or the rule that refuses it; a third outcome, a wrong trace without a word, does not exist.
"""
