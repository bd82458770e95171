"""Tests of the checksum grammar, the chat reader, the verdicts and the shell verifier."""
