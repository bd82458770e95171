"""A real homeserver, people and a bot process, for tests, benchmarks and the demo. Nothing here runs in production."""
