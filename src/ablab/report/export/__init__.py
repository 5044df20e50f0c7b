"""The report in other forms: JSON, CSV, LaTeX, PDF."""
