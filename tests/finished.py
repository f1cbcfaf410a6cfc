"""What the folder of a finished run holds."""

FILES = [
    "best.keras",
    "confusion.png",
    "curves.png",
    "history.csv",
    "last.keras",
    "metrics.json",
    "model.tflite",
    "model.tflite.json",
    "recipe.json",
    "saved_model",
    "saved_model.json",
]
