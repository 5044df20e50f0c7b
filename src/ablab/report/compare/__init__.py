"""`ablab compare`: what changed from one sweep, commit or machine to another."""
