"""The pages of the documentation that are made from the records, when the site is built."""
