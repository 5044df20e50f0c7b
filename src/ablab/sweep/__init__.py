"""Many trials: one question, planned, run, resumed and shown."""
