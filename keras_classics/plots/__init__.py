"""The pictures: a file a picture, each with a function `draw`. Files end in .png, .svg or .pdf."""
