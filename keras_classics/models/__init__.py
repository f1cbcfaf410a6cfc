"""One file a paper, named for its family; `keras_classics.families` lists them."""
