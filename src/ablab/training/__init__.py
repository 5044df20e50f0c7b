"""One trial: composed, checked, built, trained, recorded."""
