"""The functions of `import ablab`, for notebooks, scripts and your own Trainer."""
