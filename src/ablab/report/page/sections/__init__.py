"""The chapters of the page, one file each, in words, tables and pictures."""
