"""What holds weights back: a penalty added to the mean cost, or a projection after each step."""
