"""Tocsin (警钟): epidemic emergency plans executed as running BPMN processes."""
