"""The output of sweep commands: a live table in a terminal, plain lines in a log, summaries."""
