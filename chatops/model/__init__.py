"""The state of a case: small machines as tables of data, and the rows that hold what they say."""
