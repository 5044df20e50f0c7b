"""Records of trials on disk: lab, journal, completion record, plan; their delivery to MLflow."""
