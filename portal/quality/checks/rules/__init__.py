"""The checks that a Table Schema may ask for: each module declares one as CHECK."""
