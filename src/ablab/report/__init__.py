"""From plans and records to statistics, figures and pages."""
