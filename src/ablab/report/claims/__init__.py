"""Claims of textbooks: what their expectations give, the verdict, and the page of all of them."""
