"""The choosable parts, one folder an axis, one file a component."""
