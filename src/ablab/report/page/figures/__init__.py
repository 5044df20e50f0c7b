"""The report's pictures, as SVG to stand inside a page."""
