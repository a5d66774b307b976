"""What is made from the comments in sql/: calls, statements, rows and errors."""
