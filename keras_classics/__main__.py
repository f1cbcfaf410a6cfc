"""`python -m keras_classics`, the same as the command `keras-classics`."""

from keras_classics.cli import main

main()
