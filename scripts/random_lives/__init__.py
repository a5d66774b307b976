"""Random lives of customers, billed in different rhythms: they must come to the same money."""
