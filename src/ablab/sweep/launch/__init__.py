"""Where trials run: each launcher starts runs in processes of their own."""
