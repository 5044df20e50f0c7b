"""Publishing: the reports of one or several labs as a static site."""
