"""Launchers: each starts runs in processes of their own."""
