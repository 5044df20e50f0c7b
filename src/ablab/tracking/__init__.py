"""What is known of trials: the lab's folders, journals, completion records, plans, delivery."""
