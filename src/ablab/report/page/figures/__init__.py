"""The figures of a report, as SVG inside the page."""
