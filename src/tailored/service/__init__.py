"""The service: decisions over HTTP, OFREP, metrics, the decision log. Needs the extra `service`."""
