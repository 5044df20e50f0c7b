"""The HTML page and the Markdown file of a report."""
