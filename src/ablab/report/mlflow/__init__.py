"""Reports on MLflow runs that ablab did not start."""
