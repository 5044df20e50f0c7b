"""What `import ablab` offers a notebook, a script, or a Trainer of one's own."""
