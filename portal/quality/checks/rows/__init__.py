"""The checks on the rows of every table: each module declares one as CHECK."""
