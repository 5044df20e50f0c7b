"""What makes a feature map smaller."""
