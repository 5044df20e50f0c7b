"""The HTML page and its Markdown twin."""
