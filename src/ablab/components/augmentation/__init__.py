"""What changes a training batch before the network sees it."""
