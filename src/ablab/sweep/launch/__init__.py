"""Where trials run: each launcher starts takes in processes of their own."""
