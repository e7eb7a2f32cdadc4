"""The BPMN and DMN engine; the only importer of SpiffWorkflow; no I/O, no clock."""
