"""The models that are kept, and the rules that belong to them."""
